"""Frames on their way through the threads: none lost of a file, the newest of a camera, each counted, each let go."""

from __future__ import annotations

import time
import weakref
from dataclasses import replace
from functools import partial
from pathlib import Path

import numpy as np

from faceapp.analysis.analyzer import make_reader, make_tracker
from faceapp.analysis.face_reader import FaceReader
from faceapp.pipeline import Pipeline
from faceapp.settings import Settings
from faceapp.sources import make_source
from tests.faceapp.fakes import (
    FakeEngine,
    FakeSource,
    FakeTracker,
    face,
)
from tests.faceapp.pipeline.parts import pipeline_of, reader_with
from tests.waiting import wait_until


def test_every_frame_of_a_file_comes_out_once_and_in_order() -> None:
    pipeline = pipeline_of(FakeSource(100))
    results = list(pipeline.results())
    assert [result.frame.index for result in results] == list(range(100))
    assert all(len(result.predictions) == 1 for result in results)
    statistics = pipeline.statistics()
    assert (statistics.captured, statistics.analysed, statistics.dropped) == (100, 100, 0)
    assert set(statistics.stage_p50_ms) >= {"decode", "track", "crop", "infer", "smooth", "capture_to_result"}
    assert statistics.capture_to_result_p50_ms <= statistics.capture_to_result_p95_ms
    assert statistics.frames_per_second > 0


def test_results_are_the_same_as_the_analyzers_steps() -> None:
    from faceapp.analysis.analyzer import Analyzer

    source = FakeSource(5)
    source.open()
    analyzer = Analyzer(FakeTracker([face(1)]), reader_with(FakeEngine(value=0.3)))
    steps = [analyzer.step(source.read()) for _ in range(5)]  # type: ignore[arg-type]
    results = list(pipeline_of(FakeSource(5), engine=FakeEngine(value=0.3)).results())
    for step, result in zip(steps, results, strict=True):
        assert step.predictions[0].smile == result.predictions[0].smile
        assert step.frame.index == result.frame.index


def test_a_slow_taker_loses_no_frame_of_a_file() -> None:
    indices = []
    for result in pipeline_of(FakeSource(30)).results():
        time.sleep(0.005)
        indices.append(result.frame.index)
    assert indices == list(range(30))


def test_live_frames_give_way_to_newer_ones_and_are_counted() -> None:
    engine = FakeEngine(infer=lambda call: time.sleep(0.03))
    pipeline = pipeline_of(FakeSource(live=True, period_s=0.002), engine=engine)
    pipeline.start()
    wait_until(lambda: pipeline.statistics().analysed >= 10)
    for _ in range(50):
        statistics = pipeline.statistics()
        assert 0 <= statistics.in_flight <= 7  # three threads, two slots, two frames about to be counted
    wait_until(lambda: pipeline.statistics().dropped, "no frame gave way")
    pipeline.stop()
    statistics = pipeline.statistics()
    assert statistics.captured == statistics.analysed + statistics.dropped
    assert statistics.in_flight == 0


def test_live_results_are_the_newest() -> None:
    pipeline = pipeline_of(FakeSource(live=True, period_s=0.002))
    pipeline.start()
    wait_until(lambda: pipeline.statistics().analysed >= 20)
    first = pipeline.take_result()
    assert first is not None
    assert first.frame.index >= 10
    wait_until(
        lambda: (result := pipeline.take_result()) is not None and result.frame.index > first.frame.index
    )
    pipeline.stop()


def test_tracker_reader_and_source_live_and_die_on_their_own_threads() -> None:
    source, built = FakeSource(5), []

    def make_tracker() -> FakeTracker:
        built.append(FakeTracker([face(1)]))
        return built[-1]

    def make_reader() -> FaceReader:
        built.append(FakeEngine())
        return reader_with(built[-1])

    list(Pipeline(source, make_tracker, make_reader).results())
    assert source.threads == {"faceapp-capture"}
    assert {type(part): part.threads for part in built} == {
        FakeTracker: {"faceapp-tracking"},
        FakeEngine: {"faceapp-reading"},
    }
    assert [part.closed for part in built] == [1, 1]
    assert (source.opened, source.closed) == (1, 1)


def test_taken_frames_are_let_go() -> None:
    alive: list[weakref.ref[np.ndarray]] = []
    for result in pipeline_of(FakeSource(300)).results():
        alive.append(weakref.ref(result.frame.image))
        if len(alive) > 50:
            assert alive[-40]() is None


def test_the_demo_is_tracked_and_read_with_the_real_parts(tiny_model: Path) -> None:
    settings = replace(Settings(), model=str(tiny_model), backend="onnxruntime")
    pipeline = Pipeline(
        make_source("demo", end_s=0.4), partial(make_tracker, settings), partial(make_reader, settings)
    )
    for _ in range(2):  # a second run makes everything anew
        results = list(pipeline.results())
        assert len(results) == pipeline.statistics().captured > 5
        assert all(len(result.predictions) == 1 for result in results)
        assert {prediction.track_id for result in results for prediction in result.predictions} == {1}
    assert [card.name for card in pipeline.cards] == ["tiny"]
