"""Engines whose GPU fails go on on the processor, with the same answers and a sentence that says so."""

from __future__ import annotations

import logging
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

pytest.importorskip("onnx", reason="tiny models are made with it: pip install onnx")

from engines import fallback
from engines.card import load_card
from engines.engine import load_engine
from engines.errors import EngineError, GpuError
from engines.measure.verify import fixed_chips
from engines.tensorrt.build_control import BuildCancelledError, BuildControl, watch_builds
from tests.engines.conftest import FakeMachine
from tests.engines.tensorrt.fake_gpu import ILLEGAL_ADDRESS

Fake = Callable[..., FakeMachine]


def test_a_lost_gpu_costs_no_answer(
    fake_machine: Fake, tiny_model: Path, caplog: pytest.LogCaptureFixture
) -> None:
    machine = fake_machine()
    chips = fixed_chips(load_card(tiny_model).input, 20)
    with load_engine(tiny_model, "onnxruntime") as reference:
        wanted = reference.infer(chips)
    with load_engine(tiny_model, "tensorrt") as engine:
        assert (engine.backend_name, engine.problem) == ("tensorrt", "")
        engine.infer(chips)
        machine.cuda.failing["*"] = ILLEGAL_ADDRESS
        with caplog.at_level(logging.WARNING):
            found = engine.infer(chips)  # a batch that is split: its first part is lost too
        assert engine.backend_name != "tensorrt"
        assert engine.backend_description.endswith("CPU")
        assert engine.problem.startswith(
            "The GPU failed (cudaSetDevice: an illegal memory access was encountered);"
        )
        assert engine.problem.endswith(f"Until then faces are read on {engine.backend_description}.")
        assert engine.problem in caplog.text
        for name, values in wanted.items():
            np.testing.assert_allclose(found[name], values, atol=0.5 if name.endswith("_years") else 0.03)
        before = engine.problem
        engine.infer(chips)
        assert engine.problem == before


def test_too_little_memory_on_loading_is_told_with_auto(fake_machine: Fake, tiny_model: Path) -> None:
    fake_machine(memory_bytes=100)
    with load_engine(tiny_model, "auto") as engine:
        assert engine.backend_description.endswith("CPU")
        assert engine.problem == (
            "The GPU has too little free memory; close other programs that use it. Until then faces are read on "
            f"{engine.backend_description}."
        )
    with pytest.raises(GpuError, match="too little free memory"):
        load_engine(tiny_model, "tensorrt")  # a named back end is never replaced on loading


def test_without_another_back_end_the_failure_is_an_error(
    fake_machine: Fake, tiny_model: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    machine = fake_machine()
    engine = load_engine(tiny_model, "tensorrt")
    monkeypatch.setattr(fallback, "backend_names", lambda: ("tensorrt",))
    machine.cuda.failing["*"] = ILLEGAL_ADDRESS
    chips = fixed_chips(engine.card.input, 1)
    with pytest.raises(EngineError, match="expected a back end that runs on the processor, found none"):
        engine.infer(chips)
    with pytest.raises(EngineError, match="expected an open engine, found it closed"):
        engine.infer(chips)
    engine.close()


def test_a_back_end_on_the_same_gpu_is_passed_over(
    fake_machine: Fake, tiny_model: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    fake_machine()
    monkeypatch.setattr(fallback, "backend_names", lambda: ("openvino", "tensorrt", "onnxruntime"))
    path, card = tiny_model / "model.onnx", load_card(tiny_model)
    name, backend = fallback.load_on_processor(path, card, 1, "openvino")
    assert name == "onnxruntime"
    assert backend.run(fixed_chips(card.input, 2))["smile"].shape == (2, 2)
    monkeypatch.setattr(fallback, "backend_names", lambda: ("tensorrt",))
    with pytest.raises(EngineError, match="tensorrt: runs on the GPU too"):
        fallback.load_on_processor(path, card, 1, "openvino")


def test_a_build_that_the_person_cancels_leaves_the_processor(
    fake_machine: Fake, tiny_model: Path, caplog: pytest.LogCaptureFixture
) -> None:
    machine = fake_machine()

    def cancelled(model: str) -> BuildControl:
        control = BuildControl()
        control.cancelled.set()
        return control

    watch_builds(cancelled)
    try:
        with caplog.at_level(logging.WARNING), load_engine(tiny_model, "auto") as engine:
            assert engine.backend_description.endswith("CPU")
            assert engine.problem == "", "wanted, so no problem"
        assert "the build was cancelled" in caplog.text
        with pytest.raises(BuildCancelledError, match="the build was cancelled"):
            load_engine(tiny_model, "tensorrt")
    finally:
        watch_builds(None)
    with load_engine(tiny_model, "tensorrt") as engine:
        assert machine.module.builds == 1
    watch_builds(cancelled)
    try:
        with load_engine(tiny_model, "tensorrt") as engine:  # a kept engine needs no build
            assert engine.backend_name == "tensorrt"
    finally:
        watch_builds(None)
