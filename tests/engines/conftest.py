"""A GPU that is not there: driver, CUDA and either TensorRT, faked where the back end meets them."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import pytest

from engines.tensorrt.cuda_driver import Driver, Gpu
from tests.engines.tensorrt.fake_gpu import FakeCuda

FLAVOURS = {"tensorrt_rtx": "1.7.1.116", "tensorrt": "11.4.0.106"}


@dataclass
class FakeMachine:
    """What `fake_machine` puts in place; its parts may be changed by a test."""

    cuda: FakeCuda
    module: object
    driver: Driver
    library: object


@pytest.fixture
def fake_machine(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[..., FakeMachine]:
    """Return a function that fakes a machine with a GPU, and a cache folder of its own."""
    pytest.importorskip("onnx", reason="the fake GPU reads models with it: pip install onnx")
    from engines.tensorrt import library as tensorrt_library
    from engines.tensorrt import plans
    from tests.engines.tensorrt.fake_tensorrt import FakeTensorRt

    def fake(
        flavour: str = "tensorrt_rtx",
        memory_bytes: int = 1 << 30,
        gpu: str = "GeForce 9",
        compute_capability: tuple[int, int] = (8, 9),
    ) -> FakeMachine:
        cuda = FakeCuda(memory_bytes)
        module = FakeTensorRt(flavour, FLAVOURS[flavour], cuda)
        driver = Driver("580.65", (13, 0), (Gpu(0, gpu, compute_capability, memory_bytes),))
        messages = tensorrt_library.Messages()
        messages.logger = tensorrt_library._make_logger(module, messages)
        title = f"{'TensorRT-RTX' if flavour == 'tensorrt_rtx' else 'TensorRT'} {FLAVOURS[flavour]}"
        library = tensorrt_library.Library(module, flavour, FLAVOURS[flavour], title, messages)
        monkeypatch.setattr(plans, "find_driver", lambda: driver)
        monkeypatch.setattr("engines.tensorrt.build.find_driver", lambda: driver)
        monkeypatch.setattr(plans, "find_library", lambda: library)
        monkeypatch.setattr(plans, "import_runtime", lambda: cuda)
        return FakeMachine(cuda, module, driver, library)

    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    monkeypatch.setenv("LOCALAPPDATA", str(tmp_path / "cache"))
    return fake
