"""Where the input and outputs of a plan lie, at addresses that never change: pinned on the host and on the GPU."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from engines.errors import EngineError
from engines.signature import Tensor
from engines.tensorrt.cuda import ALIGNMENT_BYTES, Cuda

Array = npt.NDArray[Any]


@dataclass(frozen=True, slots=True)
class Port:
    """An input or output of a plan.

    Attributes:
        name: Of the tensor.
        is_input: Or an output.
        dtype: Its number format.
        shape: Of one face.
        offset_bytes: Where it begins in the block of inputs or of outputs.
    """

    name: str
    is_input: bool
    dtype: np.dtype[Any]
    shape: tuple[int, ...]
    offset_bytes: int

    @property
    def face_bytes(self) -> int:
        """Bytes of one face."""
        return int(np.prod(self.shape, dtype=np.int64)) * self.dtype.itemsize

    @property
    def tensor(self) -> Tensor:
        """For `engines.signature.check_signature`."""
        return Tensor(self.dtype.name, (None, *self.shape))


def plan_ports(module: Any, engine: Any, largest_batch: int) -> list[Port]:
    """Return the ports of an engine, laid out for its largest batch; exactly one is an input.

    Args:
        module: The TensorRT that made the engine.
        engine: A deserialised engine.
        largest_batch: Of its profile.

    Raises:
        EngineError: It has no input, or more than one.
    """
    ports: list[Port] = []
    offsets = {True: 0, False: 0}
    for index in range(engine.num_io_tensors):
        name = engine.get_tensor_name(index)
        is_input = engine.get_tensor_mode(name) == module.TensorIOMode.INPUT
        shape = tuple(int(size) for size in tuple(engine.get_tensor_shape(name))[1:])
        dtype = np.dtype(module.nptype(engine.get_tensor_dtype(name)))
        ports.append(Port(name, is_input, dtype, shape, offsets[is_input]))
        offsets[is_input] += _aligned(ports[-1].face_bytes * largest_batch)
    if sum(port.is_input for port in ports) != 1:
        found = [port.name for port in ports if port.is_input]
        raise EngineError(f"expected a model with one input, found {found}; export the model again")
    return ports


class PlanMemory:
    """All memory of one plan, got at once."""

    def __init__(self, cuda: Cuda, ports: list[Port], largest_batch: int, scratch_bytes: int) -> None:
        """Allocate.

        Args:
            cuda: The GPU.
            ports: From `plan_ports`.
            largest_batch: Faces that fit.
            scratch_bytes: What the kernels compute in.

        Raises:
            GpuError: The GPU has too little memory.
        """
        self._cuda, self._largest = cuda, largest_batch
        self.input = next(port for port in ports if port.is_input)
        self.outputs = [port for port in ports if not port.is_input]
        in_bytes = _aligned(self.input.face_bytes * largest_batch)
        self._out_bytes = sum(_aligned(port.face_bytes * largest_batch) for port in self.outputs)
        self.scratch_bytes = max(scratch_bytes, ALIGNMENT_BYTES)
        self.scratch = cuda.device_memory(self.scratch_bytes)
        self._device_in, self._device_out = cuda.device_memory(in_bytes), cuda.device_memory(self._out_bytes)
        self._pinned_in, self._pinned_out = cuda.pinned_memory(in_bytes), cuda.pinned_memory(self._out_bytes)
        self.batch = self._view(self._pinned_in, self.input)
        """Pinned (largest batch, ...): faces are written here."""
        self._answers = {port.name: self._view(self._pinned_out, port) for port in self.outputs}

    @property
    def addresses(self) -> dict[str, int]:
        """Tensor name -> address on the GPU."""
        outputs = {port.name: self._device_out + port.offset_bytes for port in self.outputs}
        return {self.input.name: self._device_in, **outputs}

    def copy_in(self, count: int) -> None:
        """Queue the copy of the first faces of `batch` to the GPU."""
        self._cuda.copy_in(self._device_in, self._pinned_in, self.input.face_bytes * count)

    def copy_out(self) -> None:
        """Queue the copy of all outputs: they lie together, so it is one copy of a few kilobytes."""
        self._cuda.copy_out(self._pinned_out, self._device_out, self._out_bytes)

    def answers(self, count: int) -> dict[str, Array]:
        """Return output name -> (count, ...), arrays that the caller owns."""
        return {name: values[:count].copy() for name, values in self._answers.items()}

    def _view(self, memory: npt.NDArray[np.uint8], port: Port) -> Array:
        size_bytes = port.face_bytes * self._largest
        part = memory[port.offset_bytes : port.offset_bytes + size_bytes]
        return part.view(port.dtype).reshape(self._largest, *port.shape)


def _aligned(size_bytes: int) -> int:
    return -(-size_bytes // ALIGNMENT_BYTES) * ALIGNMENT_BYTES
