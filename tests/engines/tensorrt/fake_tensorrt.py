"""Both TensorRTs as modules, computing with ONNX Runtime on the fake GPU; failures are None or False, as they are there.

What builds plans is in `tests.engines.tensorrt.fake_builder`.
"""

from __future__ import annotations

from enum import IntEnum
from types import ModuleType, SimpleNamespace
from typing import Any

import numpy as np
import onnxruntime

from tests.engines.tensorrt.fake_builder import MAGIC, Builder, OnnxParser
from tests.engines.tensorrt.fake_gpu import ILLEGAL_ADDRESS, FakeCuda

SCRATCH_BYTES = 5000
_TYPES = {"tensor(float)": np.float32, "tensor(uint8)": np.uint8, "tensor(float16)": np.float16}


class Severity(IntEnum):
    INTERNAL_ERROR, ERROR, WARNING, INFO, VERBOSE = range(5)


class ILogger:
    Severity = Severity


class IProgressMonitor:
    pass


class FakeTensorRt(ModuleType):
    """One of the two modules.

    Attributes:
        gpu: The fake GPU it runs on.
        builds: How many plans were built.
        says: Reason -> text: what makes it fail, with the line it logs ("parse", "build", "invalid",
            "deserialise", "context", "shapes", "capture"); "invalid" holds the bits of the reasons.
    """

    def __init__(self, name: str, version: str, gpu: FakeCuda) -> None:
        super().__init__(name)
        self.__version__ = version
        self.gpu = gpu
        self.builds = 0
        self.targets: list[dict[int, int]] = []
        self.timing_caches: list[bytes] = []
        self.runtime_caches: list[bytes] = []
        self.contexts: list[Context] = []
        self.says: dict[str, str] = {}
        rtx = name == "tensorrt_rtx"
        self.ILogger, self.IProgressMonitor = ILogger, IProgressMonitor
        self.Builder = lambda logger: Builder(self, logger)
        self.OnnxParser = lambda network, logger: OnnxParser(self, network, logger)
        self.Runtime = lambda logger: (RtxRuntime if rtx else Runtime)(self, logger)
        self.NetworkDefinitionCreationFlag = SimpleNamespace(STRONGLY_TYPED=1)
        self.MemoryPoolType = SimpleNamespace(WORKSPACE="workspace")
        self.TensorIOMode = SimpleNamespace(INPUT="input", OUTPUT="output")
        self.ExecutionContextAllocationStrategy = SimpleNamespace(USER_MANAGED="user managed")
        self.nptype = lambda kind: kind
        self.BuilderFlag = SimpleNamespace(TF32="tf32")
        if rtx:
            self.BuilderFlag.REQUIRE_USER_ALLOCATION = "user allocation"
            self.EngineValidity = SimpleNamespace(VALID=0, INVALID=2)
            members = {"VERSION_MISMATCH": 1, "UNSUPPORTED_CC": 2, "INSUFFICIENT_GPU_MEMORY": 16}
            self.EngineInvalidityDiagnostics = SimpleNamespace(__members__=members)
            self.DynamicShapesKernelSpecializationStrategy = SimpleNamespace(EAGER="eager")
            self.ComputeCapability = SimpleNamespace(
                __members__={"NONE": 0, "SM75": 75, "SM89": 89, "SM120": 120}
            )

    def fails(self, reason: str, logger: Any) -> bool:
        """Log the line of a reason to fail, if there is one."""
        if reason in self.says:
            logger.log(Severity.ERROR, self.says[reason])
        return reason in self.says


class Runtime:
    def __init__(self, module: FakeTensorRt, logger: Any) -> None:
        self.module, self.logger = module, logger

    def deserialize_cuda_engine(self, plan: bytes) -> Any:
        if self.module.fails("deserialise", self.logger):
            return None
        if not plan.startswith(MAGIC):
            self.logger.log(Severity.ERROR, "Serialization assertion header.magicTag failed")
            return None
        return Engine(self.module, plan.removeprefix(MAGIC), self.logger)


class RtxRuntime(Runtime):
    def get_engine_validity(self, plan: bytes) -> tuple[int, int]:
        return (2, int(self.module.says["invalid"])) if "invalid" in self.module.says else (0, 0)


class Engine:
    device_memory_size_v2 = SCRATCH_BYTES

    def __init__(self, module: FakeTensorRt, model: bytes, logger: Any) -> None:
        self.module, self.logger = module, logger
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = 1
        self.session = onnxruntime.InferenceSession(model, options, providers=["CPUExecutionProvider"])
        self.inputs = {value.name: value for value in self.session.get_inputs()}
        self.outputs = {value.name: value for value in self.session.get_outputs()}
        self._names = [*self.outputs, *self.inputs]  # in no order that one could rely on
        self.num_io_tensors = len(self._names)

    def get_tensor_name(self, index: int) -> str:
        return self._names[index]

    def get_tensor_mode(self, name: str) -> str:
        return "input" if name in self.inputs else "output"

    def get_tensor_dtype(self, name: str) -> Any:
        return _TYPES[self._value(name).type]

    def get_tensor_shape(self, name: str) -> tuple[int, ...]:
        return tuple(size if isinstance(size, int) else -1 for size in self._value(name).shape)

    def create_runtime_config(self) -> RuntimeConfig:
        assert self.module.__name__ == "tensorrt_rtx"
        return RuntimeConfig(self.module)

    def create_execution_context(self, settings: Any) -> Any:
        strategy = settings.strategy if isinstance(settings, RuntimeConfig) else settings
        assert strategy == "user managed"
        if self.module.fails("context", self.logger):
            return None
        self.module.contexts.append(Context(self))
        return self.module.contexts[-1]

    def _value(self, name: str) -> Any:
        return self.inputs.get(name) or self.outputs[name]


class RuntimeConfig:
    strategy = dynamic_shapes_kernel_specialization_strategy = ""

    def __init__(self, module: FakeTensorRt) -> None:
        self.module = module
        self.cache: Any = None

    def set_execution_context_allocation_strategy(self, strategy: str) -> None:
        self.strategy = strategy

    def create_runtime_cache(self) -> Any:
        return RuntimeCache(self.module)

    def set_runtime_cache(self, cache: Any) -> bool:
        self.cache = cache
        return True


class RuntimeCache:
    def __init__(self, module: FakeTensorRt) -> None:
        self.module = module
        self.content = b""

    def deserialize(self, content: bytes) -> bool:
        self.module.runtime_caches.append(content)
        self.content = content if content.startswith(b"kernels") else b""
        return bool(self.content)

    def serialize(self) -> bytes:
        return self.content or b"kernels"


class Context:
    """One execution context; it computes only in memory it was given, on addresses that are allocated."""

    def __init__(self, engine: Engine) -> None:
        self.engine, self.gpu = engine, engine.module.gpu
        self.addresses: dict[str, int] = {}
        self.memory: tuple[int, int] | None = None
        self.shape: tuple[int, ...] = ()
        self.generation = 0
        self.ran = False

    def set_device_memory(self, address: int, size_bytes: int) -> None:
        assert size_bytes >= SCRATCH_BYTES and address % 256 == 0
        self.memory = (address, size_bytes)

    def set_input_shape(self, name: str, shape: tuple[int, ...]) -> bool:
        self.generation += 1  # graphs captured before are void
        self.shape = shape
        fixed = self.engine.get_tensor_shape(name)[1:]
        return name in self.engine.inputs and shape[1:] == fixed and 1 <= shape[0] <= 16

    def set_tensor_address(self, name: str, address: int) -> bool:
        assert address % 256 == 0
        self.addresses[name] = address
        return name in self.engine.inputs or name in self.engine.outputs

    def infer_shapes(self) -> list[str]:
        if "shapes" in self.engine.module.says:
            raise RuntimeError(self.engine.module.says["shapes"])
        return [] if self.shape else ["image"]

    def is_stream_capturable(self, stream: int) -> bool:
        return "capture" not in self.engine.module.says

    def execute_async_v3(self, stream: int) -> bool:
        assert stream in self.gpu.streams
        assert set(self.addresses) == {*self.engine.inputs, *self.engine.outputs}
        if self.gpu.capturing is not None:
            assert self.ran, "captured before it ran once"
            assert stream == self.gpu.captured_stream
            if self.engine.module.fails("capture", self.engine.logger):
                return False
        generation = self.generation

        def compute() -> int:
            assert generation == self.generation, "the graph is of shapes that the context has no more"
            self.ran = True
            return self._compute()

        self.gpu.queue(compute, stream)
        return True

    def _compute(self) -> int:
        engine = self.engine
        self.gpu.bytes_at(*self.memory)[:] = 0xEE  # type: ignore[misc]
        (name,) = engine.inputs
        dtype = np.dtype(engine.get_tensor_dtype(name))
        size_bytes = int(np.prod(self.shape)) * dtype.itemsize
        batch = self.gpu.bytes_at(self.addresses[name], size_bytes).view(dtype).reshape(self.shape)
        if self.gpu.failing.get("compute"):
            return ILLEGAL_ADDRESS
        for output, values in zip(engine.outputs, engine.session.run(None, {name: batch}), strict=True):
            target = self.gpu.bytes_at(self.addresses[output], values.nbytes)
            target[:] = np.frombuffer(values.tobytes(), np.uint8)
        return 0
