"""Runtime engines: from a picture and a face to emotion, age, gender and smile, on this machine alone."""

import os

# ONNX Runtime 1.31's wheels collect usage events by default: seen with strace, the first session makes a
# device id and an event store in ~/.cache/Microsoft for upload. The variable is read when the library starts,
# so it is set before any module of this package can import it; with it, the trace shows no file or socket.
os.environ["ORT_DISABLE_TELEMETRY"] = "1"

OF_FACEAPP = True
"""Tells this package from others of the same name, see `faceapp.surroundings`."""
