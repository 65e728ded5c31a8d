"""What `auto` measures, how it orders, and what it remembers."""

from __future__ import annotations

import itertools
import logging
import os
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import pytest

pytest.importorskip("onnx", reason="tiny models are made with it: pip install onnx")

from engines import choice
from engines.backends import backend_names, unavailable_reason
from engines.card import ModelCard, load_card
from engines.choice import Choice, Times, best_first, choose, measure_backends
from engines.errors import EngineError

USABLE = [name for name in backend_names() if not unavailable_reason(name)]


@pytest.fixture(autouse=True)
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    for name in ("XDG_CACHE_HOME", "LOCALAPPDATA"):
        monkeypatch.setenv(name, str(tmp_path / "cache"))
    return tmp_path / "cache" / "faceapp" / "backends.json"


@pytest.fixture
def usable(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Openvino and onnxruntime alone, whatever this machine has."""
    reasons = {name: "" if name in ("openvino", "onnxruntime") else "not here" for name in backend_names()}
    monkeypatch.setattr(choice, "unavailable_reason", reasons.__getitem__)
    return [name for name, reason in reasons.items() if not reason]


@dataclass
class Measured:
    """Gives the times it is told and counts how often it is asked."""

    times_ms: Times
    refused: dict[str, str] = field(default_factory=dict)
    asked: int = 0

    def __call__(
        self, folder: Path, card: ModelCard, names: Sequence[str], threads: int | None
    ) -> tuple[Times, dict[str, str]]:
        self.asked += 1
        return self.times_ms, self.refused


def restart(monkeypatch: pytest.MonkeyPatch) -> None:
    """Forget all that is not in the file, as a new process would."""
    monkeypatch.setattr(choice, "_known", {})


SLOW_OPENVINO: Times = {"openvino": {1: 5.0, 4: 9.0}, "onnxruntime": {1: 2.0, 4: 8.0}}


def test_the_fastest_is_first_and_of_equal_ones_the_preferred() -> None:
    assert best_first(SLOW_OPENVINO) == ("onnxruntime", "openvino")
    assert best_first({"onnxruntime": {1: 2.0, 4: 8.0}, "openvino": {1: 2.2, 4: 8.1}}) == (
        "openvino",
        "onnxruntime",
    )
    assert best_first({}) == ()


def test_it_measures_once_and_remembers(
    usable: list[str], tiny_model: Path, monkeypatch: pytest.MonkeyPatch, cache: Path
) -> None:
    card, measured = load_card(tiny_model), Measured(SLOW_OPENVINO)
    first = choose(tiny_model, card, 1, measured)
    assert first.order == ("onnxruntime", "openvino")
    assert first.times_text("onnxruntime") == "one face 2 ms, four faces 8 ms"
    assert first.times_text("tensorrt") == ""
    assert first.refused["tensorrt"] == "not here"
    assert choose(tiny_model, card, 1, measured) == first
    restart(monkeypatch)
    assert choose(tiny_model, card, 1, measured) == first
    assert measured.asked == 1
    assert cache.is_file()


@pytest.mark.parametrize(
    ("what", "value"),
    [
        ("processor_name", lambda: "another"),
        ("processor_count", lambda: 99),
        ("library_versions", lambda: {"openvino": "1999.1"}),
        ("_VERSION", 2),
    ],
)
def test_it_measures_anew_where_anything_it_depends_on_changed(
    usable: list[str], tiny_model: Path, monkeypatch: pytest.MonkeyPatch, what: str, value: object
) -> None:
    card, measured = load_card(tiny_model), Measured(SLOW_OPENVINO)
    choose(tiny_model, card, 1, measured)
    monkeypatch.setattr(choice, what, value)
    choose(tiny_model, card, 1, measured)
    assert measured.asked == 2


def test_other_threads_and_another_model_are_measured_apart(
    usable: list[str], tiny_model: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    card, measured = load_card(tiny_model), Measured(SLOW_OPENVINO)
    other = ModelCard(card.name, card.version, card.input, card.heads, "0" * 64)
    for one, threads in itertools.product((card, other), (1, 2)):
        choose(tiny_model, one, threads, measured)
    assert measured.asked == 4
    restart(monkeypatch)
    for one, threads in itertools.product((card, other), (1, 2)):
        choose(tiny_model, one, threads, measured)
    assert measured.asked == 4, "one file holds all four"


@pytest.mark.parametrize("damage", [b"", b"x" * 100, b"\0" * 400])
def test_a_damaged_file_is_measured_anew(
    usable: list[str], tiny_model: Path, monkeypatch: pytest.MonkeyPatch, cache: Path, damage: bytes
) -> None:
    card, measured = load_card(tiny_model), Measured(SLOW_OPENVINO)
    choose(tiny_model, card, 1, measured)
    cache.write_bytes(damage)
    restart(monkeypatch)
    assert choose(tiny_model, card, 1, measured).order[0] == "onnxruntime"
    assert measured.asked == 2


def test_a_cache_that_cannot_be_written_costs_no_choice(
    usable: list[str], tiny_model: Path, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    (tmp_path / "cache").write_text("no folder")
    with caplog.at_level(logging.INFO):
        found = choose(tiny_model, load_card(tiny_model), 1, Measured(SLOW_OPENVINO))
    assert found.order[0] == "onnxruntime"
    assert "is not remembered" in caplog.text


def test_one_that_could_not_be_loaded_is_tried_by_its_name_and_measured_again_the_next_day(
    tiny_model: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(choice, "unavailable_reason", lambda name: "")
    times_ms: Times = {"onnxruntime": {1: 2.0, 4: 8.0}, "openvino": {1: 1.0, 4: 3.0}}
    measured = Measured(times_ms, {"tensorrt": "the GPU is full"})
    card = load_card(tiny_model)
    found = choose(tiny_model, card, 1, measured)
    assert found.order == ("tensorrt", "openvino", "onnxruntime")
    assert found.refused == {"tensorrt": "the GPU is full"}
    restart(monkeypatch)
    choose(tiny_model, card, 1, measured)
    assert measured.asked == 1
    restart(monkeypatch)
    now_s = choice.time.time()
    monkeypatch.setattr(choice.time, "time", lambda: now_s + 25 * 3600)
    choose(tiny_model, card, 1, measured)
    assert measured.asked == 2


def test_a_single_back_end_needs_no_measuring(tiny_model: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(choice, "unavailable_reason", lambda name: "" if name == "onnxruntime" else "no")
    measured = Measured({})
    found = choose(tiny_model, load_card(tiny_model), None, measured)
    assert (found.order, measured.asked) == (("onnxruntime",), 0)


def test_measuring_takes_turns_until_its_time_is_up_on_the_given_clock(
    tiny_model: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    order: list[tuple[str, int]] = []

    class Counting:
        def __init__(self, name: str) -> None:
            self.name = name

        def load(self, path: Path, card: ModelCard, threads: int | None) -> None:
            if self.name == "gone":
                raise EngineError("gone for good")

        def run(self, batch: np.ndarray) -> None:
            assert batch.dtype == np.uint8
            order.append((self.name, len(batch)))

        def close(self) -> None:
            order.append((self.name, 0))

    ticks = itertools.count()
    monkeypatch.setattr(choice, "create_backend", Counting)
    monkeypatch.setattr(choice, "BUDGET_S", 60.0)
    times_ms, refused = measure_backends(
        tiny_model, load_card(tiny_model), ["a", "gone", "b"], 1, clock=lambda: float(next(ticks))
    )
    assert times_ms == {"a": {1: 1000.0, 4: 1000.0}, "b": {1: 1000.0, 4: 1000.0}}
    assert refused == {"gone": "gone for good"}
    turns = order[4:-3]
    assert turns == [("a", 1), ("a", 4), ("b", 1), ("b", 4)] * (len(turns) // 4)
    assert len(turns) // 4 == 8  # the start, one tick a look at the clock, two a timed call
    assert sorted(order[-3:]) == [("a", 0), ("b", 0), ("gone", 0)]


@pytest.mark.skipif(len(USABLE) < 2, reason="needs two back ends")
def test_the_real_back_ends_are_measured(tiny_model: Path) -> None:
    found = choose(tiny_model, load_card(tiny_model))
    assert set(found.times_ms) == set(USABLE)
    assert all(value > 0 for own in found.times_ms.values() for value in own.values())
    assert set(found.order) == set(USABLE)


@pytest.mark.skipif(not hasattr(os, "fork"), reason="needs fork")
def test_programs_that_start_together_measure_once(
    usable: list[str], tiny_model: Path, tmp_path: Path
) -> None:
    card = load_card(tiny_model)

    def measure(*_: object) -> tuple[Times, dict[str, str]]:
        with (tmp_path / "asked").open("a") as stream:
            stream.write("x")
        return SLOW_OPENVINO, {}

    children = []
    for _ in range(4):
        child = os.fork()
        if child == 0:
            code = 1
            try:
                code = 0 if choose(tiny_model, card, 1, measure).order[0] == "onnxruntime" else 1
            finally:
                os._exit(code)
        children.append(child)
    assert [os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) for child in children] == [0] * 4
    assert (tmp_path / "asked").read_text() == "x"


def test_a_choice_says_nothing_of_what_it_does_not_know() -> None:
    assert Choice(("onnxruntime",)).times_text("onnxruntime") == ""
