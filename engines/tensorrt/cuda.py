"""Memory, streams, events and graphs of one GPU through cuda-python: what running a plan needs, without PyTorch.

Every failure is a `GpuError`: after most of them nothing works on the GPU until the process ends.
"""

from __future__ import annotations

import ctypes
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from typing import Any

import numpy as np
import numpy.typing as npt

from engines.errors import EngineError, GpuError
from engines.tensorrt.cuda_streams import borrow_stream, give_back_stream

ALIGNMENT_BYTES = 256
"""TensorRT asks for device addresses that are multiples of it; `cudaMalloc` gives such."""

_OUT_OF_MEMORY = 2  # cudaErrorMemoryAllocation


def import_runtime() -> Any:
    """Return cuda-python's binding of the CUDA runtime.

    Raises:
        EngineError: It is not installed or can't be loaded.
    """
    try:
        from cuda.bindings import runtime
    except (ImportError, OSError, RuntimeError) as error:
        text = " ".join(str(error).split())
        raise EngineError(
            f"cuda-python can't be imported ({text}); run: pip install 'faceapp[gpu]'"
        ) from error
    return runtime


class Cuda:
    """One GPU, seen by one stream: its own, or one that all who ask for it share.

    Runs on any thread, one at a time. What it hands out is freed by `close`.
    """

    def __init__(self, runtime: Any, device: int = 0) -> None:
        """Open a GPU.

        Args:
            runtime: From `import_runtime`.
            device: Its number as the driver counts.

        Raises:
            GpuError: It can't be used.
        """
        self._runtime = runtime
        self._device = device
        self._frees: list[Callable[[], object]] = []
        self._graphs: list[Any] = []
        self.allocated_bytes = 0
        self.enter_thread()
        # Not the default stream: TensorRT would synchronise with everything there, and it can't be captured.
        self._own = self._call("cudaStreamCreateWithFlags", runtime.cudaStreamNonBlocking)
        self._frees.append(lambda: self._call("cudaStreamDestroy", self._own))
        self._stream = self._own

    @property
    def stream_handle(self) -> int:
        """The stream as a number, as TensorRT takes it."""
        return int(self._stream)

    @property
    def shares_stream(self) -> bool:
        """Whether what is queued goes to the stream that others use too."""
        return self._stream is not self._own

    def share_stream(self, shared: bool) -> None:
        """Queue on the stream that all share, or on the own one; waits for what was queued before.

        Raises:
            GpuError: The GPU failed.
        """
        if shared == self.shares_stream:
            return
        self.synchronize()
        if shared:
            self._stream = borrow_stream(self._runtime, self._device, self._call)
        else:
            self._unshare()

    @contextmanager
    def alone(self) -> Iterator[None]:
        """Queue on the own stream meanwhile: a capture must hold nothing that another queued."""
        stream, self._stream = self._stream, self._own
        try:
            yield
        finally:
            self._stream = stream

    def enter_thread(self) -> None:
        """Make the GPU the calling thread's; every thread starts with number 0."""
        self._call("cudaSetDevice", self._device)

    def device_memory(self, size_bytes: int) -> int:
        """Return the address of fresh memory on the GPU."""
        address = int(self._call("cudaMalloc", size_bytes))
        self._frees.append(lambda: self._call("cudaFree", address))
        self.allocated_bytes += size_bytes
        return address

    def pinned_memory(self, size_bytes: int) -> npt.NDArray[np.uint8]:
        """Return zeroed host memory that the GPU copies from and to on its own; invalid after `close`."""
        address = int(self._call("cudaHostAlloc", size_bytes, 0))
        self._frees.append(lambda: self._call("cudaFreeHost", address))
        memory = np.ctypeslib.as_array((ctypes.c_uint8 * size_bytes).from_address(address))
        memory[:] = 0
        return memory

    def copy_in(self, address: int, host: npt.NDArray[np.uint8], size_bytes: int) -> None:
        """Queue a copy of the first bytes of pinned memory to the GPU."""
        kind = self._runtime.cudaMemcpyKind.cudaMemcpyHostToDevice
        self._call("cudaMemcpyAsync", address, host.ctypes.data, size_bytes, kind, self._stream)

    def copy_out(self, host: npt.NDArray[np.uint8], address: int, size_bytes: int) -> None:
        """Queue a copy of bytes on the GPU to pinned memory."""
        kind = self._runtime.cudaMemcpyKind.cudaMemcpyDeviceToHost
        self._call("cudaMemcpyAsync", host.ctypes.data, address, size_bytes, kind, self._stream)

    def synchronize(self) -> None:
        """Wait until all that was queued is done."""
        self._call("cudaStreamSynchronize", self._stream)

    def capture(self, queue: Callable[[], None]) -> Any:
        """Return a graph of what a function queues; nothing of it runs yet.

        Raises:
            GpuError: Something of it can't be captured.
        """
        # Other threads may allocate meanwhile; "global", the default mode, would make their calls fail.
        mode = self._runtime.cudaStreamCaptureMode.cudaStreamCaptureModeThreadLocal
        self._call("cudaStreamBeginCapture", self._stream, mode)
        try:
            queue()
        except EngineError:
            with suppress(GpuError):  # ends the capture, which leaves the stream usable
                self._call("cudaStreamEndCapture", self._stream)
            raise
        graph = self._call("cudaStreamEndCapture", self._stream)
        try:
            executable = self._call("cudaGraphInstantiate", graph, 0)
        finally:
            self._call("cudaGraphDestroy", graph)
        self._graphs.append(executable)
        return executable

    def launch(self, graph: Any) -> None:
        """Queue a captured graph."""
        self._call("cudaGraphLaunch", graph, self._stream)

    def release_graphs(self) -> None:
        """Free all captured graphs; to be called before what they run is freed."""
        while self._graphs:
            with suppress(GpuError):
                self._call("cudaGraphExecDestroy", self._graphs.pop())

    def event(self, *, timed: bool = False) -> Any:
        """Return a mark that streams can set and wait for; to be freed by `free_event`."""
        flags = 0 if timed else self._runtime.cudaEventDisableTiming
        return self._call("cudaEventCreateWithFlags", flags)

    def record(self, event: Any) -> None:
        """Queue the setting of a mark."""
        self._call("cudaEventRecord", event, self._stream)

    def wait_for(self, event: Any) -> None:
        """Let what is queued from now on begin once another stream has set a mark."""
        self._call("cudaStreamWaitEvent", self._stream, event, 0)

    def elapsed_ms(self, first: Any, last: Any) -> float:
        """Wait for the second of two timed marks and return the time between them by the GPU's own clock."""
        self._call("cudaEventSynchronize", last)
        return float(self._call("cudaEventElapsedTime", first, last))

    def free_event(self, event: Any) -> None:
        """Free a mark; on a lost GPU there is nothing to free."""
        with suppress(GpuError):
            self._call("cudaEventDestroy", event)

    def memory_bytes(self) -> tuple[int, int]:
        """Return the GPU's free and whole memory."""
        free_bytes, whole_bytes = self._call("cudaMemGetInfo")
        return int(free_bytes), int(whole_bytes)

    def close(self) -> None:
        """Free everything, newest first; on a lost GPU there is nothing to free. May be called twice."""
        self.release_graphs()
        self._unshare()
        while self._frees:
            free = self._frees.pop()
            with suppress(GpuError):
                free()

    def _unshare(self) -> None:
        """Go back to the own stream."""
        if self.shares_stream:
            self._stream = self._own
            with suppress(GpuError):
                give_back_stream(self._runtime, self._device, self._call)

    def _call(self, name: str, *arguments: Any) -> Any:
        """Call a function of the runtime and return what it gives beside its status.

        Raises:
            GpuError: Its status is an error.
        """
        status, *values = getattr(self._runtime, name)(*arguments)
        if int(status):
            raise _gpu_error(self._runtime, name, status)
        return values[0] if len(values) == 1 else tuple(values)


def _gpu_error(runtime: Any, call: str, status: Any) -> GpuError:
    if int(status) == _OUT_OF_MEMORY:
        return GpuError("the GPU has too little free memory; close other programs that use it")
    _, text = runtime.cudaGetErrorString(status)
    reason = text.decode(errors="replace") if isinstance(text, bytes) else str(text)
    return GpuError(f"the GPU failed ({call}: {reason}); restart the program to use it again")
