"""Which of two ways to run several models is taken, and what is remembered of it."""

from __future__ import annotations

import itertools
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from engines.tensorrt.cache import PlanCache
from engines.tensorrt.streams import (
    DEFAULT,
    STREAMS,
    StreamTimes,
    faster_streams,
    keep_streams,
    kept_streams,
    measure_streams,
    streams_text,
)
from tests.engines.tensorrt.test_cache import KEY

FASTER: StreamTimes = {"own": {1: 1.0, 4: 3.0}, "shared": {1: 0.9, 4: 2.5}}


class Recorded:
    """Notes what it is told."""

    def __init__(self, name: str, told: list[tuple[str, object]]) -> None:
        self.name, self.told = name, told

    def use_streams(self, streams: str) -> None:
        self.told.append((self.name, streams))

    def submit(self, batch: np.ndarray) -> None:
        self.told.append((self.name, len(batch)))

    def collect(self, count: int) -> dict[str, np.ndarray]:
        self.told.append((self.name, -count))
        return {}


@pytest.mark.parametrize(
    ("times_ms", "expected"),
    [
        (FASTER, "shared"),
        ({"own": FASTER["shared"], "shared": FASTER["own"]}, "own"),
        ({"own": {1: 1.0}, "shared": {1: 0.97}}, "own"),
        ({"shared": {1: 0.1}}, "own"),
        ({}, "own"),
    ],
)
def test_one_stream_is_taken_where_it_is_clearly_faster(times_ms: StreamTimes, expected: str) -> None:
    assert DEFAULT == "own"
    assert faster_streams(times_ms) == expected


def test_both_ways_take_turns_and_all_begin_before_the_first_is_waited_for() -> None:
    told: list[tuple[str, object]] = []
    ticks = itertools.count()
    times_ms = measure_streams(
        [Recorded("a", told), Recorded("b", told)],
        [np.zeros((1, 8, 8), np.uint8), np.zeros((4, 8, 8), np.uint8)],
        budget_s=0.0,
        clock=lambda: float(next(ticks)),
    )
    assert times_ms == {streams: {1: 1000.0, 4: 1000.0} for streams in STREAMS}
    turn = [
        step
        for streams in STREAMS
        for step in (
            *(("a", streams), ("b", streams)),
            *(("a", 1), ("b", 1), ("a", -1), ("b", -1)) * 2,  # once to warm up
            *(("a", 4), ("b", 4), ("a", -4), ("b", -4)),
        )
    ]
    assert told == turn * (len(told) // len(turn))
    assert len(told) // len(turn) == 8  # three to warm up, five at least


def test_it_is_remembered_for_library_gpu_and_driver(tmp_path: Path) -> None:
    cache = PlanCache(tmp_path)
    assert kept_streams(cache, KEY) is None
    assert keep_streams(cache, KEY, FASTER) == "shared"
    assert kept_streams(cache, KEY) == "shared"
    assert kept_streams(cache, replace(KEY, model_sha256="b" * 64, precision="float32")) == "shared"
    for other in ({"gpu": "GeForce 10"}, {"driver": "590.1"}, {"library_version": "1.8.0.1"}):
        assert kept_streams(cache, replace(KEY, **other)) is None


def test_what_is_remembered_is_told_in_words(tmp_path: Path) -> None:
    cache = PlanCache(tmp_path)
    assert streams_text(cache, KEY) == ""
    keep_streams(cache, KEY, {"own": {1: 2.06, 4: 3.0}, "shared": {1: 1.0, 4: 2.0}})
    assert streams_text(cache, KEY) == (
        "models of one picture run on one stream (streams of their own: one face 2.1 ms, 4 faces 3 ms; "
        "one stream: one face 1 ms, 4 faces 2 ms)"
    )
    cache.write_shared(KEY, "streams", b'{"streams": "own", "times_ms": []}')
    assert streams_text(cache, KEY) == (
        "models of one picture run on streams of their own (the times were not kept)"
    )


@pytest.mark.parametrize("content", [b"", b"[]", b'{"streams": "many"}', b'{"times_ms": {}}', b"\xff\xfe"])
def test_what_is_no_setting_counts_as_nothing(tmp_path: Path, content: bytes) -> None:
    cache = PlanCache(tmp_path)
    cache.write_shared(KEY, "streams", content)
    assert kept_streams(cache, KEY) is None


def test_a_damaged_file_counts_as_nothing(tmp_path: Path) -> None:
    cache = PlanCache(tmp_path)
    keep_streams(cache, KEY, FASTER)
    (path,) = tmp_path.glob("*.streams")
    path.write_bytes(path.read_bytes()[:-3])
    assert kept_streams(cache, KEY) is None
