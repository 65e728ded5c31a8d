"""OpenVINO on the graphics unit that many processors have beside their cores; it leaves these to tracking and window."""

from __future__ import annotations

import sys
from functools import cache
from pathlib import Path

from engines.backends import openvino
from engines.errors import EngineError

PRECISIONS = ("float16", "float32")
_RENDER_NODES = Path("/dev/dri")


def available() -> str:
    """Return why no graphics unit can be used; empty when one can."""
    if reason := openvino.available():
        return reason
    if sys.platform == "linux" and not any(_RENDER_NODES.glob("renderD*")):
        return "no graphics unit here (expected /dev/dri/renderD128 or the like); choose another back end"
    return _unlisted()


@cache
def _unlisted() -> str:
    """Ask the library once, which takes some 100 ms, whether it lists a graphics unit."""
    try:
        devices = openvino.shared_core().available_devices
    except (EngineError, RuntimeError) as error:
        return f"OpenVINO can't look for devices ({str(error).strip().splitlines()[-1]}); choose another back end"
    if any(device.split(".")[0] == "GPU" for device in devices):
        return ""
    return (
        f"OpenVINO lists no graphics unit (found {', '.join(devices) or 'nothing'}); install its driver "
        "(on Debian and Ubuntu: intel-opencl-icd) or choose another back end"
    )


class GraphicsUnitBackend(openvino.OpenVinoBackend):
    """One model compiled for the first graphics unit."""

    description = "OpenVINO GPU"
    _device = "GPU"

    def _settings(self, threads: int) -> dict[str, object]:
        return {"PERFORMANCE_HINT": "LATENCY"}
