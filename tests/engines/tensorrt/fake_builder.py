"""The builder and parser of the faked TensorRTs: a plan is the model's file with a mark in front."""

from __future__ import annotations

from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

import onnx

if TYPE_CHECKING:
    from tests.engines.tensorrt.fake_tensorrt import FakeTensorRt

MAGIC = b"FAKE PLAN "
ERROR = 1
"""Of the library's severities."""


class Builder:
    def __init__(self, module: FakeTensorRt, logger: Any) -> None:
        self.module, self.logger = module, logger

    def create_network(self, flags: int) -> Network:
        assert flags == 2  # strongly typed
        return Network()

    def create_builder_config(self) -> Config:
        return Config(self.module)

    def create_optimization_profile(self) -> Profile:
        return Profile()

    def build_serialized_network(self, network: Network, config: Config) -> Any:
        self.module.builds += 1
        if self.module.__name__ == "tensorrt_rtx":
            assert self.module.BuilderFlag.REQUIRE_USER_ALLOCATION in config.flags
        assert config.profiles[0].shapes
        assert len(config.targets) == config.num_compute_capabilities
        self.module.targets.append(config.targets)
        monitor = config.progress_monitor
        monitor.phase_start("Building engine", None, 4)
        monitor.phase_start("Timing", "Building engine", 2)
        steps = [("Timing", 0), ("Timing", 1), *(("Building engine", step) for step in range(4))]
        if not all(monitor.step_complete(*step) for step in steps):
            self.logger.log(ERROR, "BuildCanceled (Build canceled by user)")
            return None
        monitor.phase_finish("Timing")
        monitor.phase_finish("Building engine")
        return None if self.module.fails("build", self.logger) else MAGIC + network.model


class Network:
    model = b""
    num_outputs = num_inputs = 0

    def get_input(self, index: int) -> Any:
        tensor = onnx.load_model_from_string(self.model).graph.input[index]
        shape = tuple(size.dim_value or -1 for size in tensor.type.tensor_type.shape.dim)
        return SimpleNamespace(name=tensor.name, shape=shape)


class OnnxParser:
    def __init__(self, module: FakeTensorRt, network: Network, logger: Any) -> None:
        self.module, self.network, self.logger = module, network, logger
        self.num_errors = 0

    def parse(self, model: bytes) -> bool:
        if self.module.fails("parse", self.logger):
            self.num_errors = 1
            return False
        graph = onnx.load_model_from_string(model).graph
        self.network.model = model
        self.network.num_outputs, self.network.num_inputs = len(graph.output), len(graph.input)
        return True

    def get_error(self, index: int) -> Any:
        text = self.module.says["parse"]
        return SimpleNamespace(desc=lambda: text, node_operator=lambda: "Unheard", node_name=lambda: "node_7")


class Profile:
    def __init__(self) -> None:
        self.shapes: dict[str, tuple[tuple[int, ...], ...]] = {}

    def set_shape(self, name: str, *shapes: tuple[int, ...]) -> None:
        assert len(shapes) == 3
        self.shapes[name] = shapes


class Config:
    def __init__(self, module: FakeTensorRt) -> None:
        self.module = module
        self.flags: set[str] = {module.BuilderFlag.TF32}
        self.profiles: list[Profile] = []
        self.progress_monitor: Any = None
        self.targets: dict[int, int] = {}
        self.num_compute_capabilities = 0

    def set_memory_pool_limit(self, pool: str, limit_bytes: int) -> None:
        assert limit_bytes > 0

    def set_flag(self, flag: str) -> None:
        self.flags.add(flag)

    def clear_flag(self, flag: str) -> None:
        self.flags.remove(flag)

    def add_optimization_profile(self, profile: Profile) -> int:
        self.profiles.append(profile)
        return 0

    def set_compute_capability(self, value: int, index: int) -> bool:
        self.targets[index] = value
        return True

    def create_timing_cache(self, content: bytes) -> Any:
        assert self.module.__name__ == "tensorrt"
        self.module.timing_caches.append(content)
        return SimpleNamespace(content=content, serialize=lambda: b"times " + content)

    def set_timing_cache(self, cache: Any, ignore_mismatch: bool) -> bool:
        assert not ignore_mismatch
        return cache.content != b"foreign"
