"""Runs a TensorRT plan: copies, kernels and copies back, captured as one CUDA graph per batch size.

Every batch size has an execution context of its own, because a context changes when its shapes do and a captured graph
then points to what is gone; all of them share one piece of device memory, since they run one after another. Input
and outputs have fixed addresses, so a run is: write the faces into pinned memory, launch the graph, wait, copy the answer
out of pinned memory. Nothing is allocated on the GPU after a batch size was seen once.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

import numpy as np

from engines.errors import EngineError, GpuError
from engines.signature import Tensor
from engines.tensorrt.cuda import Cuda
from engines.tensorrt.library import Library
from engines.tensorrt.plan_memory import Array, PlanMemory, plan_ports

logger = logging.getLogger(__name__)

_OF_THE_GPU = {"INSUFFICIENT_GPU_MEMORY", "CUDA_ERROR"}
"""Reasons of TensorRT-RTX that lie in the GPU's state, not in the plan."""


@dataclass(slots=True)
class _Slot:
    """What one batch size needs; a graph is None before it is captured, or because it can't be.

    Attributes:
        count: Faces in a call.
        context: TensorRT's execution context.
        graph: Copies and kernels.
        kernels: The kernels alone, captured only to be timed.
    """

    count: int
    context: Any
    graph: Any = None
    kernels: Any = None


class PlanRunner:
    """One loaded plan. Any thread may call it, one at a time.

    Attributes:
        cuda: The GPU, whose stream its runs are queued on.
    """

    def __init__(
        self, library: Library, plan: bytes, cuda: Cuda, largest_batch: int, runtime_cache: bytes = b""
    ) -> None:
        """Load a plan that this program built.

        Args:
            library: The library that built it.
            plan: The serialised engine.
            cuda: The GPU; closed with the runner.
            largest_batch: Of the plan's profile.
            runtime_cache: Kernels compiled on an earlier load (TensorRT-RTX); ignored where it does not fit.

        Raises:
            EngineError: The plan can't run on this GPU.
            GpuError: The GPU has too little memory.
        """
        self._library, self.cuda = library, cuda
        self._running = False
        self._slots: dict[int, _Slot] = {}
        self._mark = library.messages.mark()
        self._runtime: Any = library.module.Runtime(library.messages.logger)
        self._engine: Any = self._deserialise(plan)
        self._plan_bytes = len(plan)
        self._settings, self._runtime_cache = self._runtime_settings(runtime_cache)
        ports = plan_ports(library.module, self._engine, largest_batch)
        self._memory = PlanMemory(cuda, ports, largest_batch, int(self._engine.device_memory_size_v2))

    @property
    def inputs(self) -> dict[str, Tensor]:
        """Input name -> format and shape, for `engines.signature.check_signature`."""
        return {self._memory.input.name: self._memory.input.tensor}

    @property
    def outputs(self) -> dict[str, Tensor]:
        """Output name -> format and shape."""
        return {port.name: port.tensor for port in self._memory.outputs}

    def prepare(self, count: int) -> None:
        """Make all that runs of a batch size need, and run it once.

        Raises:
            GpuError: The GPU failed or has too little memory.
        """
        if count in self._slots:
            return
        self._finish()  # all batch sizes compute in the same memory
        slot = _Slot(count, self._make_context(count))
        with self.cuda.alone():
            # The first run compiles and settles what a capture must not contain.
            self._queue(slot)
            self.cuda.synchronize()
            slot.graph = self._capture(slot)
        self._slots[count] = slot

    def submit(self, batch: Array) -> None:
        """Begin a run; `collect` gives its answer. Two runners' runs may overlap on the GPU.

        A run before whose answer nobody collected is waited for and dropped.

        Args:
            batch: C-contiguous, of the input's format, (N, ...) with 1 <= N <= the largest batch.

        Raises:
            GpuError: The GPU failed.
        """
        count = len(batch)
        self.prepare(count)
        self._finish()
        np.copyto(self._memory.batch[:count], batch, casting="no")
        self._running = True
        self.launch(count)

    def collect(self, count: int) -> dict[str, Array]:
        """Wait for the run that `submit` began with a batch of this size.

        Returns:
            Output name -> (count, ...), arrays that the caller owns.

        Raises:
            GpuError: The GPU failed.
        """
        self._finish()
        return self._memory.answers(count)

    def launch(self, count: int, *, copies: bool = True) -> None:
        """Queue a run over the faces that lie in memory, of a batch size that was prepared; see `engines.tensorrt.plan_times`.

        Args:
            count: Faces.
            copies: With the copies to and from the GPU, or the kernels alone.

        Raises:
            GpuError: The GPU failed.
        """
        slot = self._slots[count]
        graph = slot.graph if copies else slot.kernels
        if graph is None:
            self._queue(slot, copies=copies)
        else:
            self.cuda.launch(graph)

    def prepare_kernels(self, count: int) -> None:
        """Capture the kernels of a batch size without the copies, for timing.

        Raises:
            GpuError: The GPU failed or has too little memory.
        """
        self.prepare(count)
        slot = self._slots[count]
        if slot.kernels is None:
            with self.cuda.alone():
                slot.kernels = self._capture(slot, copies=False)

    def describe(self) -> dict[str, int | str]:
        """Return library, memory in bytes and captured graphs, for reports."""
        return {
            "library": self._library.title,
            "plan_bytes": self._plan_bytes,
            "device_bytes": self.cuda.allocated_bytes,
            "scratch_bytes": self._memory.scratch_bytes,
            "contexts": len(self._slots),
            "graphs": sum(slot.graph is not None for slot in self._slots.values()),
            "streams": "shared" if self.cuda.shares_stream else "own",
        }

    def runtime_cache(self) -> bytes:
        """Return the kernels compiled so far, for the next load; empty where the library keeps none."""
        content = None if self._runtime_cache is None else self._runtime_cache.serialize()
        return b"" if content is None else bytes(content)

    def close(self) -> None:
        """Free everything; may be called twice."""
        with suppress(GpuError):  # on a lost GPU nothing runs any more
            self._finish()
        # Graphs hold kernels of the contexts, contexts hold memory and engine, the engine holds the runtime.
        self.cuda.release_graphs()
        self._slots.clear()
        self._settings = self._runtime_cache = self._engine = self._runtime = None
        self.cuda.close()

    def _deserialise(self, plan: bytes) -> Any:
        """Return the engine, after the library said that it can run here, where it says so."""
        if hasattr(self._runtime, "get_engine_validity"):  # TensorRT-RTX
            validity, bits = self._runtime.get_engine_validity(plan)
            if validity == self._library.module.EngineValidity.INVALID:
                raise self._invalid(int(bits))
        engine = self._runtime.deserialize_cuda_engine(plan)
        if engine is None:
            raise EngineError(
                f"{self._library.title} can't load the engine ({self._reason()}); choose another back end"
            )
        return engine

    def _invalid(self, bits: int) -> EngineError:
        """Return the error for a plan that TensorRT-RTX refuses, with the names of its reasons."""
        members = self._library.module.EngineInvalidityDiagnostics.__members__
        names = [name for name, value in members.items() if int(value) & bits]
        text = (
            f"{self._library.title} can't run the engine on this GPU ({', '.join(names) or self._reason()})"
        )
        if _OF_THE_GPU & set(names):
            return GpuError(f"{text}; close other programs that use it")
        return EngineError(f"{text}; choose another back end")

    def _reason(self) -> str:
        return self._library.messages.since(self._mark) or "it gave no reason"

    def _runtime_settings(self, runtime_cache: bytes) -> tuple[Any, Any]:
        """Return how contexts are made, and the store of compiled kernels (TensorRT-RTX only)."""
        module = self._library.module
        user_managed = module.ExecutionContextAllocationStrategy.USER_MANAGED
        specialise = getattr(module, "DynamicShapesKernelSpecializationStrategy", None)
        if specialise is None:
            return user_managed, None
        settings = self._engine.create_runtime_config()
        settings.set_execution_context_allocation_strategy(user_managed)
        # "Lazy" would run, and capture, slower kernels until the right ones are compiled.
        settings.dynamic_shapes_kernel_specialization_strategy = specialise.EAGER
        cache = settings.create_runtime_cache()
        if runtime_cache and not cache.deserialize(runtime_cache):
            logger.info("%s: the kept kernels don't fit; they are compiled again", self._library.title)
        settings.set_runtime_cache(cache)
        return settings, cache

    def _make_context(self, count: int) -> Any:
        """Return a context for one batch size, its memory and addresses set."""
        context = self._engine.create_execution_context(self._settings)
        if context is None:
            raise GpuError(
                f"{self._library.title} can't prepare a run ({self._reason()}); free some GPU memory"
            )
        context.set_device_memory(self._memory.scratch, self._memory.scratch_bytes)
        taken = context.set_input_shape(self._memory.input.name, (count, *self._memory.input.shape))
        for name, address in self._memory.addresses.items():
            taken = context.set_tensor_address(name, address) and taken
        if not taken or self._unknown_shapes(context):
            raise EngineError(
                f"{self._library.title} refuses a batch of {count} ({self._reason()}); choose another back end"
            )
        return context

    def _unknown_shapes(self, context: Any) -> Sequence[str]:
        """Return the tensors whose shapes are not settled, none when all is well."""
        try:
            found: Sequence[str] = context.infer_shapes()
        except RuntimeError as error:
            return [str(error)]
        return found

    def _queue(self, slot: _Slot, *, copies: bool = True) -> None:
        """Queue one run, step by step."""
        if copies:
            self._memory.copy_in(slot.count)
        if not slot.context.execute_async_v3(self.cuda.stream_handle):
            raise GpuError(
                f"{self._library.title} failed ({self._reason()}); restart the program to use it again"
            )
        if copies:
            self._memory.copy_out()

    def _finish(self) -> None:
        """Wait for the run that was begun, if any."""
        if self._running:
            self._running = False
            self.cuda.synchronize()

    def _capture(self, slot: _Slot, *, copies: bool = True) -> Any:
        """Return the run as a graph; None where the library can't be captured, which costs time, not answers."""
        can: Callable[[int], bool] = getattr(slot.context, "is_stream_capturable", lambda _: True)
        if not can(self.cuda.stream_handle):
            logger.warning("%s: a batch of %d can't be captured", self._library.title, slot.count)
            return None
        try:
            return self.cuda.capture(lambda: self._queue(slot, copies=copies))
        except GpuError as error:  # a GPU that is really lost says so again at the next run
            logger.warning("%s: a batch of %d can't be captured: %s", self._library.title, slot.count, error)
            return None
