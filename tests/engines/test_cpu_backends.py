"""What OpenVINO and ONNX Runtime do beyond the contract of all back ends; the CUDA provider on a faked GPU."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

pytest.importorskip("onnx", reason="tiny models are made with it: pip install onnx")

import onnxruntime

from engines.backend import MAX_BATCH
from engines.backends import create_backend, onnxruntime_cuda, openvino_gpu, unavailable_reason
from engines.backends.onnxruntime_cuda import OnnxRuntimeCudaBackend
from engines.card import ModelCard, load_card
from engines.errors import EngineError, GpuError
from engines.measure.verify import fixed_chips
from engines.tensorrt.cuda_driver import NoDriverError
from tests.tiny_models import write_tiny_model

needs_openvino = pytest.mark.skipif(bool(unavailable_reason("openvino")), reason="needs OpenVINO")


@pytest.fixture
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    for name in ("XDG_CACHE_HOME", "LOCALAPPDATA"):
        monkeypatch.setenv(name, str(tmp_path / "cache"))
    return tmp_path / "cache" / "faceapp" / "openvino"


def said(name: str, folder: Path, count: int = 5) -> dict[str, np.ndarray]:
    backend, card = create_backend(name), load_card(folder)
    backend.load(folder / "model.onnx", card, 1)
    try:
        return backend.run(fixed_chips(card.input, count))
    finally:
        backend.close()


# OpenVINO


@needs_openvino
def test_a_compiled_model_is_kept_and_says_the_same(tiny_model: Path, cache: Path) -> None:
    first = said("openvino", tiny_model)
    made_ns = {path: path.stat().st_mtime_ns for path in cache.glob("*.blob")}
    assert made_ns, "one for each number format"
    second = said("openvino", tiny_model)
    assert {path: path.stat().st_mtime_ns for path in cache.glob("*.blob")} == made_ns
    for name, values in first.items():
        np.testing.assert_array_equal(second[name], values)


@needs_openvino
@pytest.mark.parametrize("damage", [b"", b"no model at all", None])
def test_a_damaged_kept_model_is_compiled_anew(tiny_model: Path, cache: Path, damage: bytes | None) -> None:
    first = said("openvino", tiny_model)
    blobs = list(cache.glob("*.blob"))
    assert blobs
    for blob in blobs:
        blob.chmod(0o600)
        blob.write_bytes(blob.read_bytes()[:300] if damage is None else damage)
    for name, values in said("openvino", tiny_model).items():
        np.testing.assert_array_equal(values, first[name])


@needs_openvino
def test_few_compiled_models_are_kept(tiny_model: Path, cache: Path) -> None:
    cache.mkdir(parents=True, mode=0o700)
    for number in range(20):
        (cache / f"{number}.blob").write_bytes(b"old")
    said("openvino", tiny_model)
    assert len(list(cache.glob("*.blob"))) <= 12


@needs_openvino
def test_a_folder_that_others_may_write_into_is_not_used(tiny_model: Path, cache: Path) -> None:
    if sys.platform == "win32":
        pytest.skip("rights are others there")
    cache.mkdir(parents=True)
    cache.chmod(0o777)
    assert said("openvino", tiny_model)["smile"].shape == (5, 2)
    assert not list(cache.iterdir())


def test_a_graphics_unit_is_asked_for_only_where_one_may_be(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    openvino_gpu._unlisted.cache_clear()
    monkeypatch.setattr(openvino_gpu.openvino, "available", lambda: "")
    monkeypatch.setattr(openvino_gpu.sys, "platform", "linux")
    monkeypatch.setattr(openvino_gpu, "_RENDER_NODES", tmp_path)
    monkeypatch.setattr(openvino_gpu.openvino, "shared_core", lambda: pytest.fail("asked the library"))
    assert "no graphics unit here" in openvino_gpu.available()
    (tmp_path / "renderD128").touch()
    for devices, text in ((["CPU"], "lists no graphics unit (found CPU)"), (["CPU", "GPU.0"], "")):
        openvino_gpu._unlisted.cache_clear()
        core = SimpleNamespace(available_devices=devices)
        monkeypatch.setattr(openvino_gpu.openvino, "shared_core", lambda core=core: core)
        assert text in openvino_gpu.available() and bool(openvino_gpu.available()) == bool(text)
    openvino_gpu._unlisted.cache_clear()


# ONNX Runtime's CUDA provider


class FakeValue:
    """An `OrtValue` whose device is NumPy."""

    def __init__(self, shape: list[int], kind: type) -> None:
        self.values = np.zeros(shape, kind)

    @staticmethod
    def ortvalue_from_shape_and_type(shape: list[int], kind: type, device: str, index: int) -> FakeValue:
        assert (device, index) == ("cuda", 0)
        return FakeValue(shape, kind)

    def update_inplace(self, values: np.ndarray) -> None:
        assert values.shape == self.values.shape and values.dtype == self.values.dtype
        self.values[:] = values

    def numpy(self) -> np.ndarray:
        return self.values.copy()


class FakeBinding:
    """Remembers what is bound."""

    def __init__(self) -> None:
        self.inputs: dict[str, FakeValue] = {}
        self.outputs: dict[str, FakeValue] = {}

    def bind_ortvalue_input(self, name: str, value: FakeValue) -> None:
        self.inputs[name] = value

    def bind_ortvalue_output(self, name: str, value: FakeValue) -> None:
        self.outputs[name] = value


class FakeSession:
    """A session that says it runs on the GPU and computes on the processor."""

    provider = "CUDAExecutionProvider"
    made: list[FakeSession]
    broken = False

    def __init__(self, content: bytes, options: Any, providers: list[Any]) -> None:
        (self.asked,) = providers
        assert options.get_session_config_entry("session.disable_cpu_ep_fallback") == "1"
        self._real = onnxruntime.InferenceSession(content, providers=["CPUExecutionProvider"])
        self.get_inputs, self.get_outputs = self._real.get_inputs, self._real.get_outputs
        self.graphs: dict[str, int] = {}
        type(self).made.append(self)

    def get_providers(self) -> list[str]:
        return [self.provider, "CPUExecutionProvider"]

    def io_binding(self) -> FakeBinding:
        return FakeBinding()

    def run_with_iobinding(self, binding: FakeBinding, options: Any) -> None:
        if self.broken:
            raise RuntimeError("CUDA failure 700: an illegal memory access was encountered\nin a file")
        graph = options.get_run_config_entry("gpu_graph_id")
        # A captured graph knows its addresses alone: another binding under its name would read stale memory.
        assert self.graphs.setdefault(graph, id(binding)) == id(binding)
        found = self._real.run(
            list(binding.outputs), {name: one.values for name, one in binding.inputs.items()}
        )
        for value, rows in zip(binding.outputs.values(), found, strict=True):
            value.values[:] = rows


@pytest.fixture
def cuda(monkeypatch: pytest.MonkeyPatch) -> type[FakeSession]:
    session = type("Session", (FakeSession,), {"made": []})
    fake = SimpleNamespace(
        SessionOptions=onnxruntime.SessionOptions,
        RunOptions=onnxruntime.RunOptions,
        InferenceSession=session,
        OrtValue=FakeValue,
        preload_dlls=lambda: print("Failed to load cudnn"),
    )
    monkeypatch.setattr(onnxruntime_cuda, "_onnxruntime", lambda: fake)
    return session


Load = Callable[[], tuple[OnnxRuntimeCudaBackend, ModelCard]]


@pytest.fixture
def load(cuda: type[FakeSession], tiny_model: Path) -> Load:
    def loaded() -> tuple[OnnxRuntimeCudaBackend, ModelCard]:
        backend, card = OnnxRuntimeCudaBackend(), load_card(tiny_model)
        backend.load(tiny_model / "model.onnx", card, None)
        return backend, card

    return loaded


def test_every_batch_gives_the_processor_s_numbers_and_one_graph_a_size(
    load: Load, cuda: type[FakeSession], tiny_model: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    backend, card = load()
    reference = create_backend("onnxruntime")
    reference.load(tiny_model / "model.onnx", card, 1)
    chips = fixed_chips(card.input)
    kept = backend.run(chips[:1])
    first = {name: values.copy() for name, values in kept.items()}
    for count in (*range(1, MAX_BATCH + 1), 1):
        found, wanted = backend.run(chips[-count:]), reference.run(chips[-count:])
        for name, values in wanted.items():
            assert found[name].shape == values.shape and found[name].flags.writeable
            np.testing.assert_allclose(found[name], values, rtol=1e-5, atol=1e-5)
    assert all((values == first[name]).all() for name, values in kept.items()), "answers are the caller's own"
    (session,) = cuda.made
    assert sorted(session.graphs, key=int) == ["1", "2", "4", "8", "16"]
    provider, options = session.asked
    assert provider == "CUDAExecutionProvider"
    assert (options["enable_cuda_graph"], options["use_tf32"]) == ("1", "0")
    assert capsys.readouterr() == ("", ""), "what the library prints on looking for CUDA is kept back"


def test_a_session_that_fell_back_to_the_processor_is_refused(load: Load, cuda: type[FakeSession]) -> None:
    cuda.provider = "CPUExecutionProvider"
    with pytest.raises(
        EngineError, match="expected ONNX Runtime's CUDA provider, found CPUExecutionProvider"
    ):
        load()


def test_a_gpu_that_fails_gives_a_gpu_error_in_one_line(load: Load, cuda: type[FakeSession]) -> None:
    backend, card = load()
    cuda.broken = True
    with pytest.raises(GpuError, match="illegal memory access") as caught:
        backend.run(fixed_chips(card.input, 1))
    assert "\n" not in str(caught.value)
    with pytest.raises(GpuError, match="can't hold the model"):
        load()
    backend.close()
    with pytest.raises(EngineError, match="load it first"):
        backend.run(fixed_chips(card.input, 1))


def test_what_the_cuda_provider_lacks_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    spec = SimpleNamespace(submodule_search_locations=[str(tmp_path)])
    monkeypatch.setattr(onnxruntime_cuda, "find_spec", lambda _: None)
    assert "pip install onnxruntime-gpu" in onnxruntime_cuda.available()
    monkeypatch.setattr(onnxruntime_cuda, "find_spec", lambda _: spec)
    assert "has no CUDA provider" in onnxruntime_cuda.available()
    (tmp_path / "capi").mkdir()
    (tmp_path / "capi" / onnxruntime_cuda._LIBRARY).touch()

    def no_driver() -> None:
        raise NoDriverError("no usable NVIDIA driver")

    monkeypatch.setattr(onnxruntime_cuda, "find_driver", no_driver)
    assert onnxruntime_cuda.available() == "no usable NVIDIA driver"
    monkeypatch.setattr(onnxruntime_cuda, "find_driver", lambda: None)
    assert onnxruntime_cuda.available() == ""


@needs_openvino
def test_two_threads_that_load_their_first_models_at_once_both_end(tmp_path: Path) -> None:
    """A process of its own, because what OpenVINO makes at first use is made once a process."""
    folder = write_tiny_model(tmp_path / "tiny")
    script = f"""
import threading
from engines.engine import load_engine

def load():
    load_engine({str(folder)!r}, "openvino", 1).close()

threads = [threading.Thread(target=load, daemon=True) for _ in range(4)]
for thread in threads:
    thread.start()
for thread in threads:
    thread.join(40)
print(sum(thread.is_alive() for thread in threads))
"""
    root = Path(__file__).parents[2]
    for _ in range(3):
        command = [sys.executable, "-c", script]
        said = subprocess.run(command, cwd=root, capture_output=True, text=True, timeout=60)
        assert said.stdout.strip() == "0", said.stderr
