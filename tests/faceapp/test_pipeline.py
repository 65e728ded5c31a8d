from __future__ import annotations

import gc
import threading
import time
import weakref
from collections.abc import Callable, Iterator
from dataclasses import replace
from functools import partial
from pathlib import Path

import numpy as np
import pytest

from engines.errors import CardError, EngineError
from faceapp.analyzer import make_reader, make_tracker
from faceapp.errors import SourceError
from faceapp.face_reader import FaceReader
from faceapp.pipeline import Pipeline, PipelineState
from faceapp.pipeline.pipeline import STOP_S
from faceapp.region import Region
from faceapp.settings import Settings
from faceapp.sources import make_source
from faceapp.tracking.fixed_region import RegionTracker
from faceapp.types import Source, Tracker
from tests.faceapp.fakes import (
    FakeEngine,
    FakeRecorder,
    FakeSource,
    FakeTracker,
    SeekableSource,
    face,
    fail_from,
)


@pytest.fixture(autouse=True)
def no_thread_is_left() -> Iterator[None]:
    before = set(threading.enumerate())
    yield
    assert wait_for(lambda: not set(threading.enumerate()) - before), threading.enumerate()


def wait_for(condition: Callable[[], object], timeout_s: float = 10.0) -> bool:
    until_s = time.perf_counter() + timeout_s
    while not condition():
        if time.perf_counter() > until_s:
            return False
        time.sleep(0.002)
    return True


def settled(value: Callable[[], int]) -> int:
    """Return a value once it has stayed the same for 0.3 s (a frame of the fake file lasts 0.04 s)."""
    while True:
        before = value()
        time.sleep(0.3)
        if value() == before:
            return before


def reader_with(engine: FakeEngine) -> FaceReader:
    return FaceReader({"none": engine}, 0.5)  # type: ignore[dict-item]


def pipeline_of(
    source: Source,
    *,
    tracker: Tracker | None = None,
    engine: FakeEngine | None = None,
    paced: bool = False,
) -> Pipeline:
    tracker = tracker or FakeTracker([face(1)])
    engine = engine or FakeEngine()
    return Pipeline(source, lambda: tracker, lambda: reader_with(engine), paced=paced)


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
    from faceapp.analyzer import Analyzer

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
    assert wait_for(lambda: pipeline.statistics().analysed >= 10)
    for _ in range(50):
        statistics = pipeline.statistics()
        assert 0 <= statistics.in_flight <= 7  # three threads, two slots, two frames about to be counted
    assert statistics.dropped > 0
    pipeline.stop()
    statistics = pipeline.statistics()
    assert statistics.captured == statistics.analysed + statistics.dropped
    assert statistics.in_flight == 0


def test_live_results_are_the_newest() -> None:
    pipeline = pipeline_of(FakeSource(live=True, period_s=0.002))
    pipeline.start()
    assert wait_for(lambda: pipeline.statistics().analysed >= 20)
    first = pipeline.take_result()
    assert first is not None
    assert first.frame.index >= 10
    assert wait_for(
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


def test_stop_and_restart_begin_again() -> None:
    source = FakeSource(live=True, period_s=0.005)
    pipeline = pipeline_of(source)
    for round_number in (1, 2, 3):
        pipeline.start()
        pipeline.start()
        assert wait_for(lambda: pipeline.state is PipelineState.RUNNING)
        started_s = time.perf_counter()
        pipeline.stop()
        assert time.perf_counter() - started_s < STOP_S
        assert pipeline.state is PipelineState.STOPPED
        assert (source.opened, source.closed) == (round_number, round_number)
    pipeline.stop()


def test_stop_without_waiting_says_stopping_until_the_threads_are_gone() -> None:
    release = threading.Event()
    engine = FakeEngine(infer=lambda call: release.wait(10))
    pipeline = pipeline_of(FakeSource(live=True, period_s=0.002), engine=engine)
    pipeline.start()
    assert wait_for(lambda: engine.batches)
    pipeline.stop(wait=False)
    assert pipeline.state is PipelineState.STOPPING
    release.set()
    assert wait_for(lambda: pipeline.state is PipelineState.STOPPED)


def test_stop_before_start_and_twice_does_nothing() -> None:
    pipeline = pipeline_of(FakeSource(1))
    pipeline.stop()
    assert pipeline.state is PipelineState.STOPPED
    assert pipeline.take_result() is None
    assert pipeline.statistics().captured == 0
    list(pipeline.results())
    pipeline.stop()
    pipeline.stop()


def test_leaving_the_results_early_stops_the_threads() -> None:
    for result in pipeline_of(FakeSource(1000)).results():
        if result.frame.index == 3:
            break
    gc.collect()


def test_a_file_ends_and_can_be_sought_again() -> None:
    pipeline = pipeline_of(SeekableSource(10), paced=True)
    pipeline.start()
    assert wait_for(lambda: pipeline.state is PipelineState.ENDED)
    last = pipeline.take_result()
    assert last is not None
    assert last.frame.index == 9
    pipeline.seek(7 / 25)
    assert wait_for(lambda: (result := pipeline.take_result()) is not None and result.frame.index == 9)
    assert wait_for(lambda: pipeline.state is PipelineState.ENDED)
    statistics = pipeline.statistics()
    assert (statistics.captured, statistics.analysed, statistics.dropped) == (13, 13, 0)
    pipeline.stop()


def test_a_seek_starts_tracking_and_smoothing_afresh() -> None:
    tracker = FakeTracker([face(1)])
    pipeline = pipeline_of(SeekableSource(1_000_000), tracker=tracker)
    results = pipeline.results()
    next(results)
    pipeline.seek(20_000.0)
    indices = []
    while not indices or indices[-1] < 500_000:
        indices.append(next(results).frame.index)
    assert indices[-1] == 500_000
    assert tracker.resets == 1
    results.close()
    statistics = pipeline.statistics()
    assert statistics.captured == statistics.analysed + statistics.dropped


def test_a_paused_file_holds_its_frame_and_shows_the_one_sought() -> None:
    pipeline = pipeline_of(SeekableSource(1_000_000), paced=True)
    pipeline.start()
    assert wait_for(lambda: pipeline.state is PipelineState.RUNNING)
    pipeline.pause()
    assert wait_for(lambda: pipeline.state is PipelineState.PAUSED)
    held = settled(lambda: pipeline.statistics().captured)
    assert pipeline.statistics().in_flight == 0
    pipeline.take_result()
    pipeline.seek(100.0)
    found: list[int] = []
    assert wait_for(
        lambda: (result := pipeline.take_result()) is not None and not found.append(result.frame.index)
    )
    assert found == [2500]
    assert settled(lambda: pipeline.statistics().captured) == held + 1
    pipeline.resume()
    assert wait_for(lambda: pipeline.statistics().captured > held + 3)
    pipeline.stop()


def test_a_file_paused_at_its_start_shows_its_first_frame() -> None:
    pipeline = pipeline_of(SeekableSource(1000), paced=True)
    pipeline.start()
    pipeline.pause()
    assert wait_for(lambda: pipeline.state is PipelineState.PAUSED)
    assert pipeline.take_result() is not None
    pipeline.stop()


def test_a_paused_camera_is_read_on_without_counting() -> None:
    source = FakeSource(live=True, period_s=0.002)
    pipeline = pipeline_of(source)
    pipeline.start()
    assert wait_for(lambda: pipeline.state is PipelineState.RUNNING)
    pipeline.pause()
    read = source._next
    assert wait_for(lambda: source._next > read + 2 and pipeline.statistics().in_flight == 0)
    assert pipeline.state is PipelineState.PAUSED
    before, read = pipeline.statistics(), source._next
    assert wait_for(lambda: source._next > read + 10)
    after = pipeline.statistics()
    assert (after.captured, after.analysed, after.dropped) == (
        before.captured,
        before.analysed,
        before.dropped,
    )
    pipeline.resume()
    assert wait_for(lambda: pipeline.statistics().analysed > after.analysed)
    pipeline.stop()


def test_a_paced_file_keeps_its_own_speed() -> None:
    pipeline = pipeline_of(FakeSource(6), paced=True)
    started_s = time.perf_counter()
    pipeline.start()
    assert wait_for(lambda: pipeline.state is PipelineState.ENDED)
    assert time.perf_counter() - started_s >= 5 / 25
    pipeline.stop()


def test_seeking_needs_a_running_file() -> None:
    live = pipeline_of(FakeSource(live=True))
    with pytest.raises(SourceError, match="jump"):
        live.seek(1.0)
    with pytest.raises(SourceError, match="start"):
        pipeline_of(SeekableSource(3)).seek(0.0)


def test_a_lost_camera_waits_with_its_message_and_comes_back() -> None:
    source = FakeSource(live=True, period_s=0.002)
    pipeline = pipeline_of(source)
    pipeline.start()
    assert wait_for(lambda: pipeline.state is PipelineState.RUNNING)
    assert pipeline.message == ""
    source.silent.set()
    assert wait_for(lambda: pipeline.state is PipelineState.WAITING)
    assert "fake" in pipeline.message
    source.status = "lost: trying again in 3 s"
    assert pipeline.message == "lost: trying again in 3 s"
    source.status = ""
    source.silent.clear()
    assert wait_for(lambda: pipeline.state is PipelineState.RUNNING)
    pipeline.stop()


@pytest.mark.parametrize(
    ("parts", "text"),
    [
        ({"source": FakeSource(breaks_at=-1)}, "cut one"),
        ({"source": FakeSource(breaks_at=0)}, "cut one"),
        ({"source": FakeSource(live=True, breaks_at=4)}, "cut one"),
        ({"source": FakeSource(breaks_at=4, error=RuntimeError("driver"))}, "driver"),
        ({"source": FakeSource(1000), "tracker": FakeTracker(fails_at=5)}, "mesh graph"),
        ({"source": FakeSource(1000), "engine": FakeEngine(infer=fail_from(5))}, "smoke"),
    ],
)
def test_an_error_of_any_thread_is_kept_and_the_program_goes_on(parts: dict, text: str) -> None:
    pipeline = pipeline_of(parts.pop("source"), **parts)
    pipeline.start()
    assert wait_for(lambda: pipeline.state is PipelineState.FAILED)
    assert text in pipeline.message
    assert text in str(pipeline.error)
    pipeline.stop()
    assert pipeline.state is PipelineState.STOPPED
    statistics = pipeline.statistics()
    assert statistics.captured == statistics.analysed + statistics.dropped


def test_makers_that_fail_stop_everything() -> None:
    def fail() -> FaceReader:
        raise EngineError("no such back end")

    source = FakeSource(live=True)
    pipeline = Pipeline(source, FakeTracker, fail)
    with pytest.raises(EngineError, match="no such back end"):
        list(pipeline.results())
    assert source.closed == source.opened


def test_a_file_that_breaks_off_yields_what_came_before_then_raises() -> None:
    pipeline = pipeline_of(FakeSource(100, breaks_at=20))
    indices: list[int] = []
    with pytest.raises(SourceError, match="cut one"):
        indices.extend(result.frame.index for result in pipeline.results())
    assert indices == list(range(20))


def test_after_an_error_the_next_start_is_clean() -> None:
    engine = FakeEngine(infer=fail_from(3))
    pipeline = pipeline_of(FakeSource(10), engine=engine)
    with pytest.raises(EngineError):
        list(pipeline.results())
    engine._infer = None
    assert len(list(pipeline.results())) == 10
    assert pipeline.error is None


def test_a_recorder_gets_every_result_between_on_and_off() -> None:
    recorder, pipeline = FakeRecorder(), pipeline_of(FakeSource(100))
    for result in pipeline.results():
        if result.frame.index == 0:
            pipeline.set_recorder(recorder)
        if result.frame.index == 60:
            pipeline.set_recorder(None)
            at_end = list(recorder.indices)
    assert recorder.indices == at_end
    assert at_end == list(range(at_end[0], at_end[-1] + 1))
    assert at_end[0] <= 12
    assert 60 <= at_end[-1] < 75


def test_another_model_takes_over_between_two_frames() -> None:
    before, after = FakeEngine("before"), FakeEngine("after")
    pipeline = pipeline_of(FakeSource(live=True, period_s=0.002), engine=before)
    pipeline.start()
    assert wait_for(lambda: pipeline.state is PipelineState.RUNNING)
    assert pipeline.description == "before, Fake CPU"
    pipeline.set_reader_factory(lambda: reader_with(after))
    assert wait_for(lambda: (result := pipeline.take_result()) and result.predictions[0].model == "after")
    assert [card.name for card in pipeline.cards] == ["after"]
    assert before.closed == 1
    pipeline.stop()
    assert after.threads == {"MainThread", "faceapp-reading"}
    assert after.closed == 1


def test_a_model_that_cannot_be_loaded_leaves_the_present_one() -> None:
    def fail() -> FaceReader:
        raise CardError("expected a model card, found none")

    engine = FakeEngine("before")
    pipeline = pipeline_of(FakeSource(live=True, period_s=0.002), engine=engine)
    pipeline.start()
    assert wait_for(lambda: pipeline.state is PipelineState.RUNNING)
    pipeline.set_reader_factory(fail)
    assert wait_for(lambda: pipeline.swap_error is not None)
    analysed = pipeline.statistics().analysed
    assert wait_for(lambda: pipeline.statistics().analysed > analysed)
    assert pipeline.state is PipelineState.RUNNING
    assert pipeline.description == "before, Fake CPU"
    pipeline.set_reader_factory(lambda: reader_with(FakeEngine("other")))
    assert pipeline.swap_error is None
    assert wait_for(lambda: pipeline.description == "other, Fake CPU")
    pipeline.stop()


def test_smoothing_and_occlusion_change_while_running() -> None:
    tracker, engine = FakeTracker([face(1)]), FakeEngine(value=0.0)
    pipeline = pipeline_of(FakeSource(live=True, period_s=0.002), tracker=tracker, engine=engine)
    pipeline.set_smoothing(0.0)
    pipeline.set_landmark_smoothing(0.25)
    pipeline.set_occlusion("mask")
    pipeline.start()
    assert wait_for(lambda: pipeline.state is PipelineState.RUNNING)
    engine.value = 1.0
    assert wait_for(lambda: (result := pipeline.take_result()) and result.predictions[0].smile == 1.0)
    assert tracker.landmark_smoothing == 0.25
    assert wait_for(lambda: (result := pipeline.take_result()) and result.faces[0].occlusion == "mask")
    pipeline.stop()
    with pytest.raises(ValueError, match="smoothing"):
        pipeline.set_smoothing(2.0)


def test_a_region_is_set_moved_and_cleared_while_running() -> None:
    inner = FakeTracker([face(1)])
    tracker = RegionTracker(inner)
    pipeline = pipeline_of(FakeSource(live=True, period_s=0.002), tracker=tracker)

    def first_box() -> list[float] | None:
        result = pipeline.take_result()
        return result.faces[0].box.tolist() if result else None

    pipeline.set_region(Region(0.5, 0.25, 0.5, 0.75))
    pipeline.set_occlusion("headset")
    pipeline.start()
    assert wait_for(lambda: first_box() == [4, 2, 8, 8])  # of a picture of 8 x 8
    assert tracker.occlusion == "headset"
    pipeline.set_region(None)
    assert wait_for(lambda: first_box() == [0, 0, 8, 8]), "the other tracker's face"
    pipeline.stop()
    with pytest.raises(ValueError, match="region: expected"):
        pipeline.set_region(Region(0.5, 0.5, 0.9, 0.9))


def test_a_source_that_hangs_does_not_freeze_the_program() -> None:
    release = threading.Event()
    source = FakeSource(live=True)
    source.read = lambda: release.wait(20) and None  # type: ignore[method-assign,assignment,func-returns-value]
    pipeline = pipeline_of(source)
    pipeline.start()
    assert wait_for(lambda: source.opened)
    started_s = time.perf_counter()
    pipeline.stop()
    assert time.perf_counter() - started_s < STOP_S + 1
    with pytest.raises(SourceError, match="hangs"):
        pipeline.start()
    release.set()


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
