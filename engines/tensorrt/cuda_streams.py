"""The one stream of a GPU that several models share, so that their runs follow each other without gaps.

Nothing is captured there: a capture would take in whatever another thread queues meanwhile. A captured graph runs on any stream.
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Any

Call = Callable[..., Any]
"""Calls a function of the CUDA runtime by name; raises `GpuError` when it fails."""

_lock = threading.Lock()
_shared: dict[tuple[Any, int], tuple[Any, int]] = {}
"""Runtime and device -> the stream and how many use it."""


def borrow_stream(runtime: Any, device: int, call: Call) -> Any:
    """Return the shared stream of a GPU, made for the first who asks.

    Args:
        runtime: cuda-python's binding of the CUDA runtime.
        device: Number of the GPU, which is the calling thread's.
        call: See `Call`.

    Raises:
        GpuError: It can't be made.
    """
    key = (runtime, device)
    with _lock:
        stream, users = _shared.get(key) or (
            call("cudaStreamCreateWithFlags", runtime.cudaStreamNonBlocking),
            0,
        )
        _shared[key] = (stream, users + 1)
    return stream


def give_back_stream(runtime: Any, device: int, call: Call) -> None:
    """Stop using the shared stream; the last one destroys it.

    Raises:
        GpuError: It can't be destroyed: the GPU is lost.
    """
    key = (runtime, device)
    with _lock:
        stream, users = _shared.pop(key)
        if users > 1:
            _shared[key] = (stream, users - 1)
        else:
            call("cudaStreamDestroy", stream)
