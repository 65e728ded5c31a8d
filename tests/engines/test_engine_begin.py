"""Runs that are begun, and finished later: on back ends that can overlap and on those that can't."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

pytest.importorskip("onnx", reason="tiny models are made with it: pip install onnx")
from engines.backend import MAX_BATCH
from engines.card import load_card
from engines.engine import Engine, load_engine
from engines.errors import EngineError, GpuError
from engines.parity import TOLERANCES
from tests.engines.tensorrt.fake_gpu import ILLEGAL_ADDRESS
from tests.engines.tensorrt.tensorrt_runs import Fake, chips_of, loaded
from tests.tiny_models import write_tiny_model


def same(found: dict[str, np.ndarray], wanted: dict[str, np.ndarray]) -> None:
    assert set(found) == set(wanted)
    for name, values in wanted.items():
        np.testing.assert_array_equal(found[name], values)


def test_several_engines_begin_before_the_first_is_finished(
    fake_machine: Fake, tiny_model: Path, tmp_path: Path
) -> None:
    machine = fake_machine()
    folders = [tiny_model, write_tiny_model(tmp_path / "other", seed=5)]
    engines = [load_engine(folder, "tensorrt") for folder in folders]
    chips = chips_of(tiny_model, 3)
    wanted = [engine.infer(chips) for engine in engines]
    machine.cuda.calls.clear()
    finishes = [engine.begin(chips) for engine in engines]
    assert machine.cuda.calls == ["cudaSetDevice", "cudaGraphLaunch"] * 2
    for finish, answers in zip(finishes, wanted, strict=True):
        same(finish(), answers)


@pytest.mark.parametrize("backend", ["tensorrt", "onnxruntime"])
@pytest.mark.parametrize("count", [0, 1, MAX_BATCH, MAX_BATCH + 5])
def test_every_batch_size_and_back_end_gives_what_infer_gives(
    fake_machine: Fake, tiny_model: Path, backend: str, count: int
) -> None:
    fake_machine()
    with load_engine(tiny_model, backend) as engine:
        chips = np.repeat(chips_of(tiny_model, 1), count, axis=0)
        same(engine.begin(chips)(), engine.infer(chips))


def test_a_run_that_another_call_dropped_is_done_anew(fake_machine: Fake, tiny_model: Path) -> None:
    fake_machine()
    with load_engine(tiny_model, "tensorrt") as engine:
        chips = chips_of(tiny_model, 2)
        first, second = (engine.infer(chips[row : row + 1]) for row in range(2))
        dropped = engine.begin(chips[:1])
        same(engine.begin(chips[1:])(), second)
        same(dropped(), first)
        dropped = engine.begin(chips[:1])
        same(engine.infer(chips[1:]), second)
        same(dropped(), first)


@pytest.mark.parametrize("when", ["begin", "finish"])
def test_a_gpu_lost_on_the_way_costs_no_answer(fake_machine: Fake, tiny_model: Path, when: str) -> None:
    machine = fake_machine()
    chips = chips_of(tiny_model, 2)
    with load_engine(tiny_model, "onnxruntime") as processor:
        wanted = processor.infer(chips)
    with load_engine(tiny_model, "tensorrt") as engine:
        if when == "begin":
            machine.cuda.failing["*"] = ILLEGAL_ADDRESS
        finish = engine.begin(chips)
        machine.cuda.failing["*"] = ILLEGAL_ADDRESS
        probability, years = TOLERANCES["bfloat16"]  # what goes on may compute in it
        for name, values in finish().items():
            np.testing.assert_allclose(
                values, wanted[name], rtol=0, atol=years if name.endswith("_years") else probability
            )
        assert "Until then faces are read on" in engine.problem
        same(engine.begin(chips)(), engine.infer(chips))


def test_a_gpu_lost_with_nothing_in_its_place_is_an_error(fake_machine: Fake, tiny_model: Path) -> None:
    machine = fake_machine()
    engine = Engine(load_card(tiny_model), loaded(tiny_model), "tensorrt")
    finish = engine.begin(chips_of(tiny_model, 1))
    machine.cuda.failing["*"] = ILLEGAL_ADDRESS
    with pytest.raises(GpuError, match="an illegal memory access"):
        finish()
    engine.close()


def test_finishing_after_closing_is_refused(fake_machine: Fake, tiny_model: Path) -> None:
    fake_machine()
    engine = load_engine(tiny_model, "tensorrt")
    finish = engine.begin(chips_of(tiny_model, 1))
    engine.close()
    with pytest.raises(EngineError, match="found it closed; load it again"):
        finish()


def test_another_batch_is_refused_at_once(fake_machine: Fake, tiny_model: Path) -> None:
    fake_machine()
    with (
        load_engine(tiny_model, "tensorrt") as engine,
        pytest.raises(EngineError, match=r"batch: expected uint8 \(N, 48, 48\)"),
    ):
        engine.begin(np.zeros((1, 48, 48), np.float32))
