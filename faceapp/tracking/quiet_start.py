"""Keeps MediaPipe's start-up chatter off the terminal."""

from __future__ import annotations

import os
import sys
import tempfile
import threading
from collections.abc import Iterator
from contextlib import contextmanager

# Lines that MediaPipe 0.10.21 and the TensorFlow Lite inside it write to file descriptor 2 whenever a
# network is loaded; neither GLOG_minloglevel, TF_CPP_MIN_LOG_LEVEL nor absl's Python settings silence them.
_CHATTER = (
    b"Created TensorFlow Lite XNNPACK delegate for CPU",
    b"All log messages before absl::InitializeLog() is called",
    b"Feedback manager requires a model with a single signature inference",
    b"Using NORM_RECT without IMAGE_DIMENSIONS is only supported for the square ROI",  # ours is square
)
_INFORMATION = b"I0000 "
"""Starts lines of absl that are no warnings, such as those about OpenGL where there is a display."""
_lock = threading.Lock()


@contextmanager
def chatter_removed() -> Iterator[None]:
    """Hold back what is written to standard error meanwhile, and pass on all but the known chatter."""
    with _lock:
        try:
            if sys.stderr is not None:
                sys.stderr.flush()
            saved = os.dup(2)
        except OSError:  # a windowed program without a console has no such stream
            yield
            return
        with tempfile.TemporaryFile() as held:
            os.dup2(held.fileno(), 2)
            try:
                yield
            finally:
                os.dup2(saved, 2)
                os.close(saved)
                held.seek(0)
                _pass_on(held.read())


def _pass_on(text: bytes) -> None:
    kept = b"".join(
        line
        for line in text.splitlines(True)
        if not line.startswith(_INFORMATION) and not any(known in line for known in _CHATTER)
    )
    if kept:
        os.write(2, kept)
