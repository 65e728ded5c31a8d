"""Which engines the TensorRT back end builds, keeps and refuses, on a GPU that is not there."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

pytest.importorskip("onnx", reason="tiny models are made with it: pip install onnx")
from engines.backends import create_backend, unavailable_reason
from engines.backends.tensorrt import TensorRtBackend
from engines.card import load_card
from engines.errors import EngineError, GpuError
from engines.tensorrt.build_control import BuildCancelledError, BuildControl, watch_builds
from engines.tensorrt.cuda_driver import Driver
from engines.user_cache import user_cache_folder
from tests.engines.tensorrt.fake_tensorrt import MAGIC
from tests.engines.tensorrt.tensorrt_runs import Fake, assert_right, chips_of, expected, loaded
from tests.tiny_models import write_tiny_card, write_tiny_model


@pytest.fixture(autouse=True)
def no_watcher() -> Iterator[None]:
    yield
    watch_builds(None)


@pytest.mark.parametrize("flavour", ["tensorrt_rtx", "tensorrt"])
def test_an_engine_is_built_once_and_float16_is_close(
    fake_machine: Fake, tiny_model: Path, flavour: str
) -> None:
    machine = fake_machine(flavour)
    backend = loaded(tiny_model, "float16")
    assert (backend.precision, machine.module.builds) == ("float16", 1)
    chips = chips_of(tiny_model, 4)
    wanted = expected(tiny_model, chips)
    for again in (backend, loaded(tiny_model, "float16")):
        for name, values in again.run(chips).items():
            np.testing.assert_allclose(values, wanted[name], atol=0.3 if name == "age" else 0.01)
    assert machine.module.builds == 1
    loaded(tiny_model, "float32")
    assert machine.module.builds == 2


def test_kernels_and_kernel_times_are_kept(fake_machine: Fake, tiny_model: Path, tmp_path: Path) -> None:
    rtx = fake_machine("tensorrt_rtx")
    loaded(tiny_model)
    loaded(tiny_model)
    assert rtx.module.runtime_caches == [b"kernels"]
    full = fake_machine("tensorrt")
    loaded(tiny_model)
    loaded(write_tiny_model(tmp_path / "other", seed=5))
    assert full.module.timing_caches == [b"", b"times "]


@pytest.mark.parametrize(
    ("bits", "kind", "said"),
    [
        ("2", EngineError, r"\(UNSUPPORTED_CC\); choose another back end"),
        ("3", EngineError, r"\(VERSION_MISMATCH, UNSUPPORTED_CC\)"),
        ("16", GpuError, r"\(INSUFFICIENT_GPU_MEMORY\); close other programs"),
    ],
)
def test_a_refused_gpu_is_told_in_the_library_s_words(
    fake_machine: Fake, tiny_model: Path, bits: str, kind: type[EngineError], said: str
) -> None:
    machine = fake_machine()
    machine.module.says["invalid"] = bits
    with pytest.raises(EngineError, match=rf"can't run the engine on this GPU {said}") as caught:
        loaded(tiny_model)
    assert type(caught.value) is kind
    assert (machine.cuda.device, machine.cuda.streams) == ({}, set())


def test_the_engine_is_built_for_the_gpu_that_is_here(fake_machine: Fake, tiny_model: Path) -> None:
    machine = fake_machine()
    loaded(tiny_model)
    assert machine.module.targets == [{0: 89}]
    other = fake_machine(gpu="Unheard", compute_capability=(9, 0))
    loaded(tiny_model)
    assert other.module.targets == [{}]  # the library decides, and says at loading whether it runs there


def test_a_kept_engine_that_the_library_refuses_is_built_again(
    fake_machine: Fake, tiny_model: Path, caplog: pytest.LogCaptureFixture
) -> None:
    machine = fake_machine()
    loaded(tiny_model)
    refused: list[bytes] = []
    real = machine.module.Runtime

    def runtime(logger: object) -> object:
        made = real(logger)
        load = made.deserialize_cuda_engine
        made.deserialize_cuda_engine = lambda plan: load(plan) if refused else refused.append(plan)
        return made

    machine.module.Runtime = runtime
    with caplog.at_level(logging.WARNING):
        backend = loaded(tiny_model)
    assert "the kept engine is of no use" in caplog.text
    assert len(refused) == 1
    assert machine.module.builds == 2
    assert_right(backend, tiny_model, 2)


def test_a_library_that_never_loads_is_asked_once_per_build(fake_machine: Fake, tiny_model: Path) -> None:
    machine = fake_machine()
    machine.module.says["deserialise"] = "Serialization assertion failed"
    with pytest.raises(EngineError, match=r"can't load the engine .*Serialization assertion failed"):
        loaded(tiny_model)
    assert machine.module.builds == 1
    with pytest.raises(EngineError, match="can't load the engine"):
        loaded(tiny_model)
    assert machine.module.builds == 2  # the kept one was tried, then one more was built


@pytest.mark.parametrize(
    "damage", [lambda plan: plan[:-10], lambda plan: b"", lambda plan: plan[:50] + b"\0" + plan[51:]]
)
def test_a_damaged_engine_is_never_loaded(
    fake_machine: Fake, tiny_model: Path, damage: Callable[[bytes], bytes], caplog: pytest.LogCaptureFixture
) -> None:
    machine = fake_machine()
    loaded(tiny_model)
    (path,) = (user_cache_folder() / "engines").glob("*.plan")
    assert path.read_bytes().startswith(MAGIC)
    path.write_bytes(damage(path.read_bytes()))
    with caplog.at_level(logging.WARNING):
        assert_right(loaded(tiny_model), tiny_model, 1)
    assert "the kept engine is damaged" in caplog.text
    assert machine.module.builds == 2


def test_a_model_replaced_while_it_runs_or_loads(fake_machine: Fake, tmp_path: Path) -> None:
    machine = fake_machine()
    folder = write_tiny_model(tmp_path / "model")
    backend, old_card = loaded(folder), load_card(folder)
    chips = chips_of(folder, 2)
    before = backend.run(chips)
    write_tiny_model(folder, seed=9)
    for name, values in backend.run(chips).items():  # the running engine is not touched
        np.testing.assert_array_equal(values, before[name])
    with pytest.raises(EngineError, match="it was replaced while it was loaded; load it again"):
        TensorRtBackend().load(folder / "model.onnx", old_card, None)
    fresh = loaded(folder)
    assert machine.module.builds == 2
    assert_right(fresh, folder, 2)
    assert np.abs(fresh.run(chips)["emotion"] - before["emotion"]).max() > 1e-3


def test_loading_shows_its_build_and_can_be_cancelled(fake_machine: Fake, tiny_model: Path) -> None:
    machine = fake_machine()
    seen: list[tuple[str, float]] = []

    def watch(model: str) -> BuildControl:
        control = BuildControl()

        def progress(share: float, step: str) -> None:
            seen.append((model, share))
            if share > 0.3 and machine.module.builds == 1:
                control.cancelled.set()

        control.progress = progress
        return control

    watch_builds(watch)
    with pytest.raises(BuildCancelledError, match="the build was cancelled"):
        loaded(tiny_model)
    assert not list((user_cache_folder() / "engines").glob("*.plan"))
    assert 0.3 < seen[-1][1] < 1
    seen.clear()
    loaded(tiny_model)
    shares = [share for _, share in seen]
    assert shares == sorted(shares)
    assert seen[-1] == ("tiny", 1.0)
    seen.clear()
    loaded(tiny_model)
    assert seen == []  # a kept engine has nothing to show


def test_the_parser_s_words_name_the_operator(fake_machine: Fake, tiny_model: Path) -> None:
    fake_machine().module.says["parse"] = "No importer registered for op: Unheard."
    with pytest.raises(EngineError, match=r"can't read the model \(Unheard 'node_7': No importer registered"):
        loaded(tiny_model)


def test_a_build_that_fails_gives_the_library_s_last_line(fake_machine: Fake, tiny_model: Path) -> None:
    fake_machine().module.says["build"] = "Error Code 10: Could not find any implementation\nfor node x"
    with pytest.raises(
        EngineError, match=r"can't compile the model .*Could not find any implementation for node x"
    ):
        loaded(tiny_model)


def test_a_driver_too_old_is_named(fake_machine: Fake, monkeypatch: pytest.MonkeyPatch) -> None:
    machine = fake_machine()
    assert unavailable_reason("tensorrt") == ""
    old = Driver("535.10", (12, 2), machine.driver.gpus)
    monkeypatch.setattr("engines.tensorrt.plans.find_driver", lambda: old)
    assert unavailable_reason("tensorrt") == (
        "expected an NVIDIA driver for CUDA 13.0 or newer, found 535.10 for CUDA 12.2; "
        "update the driver or choose another back end"
    )
    with pytest.raises(EngineError, match=r"back end tensorrt: expected an NVIDIA driver for CUDA 13\.0"):
        create_backend("tensorrt")


def test_gpus_are_told_apart(fake_machine: Fake, tiny_model: Path) -> None:
    first = fake_machine(gpu="GeForce 9")
    loaded(tiny_model)
    second = fake_machine(gpu="GeForce 10")
    assert_right(loaded(tiny_model), tiny_model, 1)
    assert (first.module.builds, second.module.builds) == (1, 1)
    third = fake_machine(gpu="GeForce 9")
    loaded(tiny_model)
    assert third.module.builds == 0


def test_nodes_that_the_card_names_stay_float32(fake_machine: Fake, tmp_path: Path) -> None:
    import onnx

    machine = fake_machine()
    folder = write_tiny_model(tmp_path / "model")
    model = onnx.load(str(folder / "model.onnx"))
    for node in model.graph.node:
        node.name = node.name or f"layer/{node.output[0]}"
    onnx.save(model, str(folder / "model.onnx"))
    plans = []
    for names in ((), ("layer/",)):
        card = replace(write_tiny_card(folder), float32_nodes=names)
        card.save(folder / "card.json")
        assert load_card(folder) == card
        loaded(folder, "float16")
        newest = max(
            (user_cache_folder() / "engines").glob("*.plan"), key=lambda path: path.stat().st_mtime_ns
        )
        plans.append(onnx.load_model_from_string(newest.read_bytes().removeprefix(MAGIC)))
    assert machine.module.builds == 2
    halves = [{weight.name for weight in plan.graph.initializer if weight.data_type == 10} for plan in plans]
    assert halves[0]
    assert halves[1] == set()
