"""Models of one GPU on one stream or each on its own: same answers, right order, nothing left behind."""

from __future__ import annotations

import logging
from pathlib import Path

import numpy as np
import pytest

pytest.importorskip("onnx", reason="tiny models are made with it: pip install onnx")
from engines.backends import settle_backend, settled_text
from engines.backends.tensorrt import PRECISIONS, TensorRtBackend
from engines.card import load_card
from engines.choice import choose
from engines.errors import EngineError, GpuError
from engines.tensorrt import cuda_streams, streams
from engines.tensorrt.build import BuildSettings
from engines.tensorrt.cache import PlanCache
from engines.tensorrt.plan_times import IN_A_ROW, device_times_ms
from engines.tensorrt.plans import GpuMachine, plan_key
from engines.tensorrt.streams import STREAMS, Streams, keep_streams, kept_streams, run_together
from tests.engines.conftest import FakeMachine
from tests.engines.tensorrt.fake_gpu import ILLEGAL_ADDRESS
from tests.engines.tensorrt.tensorrt_runs import Fake, assert_right, chips_of, expected, loaded
from tests.tiny_models import write_tiny_model


def several(tiny_model: Path, tmp_path: Path, setting: Streams) -> list[tuple[TensorRtBackend, Path]]:
    """Return three loaded models with the folder of each."""
    folders = [tiny_model, *(write_tiny_model(tmp_path / f"{seed}", seed=seed) for seed in (5, 6))]
    found = [(loaded(folder), folder) for folder in folders]
    for backend, _ in found:
        backend.use_streams(setting)
    return found


@pytest.mark.parametrize("setting", STREAMS)
def test_models_that_overlap_keep_their_answers(
    fake_machine: Fake, tiny_model: Path, tmp_path: Path, setting: Streams
) -> None:
    machine = fake_machine()
    models = several(tiny_model, tmp_path, setting)
    assert len(machine.cuda.streams) == (4 if setting == "shared" else 3)
    chips = chips_of(tiny_model, 3)
    batches = [chips, chips[::-1].copy(), chips[:2].copy()]
    for (backend, _), batch in zip(models, batches, strict=True):
        backend.submit(batch)
    for (backend, folder), batch in reversed(list(zip(models, batches, strict=True))):
        wanted = expected(folder, batch)
        for name, values in backend.collect(len(batch)).items():
            np.testing.assert_allclose(values, wanted[name], atol=1e-4)


def test_on_the_shared_stream_a_run_is_one_graph_and_nothing_else(
    fake_machine: Fake, tiny_model: Path, tmp_path: Path
) -> None:
    machine = fake_machine()
    models = several(tiny_model, tmp_path, "shared")
    assert {backend.describe()["streams"] for backend, _ in models} == {"shared"}
    (shared,) = {backend.runner.cuda.stream_handle for backend, _ in models}
    assert shared in machine.cuda.streams
    machine.cuda.calls.clear()
    run_together([backend for backend, _ in models], chips_of(tiny_model, 2))
    assert machine.cuda.calls == [
        *["cudaSetDevice", "cudaGraphLaunch"] * 3,
        *["cudaStreamSynchronize"] * 3,
    ]


def test_a_graph_is_captured_apart_from_what_others_queued(
    fake_machine: Fake, tiny_model: Path, tmp_path: Path
) -> None:
    fake_machine()
    (first, first_folder), (second, second_folder), _ = several(tiny_model, tmp_path, "shared")
    chips = chips_of(tiny_model, 9)
    first.submit(chips[:1])
    second.submit(chips)  # nine faces were not captured before
    assert second.describe()["graphs"] == 5
    assert second.describe()["streams"] == "shared"
    for backend, folder, batch in ((first, first_folder, chips[:1]), (second, second_folder, chips)):
        for name, values in backend.collect(len(batch)).items():
            np.testing.assert_allclose(values, expected(folder, batch)[name], atol=1e-4)


@pytest.mark.parametrize("setting", STREAMS)
def test_a_run_that_nobody_collected_is_dropped(
    fake_machine: Fake, tiny_model: Path, tmp_path: Path, setting: Streams
) -> None:
    machine = fake_machine()
    (backend, folder), *others = several(tiny_model, tmp_path, setting)
    chips = chips_of(tiny_model, 4)
    backend.submit(chips)
    backend.submit(chips[1:2].copy())
    wanted = expected(folder, chips[1:2])
    for name, values in backend.collect(1).items():
        np.testing.assert_allclose(values, wanted[name], atol=1e-4)
    backend.submit(chips)
    for one, _ in ((backend, folder), *others):
        one.close()
    assert (machine.cuda.device, machine.cuda.pinned, machine.cuda.graphs, machine.cuda.streams) == (
        {},
        {},
        {},
        set(),
    )
    assert (machine.cuda, 0) not in cuda_streams._shared


def test_the_setting_may_change_between_runs(fake_machine: Fake, tiny_model: Path) -> None:
    machine = fake_machine()
    backend = loaded(tiny_model)
    for setting in ("shared", "shared", "own", "own", "shared"):
        backend.use_streams(setting)
        assert_right(backend, tiny_model, 2)
        assert backend.describe()["streams"] == setting
        assert len(machine.cuda.streams) == (2 if setting == "shared" else 1)


@pytest.mark.parametrize("setting", STREAMS)
def test_what_can_t_be_captured_runs_on_either_stream(
    fake_machine: Fake, tiny_model: Path, tmp_path: Path, setting: Streams
) -> None:
    fake_machine().module.says["capture"] = "operation not permitted when stream is capturing"
    for backend, folder in several(tiny_model, tmp_path, setting):
        assert backend.describe()["graphs"] == 0
        assert_right(backend, folder, 5)


@pytest.mark.parametrize("setting", STREAMS)
@pytest.mark.parametrize("copies", [True, False])
def test_times_of_all_together_lie_between_marks_on_the_first_one_s_stream(
    fake_machine: Fake, tiny_model: Path, tmp_path: Path, setting: Streams, copies: bool
) -> None:
    machine = fake_machine()
    models = several(tiny_model, tmp_path, setting)
    runners = [backend.runner for backend, _ in models]
    device_times_ms(runners, 2, 1, copies=copies)
    machine.cuda.calls.clear()
    times_ms = device_times_ms(runners, 2, 5, copies=copies)
    assert len(times_ms) == 5
    assert min(times_ms) > 0
    calls = machine.cuda.calls
    assert calls.count("cudaGraphLaunch") == 5 * IN_A_ROW * 3
    assert calls.count("cudaEventElapsedTime") == 5
    assert calls.count("cudaStreamWaitEvent") == (0 if setting == "shared" else 5 * IN_A_ROW * 4)
    assert calls.count("cudaEventCreateWithFlags") == calls.count("cudaEventDestroy")
    assert not {"cudaStreamBeginCapture", "cudaMalloc"} & set(calls)
    for backend, folder in models:
        assert_right(backend, folder, 2)


def test_the_kernels_alone_copy_nothing(fake_machine: Fake, tiny_model: Path) -> None:
    machine = fake_machine()
    backend = loaded(tiny_model)
    backend.run(chips_of(tiny_model, 2))
    device_times_ms([backend.runner], 2, 1, copies=False)
    before = {address: bytes(memory) for address, memory in machine.cuda.pinned.items()}
    for memory in machine.cuda.device.values():
        memory[:] = 0
    device_times_ms([backend.runner], 2, 1, copies=False)
    assert {address: bytes(memory) for address, memory in machine.cuda.pinned.items()} == before


@pytest.mark.parametrize("setting", STREAMS)
def test_a_gpu_lost_while_timing_is_a_gpu_error(
    fake_machine: Fake, tiny_model: Path, tmp_path: Path, setting: Streams
) -> None:
    machine = fake_machine()
    runners = [backend.runner for backend, _ in several(tiny_model, tmp_path, setting)]
    machine.cuda.failing["*"] = ILLEGAL_ADDRESS
    with pytest.raises(GpuError, match="an illegal memory access"):
        device_times_ms(runners, 1, 3)


def key_of(machine: FakeMachine, folder: Path) -> tuple[PlanCache, object]:
    here = GpuMachine(machine.driver, machine.library, machine.cuda)  # type: ignore[arg-type]
    return PlanCache(), plan_key(load_card(folder).sha256, here, BuildSettings())


def test_what_was_measured_on_this_machine_is_taken(fake_machine: Fake, tiny_model: Path) -> None:
    cache, key = key_of(fake_machine(), tiny_model)
    assert loaded(tiny_model).describe()["streams"] == "own"
    assert keep_streams(cache, key, {"own": {1: 2.0}, "shared": {1: 1.0}}) == "shared"
    for precision in PRECISIONS:
        assert loaded(tiny_model, precision).describe()["streams"] == "shared"
    named = TensorRtBackend("float32", streams="own")
    named.load(tiny_model / "model.onnx", load_card(tiny_model), None)
    assert named.describe()["streams"] == "own"
    fake_machine(gpu="GeForce 10")
    assert loaded(tiny_model).describe()["streams"] == "own"


@pytest.mark.parametrize("faster", STREAMS)
def test_the_first_start_measures_and_remembers(
    fake_machine: Fake, tiny_model: Path, monkeypatch: pytest.MonkeyPatch, faster: Streams
) -> None:
    machine = fake_machine()
    cache, key = key_of(machine, tiny_model)
    asked = []

    def measured(backends: list[TensorRtBackend], batches: list[np.ndarray]) -> streams.StreamTimes:
        asked.append([len(batch) for batch in batches])
        run_together(backends, batches[-1])
        return {one: {1: 1.0 if one == faster else 2.0} for one in STREAMS}

    monkeypatch.setattr("engines.backends.tensorrt.measure_streams", measured)
    loaded(tiny_model, "float16").close()
    for _ in range(2):
        settle_backend("tensorrt", tiny_model, load_card(tiny_model))
    assert asked == [[1, 4]]
    assert kept_streams(cache, key) == faster
    assert settled_text("tensorrt", load_card(tiny_model)).startswith("models of one picture run on")
    assert (machine.cuda.device, machine.cuda.streams) == ({}, set())
    assert loaded(tiny_model).describe()["streams"] == faster


def test_where_engines_can_t_be_kept_nothing_more_is_built_to_measure(
    fake_machine: Fake, tiny_model: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    machine = fake_machine()
    (tmp_path / "cache").write_text("no folder")
    monkeypatch.setattr("engines.backends.tensorrt.measure_streams", lambda *_: pytest.fail("measured"))
    settle_backend("tensorrt", tiny_model, load_card(tiny_model))
    assert machine.module.builds == 1
    assert machine.cuda.device == {}


def test_auto_settles_it_where_tensorrt_can_be_used(fake_machine: Fake, tiny_model: Path) -> None:
    cache, key = key_of(fake_machine(), tiny_model)
    choice = choose(tiny_model, load_card(tiny_model))
    assert "tensorrt" in choice.times_ms
    assert kept_streams(cache, key) in STREAMS


def test_a_failure_while_settling_costs_the_choice_of_streams_alone(
    fake_machine: Fake, tiny_model: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    cache, key = key_of(fake_machine(), tiny_model)

    def fail(*_: object) -> None:
        raise EngineError("the GPU is full")

    monkeypatch.setattr("engines.backends.tensorrt.measure_streams", fail)
    with caplog.at_level(logging.WARNING):
        choice = choose(tiny_model, load_card(tiny_model))
    assert "tensorrt" in choice.order
    assert "back end tensorrt: how it runs best was not measured: the GPU is full" in caplog.text
    assert kept_streams(cache, key) is None
