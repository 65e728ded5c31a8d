"""A GPU, its CUDA runtime and both TensorRTs, made of host memory and ONNX Runtime: strict where the real ones are.

Device addresses are numbers that nothing can read, work is queued on its stream and done only when waited for, a captured
graph points to the context as it was, and whatever the real libraries forbid ends in their status or in an assertion.
"""

from __future__ import annotations

import ctypes
import itertools
from collections.abc import Callable
from types import SimpleNamespace
from typing import Any

import numpy as np

OUT_OF_MEMORY, NOT_PERMITTED, ILLEGAL_ADDRESS = 2, 900, 700


class FakeCuda:
    """The functions of `cuda.bindings.runtime` that the project calls; each returns a status and values."""

    cudaStreamNonBlocking = 1
    cudaEventDisableTiming = 2
    cudaMemcpyKind = SimpleNamespace(cudaMemcpyHostToDevice=1, cudaMemcpyDeviceToHost=2)
    cudaStreamCaptureMode = SimpleNamespace(cudaStreamCaptureModeThreadLocal=1)

    def __init__(self, memory_bytes: int = 1 << 30, cuda_version: int = 13000) -> None:
        self.memory_bytes, self.cuda_version = memory_bytes, cuda_version
        self.device: dict[int, np.ndarray] = {}
        self.pinned: dict[int, Any] = {}
        self.freed_pinned: list[Any] = []  # kept, so that a late reader of the test doesn't crash it
        self.streams: set[int] = set()
        self.graphs: dict[int, list[Callable[[], int]]] = {}
        self.queued: dict[int, list[Callable[[], int]]] = {}
        """Stream -> what it has yet to do."""
        self.capturing: list[Callable[[], int]] | None = None
        self.captured_stream = 0
        self.calls: list[str] = []
        self.failing: dict[str, int] = {}
        """Function -> the status it gives from now on; "*" = every function, as after a loss of the GPU."""
        self._numbers = itertools.count(1)

    def __getattribute__(self, name: str) -> Any:
        value = super().__getattribute__(name)
        if not name.startswith("cuda") or not callable(value):
            return value

        def call(*arguments: Any) -> tuple[Any, ...]:
            self.calls.append(name)
            harmless = name in {"cudaGetErrorString", "cudaRuntimeGetVersion"}
            status = 0 if harmless else self.failing.get(name, self.failing.get("*", 0))
            return (status, None) if status else value(*arguments)

        return call

    def queue(self, work: Callable[[], int], stream: int) -> int:
        """Do later what a stream does, or put it into the graph that is being captured from it."""
        assert stream in self.streams
        captured = self.capturing is not None and stream == self.captured_stream
        target = self.capturing if captured else self.queued.setdefault(stream, [])
        assert target is not None
        target.append(work)
        return 0

    def drain(self, stream: int) -> int:
        """Do all that a stream has queued, in its order; return the worst status."""
        worst, work = 0, self.queued.setdefault(stream, [])
        while work:
            worst = max(worst, work.pop(0)())
        return worst

    def cudaRuntimeGetVersion(self) -> tuple[int, int]:
        return 0, self.cuda_version

    def cudaGetErrorString(self, status: int) -> tuple[int, bytes]:
        texts = {
            OUT_OF_MEMORY: b"out of memory",
            ILLEGAL_ADDRESS: b"an illegal memory access was encountered",
        }
        return 0, texts.get(int(status), b"unknown error")

    def cudaSetDevice(self, device: int) -> tuple[int]:
        return (0 if device == 0 else 101,)

    def cudaStreamCreateWithFlags(self, flags: int) -> tuple[int, int]:
        assert flags == self.cudaStreamNonBlocking
        stream = 7000 + next(self._numbers)
        self.streams.add(stream)
        return 0, stream

    def cudaStreamDestroy(self, stream: int) -> tuple[int]:
        left = self.queued.pop(stream, [])
        assert self.failing or not left, "a stream was destroyed before its work was waited for"
        self.streams.remove(stream)
        return (0,)

    def cudaMalloc(self, size_bytes: int) -> tuple[int, int]:
        if self.capturing is not None:
            return NOT_PERMITTED, 0
        if sum(map(len, self.device.values())) + size_bytes > self.memory_bytes:
            return OUT_OF_MEMORY, 0
        address = next(self._numbers) << 32  # far from any other, and a multiple of 256
        self.device[address] = np.full(size_bytes, 0xCD, np.uint8)
        return 0, address

    def cudaFree(self, address: int) -> tuple[int]:
        del self.device[address]
        return (0,)

    def cudaHostAlloc(self, size_bytes: int, flags: int) -> tuple[int, int]:
        assert flags == 0
        buffer = (ctypes.c_uint8 * size_bytes)(*([0xAB] * size_bytes))
        self.pinned[ctypes.addressof(buffer)] = buffer
        return 0, ctypes.addressof(buffer)

    def cudaFreeHost(self, address: int) -> tuple[int]:
        self.freed_pinned.append(self.pinned.pop(address))
        return (0,)

    def cudaMemcpyAsync(self, to: int, source: int, size_bytes: int, kind: int, stream: int) -> tuple[int]:
        assert stream in self.streams
        host = to if kind == self.cudaMemcpyKind.cudaMemcpyDeviceToHost else source
        buffer = self.pinned[host]  # anything else would not be asynchronous
        assert size_bytes <= len(buffer)

        def copy() -> int:
            device = self.bytes_at(source if host == to else to, size_bytes)
            memory = np.frombuffer(buffer, np.uint8)[:size_bytes]
            if host == to:
                memory[:] = device
            else:
                device[:] = memory
            return 0

        return (self.queue(copy, stream),)

    def cudaStreamSynchronize(self, stream: int) -> tuple[int]:
        assert stream in self.streams
        if self.capturing is not None:
            return (NOT_PERMITTED,)
        return (self.drain(stream),)

    def cudaStreamBeginCapture(self, stream: int, mode: int) -> tuple[int]:
        assert stream in self.streams and mode == 1 and self.capturing is None
        assert not self.queued.get(stream), "the stream was not waited for before the capture"
        self.capturing, self.captured_stream = [], stream
        return (0,)

    def cudaStreamEndCapture(self, stream: int) -> tuple[int, Any]:
        captured, self.capturing = self.capturing, None
        return 0, captured

    def cudaGraphInstantiate(self, graph: list[Callable[[], int]], flags: int) -> tuple[int, int]:
        number = next(self._numbers)
        self.graphs[number] = list(graph)
        return 0, number

    def cudaGraphDestroy(self, graph: Any) -> tuple[int]:
        return (0,)

    def cudaGraphExecDestroy(self, graph: int) -> tuple[int]:
        del self.graphs[graph]
        return (0,)

    def cudaGraphLaunch(self, graph: int, stream: int) -> tuple[int]:
        assert stream in self.streams and self.capturing is None
        for work in self.graphs[graph]:
            self.queue(work, stream)
        return (0,)

    def cudaEventCreateWithFlags(self, flags: int) -> tuple[int, SimpleNamespace]:
        assert flags in (0, self.cudaEventDisableTiming)
        return 0, SimpleNamespace(at=0, stream=0, waiting=False, timed=not flags)

    def cudaEventRecord(self, event: Any, stream: int) -> tuple[int]:
        event.stream, event.waiting = stream, True

        def record() -> int:
            event.at, event.waiting = next(self._numbers), False
            return 0

        return (self.queue(record, stream),)

    def cudaStreamWaitEvent(self, stream: int, event: Any, flags: int) -> tuple[int]:
        assert flags == 0
        assert event.stream != stream, "a stream needn't wait for itself"

        def wait() -> int:
            return self.drain(event.stream) if event.waiting else 0

        return (self.queue(wait, stream),)

    def cudaEventSynchronize(self, event: Any) -> tuple[int]:
        return (self.drain(event.stream),)

    def cudaEventElapsedTime(self, first: Any, last: Any) -> tuple[int, float]:
        assert first.timed and last.timed
        return 0, (last.at - first.at) / 1000

    def cudaEventDestroy(self, event: Any) -> tuple[int]:
        return (0,)

    def cudaMemGetInfo(self) -> tuple[int, int, int]:
        return 0, self.memory_bytes - sum(map(len, self.device.values())), self.memory_bytes

    def bytes_at(self, address: int, size_bytes: int) -> np.ndarray:
        """Return allocated device memory; an address outside of any allocation is an error of the test's subject."""
        for start, memory in self.device.items():
            if start <= address and address + size_bytes <= start + len(memory):
                return memory[address - start : address - start + size_bytes]
        raise AssertionError(f"no device memory at {address:#x}, {size_bytes} bytes")
