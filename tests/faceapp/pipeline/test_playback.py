"""Pause, seek and pace."""

from __future__ import annotations

import threading
import time

import pytest

from faceapp.errors import SourceError
from faceapp.pipeline import PipelineState
from faceapp.pipeline.playback import Playback
from tests.faceapp.fakes import (
    FakeSource,
    FakeTracker,
    SeekableSource,
    face,
)
from tests.faceapp.pipeline.parts import pipeline_of
from tests.waiting import PATIENCE_S, wait_until


@pytest.fixture
def holds(monkeypatch: pytest.MonkeyPatch) -> threading.Event:
    """Set while the capture thread holds the file."""
    held, hold = threading.Event(), Playback.hold

    def note(playback: Playback, *, ended: bool) -> None:
        held.set()
        hold(playback, ended=ended)
        held.clear()

    monkeypatch.setattr(Playback, "hold", note)
    return held


def test_a_file_ends_and_can_be_sought_again() -> None:
    pipeline = pipeline_of(SeekableSource(10), paced=True)
    pipeline.start()
    wait_until(lambda: pipeline.state is PipelineState.ENDED)
    last = pipeline.take_result()
    assert last is not None
    assert last.frame.index == 9
    pipeline.seek(7 / 25)
    wait_until(lambda: (result := pipeline.take_result()) is not None and result.frame.index == 9)
    wait_until(lambda: pipeline.state is PipelineState.ENDED)
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


def test_a_paused_file_holds_its_frame_and_shows_the_one_sought(holds: threading.Event) -> None:
    pipeline = pipeline_of(SeekableSource(1_000_000), paced=True)
    pipeline.start()
    wait_until(lambda: pipeline.state is PipelineState.RUNNING)
    pipeline.pause()
    assert holds.wait(PATIENCE_S)
    wait_until(lambda: pipeline.statistics().in_flight == 0)
    assert pipeline.state is PipelineState.PAUSED
    held = pipeline.statistics().captured
    wait_until(pipeline.take_result, "the held frame has no result")
    pipeline.seek(100.0)
    found: list[int] = []
    wait_until(
        lambda: (result := pipeline.take_result()) is not None and not found.append(result.frame.index)
    )
    assert found == [2500]
    assert holds.wait(PATIENCE_S)
    assert pipeline.statistics().captured == held + 1
    pipeline.resume()
    wait_until(lambda: pipeline.statistics().captured > held + 3)
    pipeline.stop()


def test_a_file_paused_at_its_start_shows_its_first_frame() -> None:
    pipeline = pipeline_of(SeekableSource(1000), paced=True)
    pipeline.start()
    pipeline.pause()
    wait_until(pipeline.take_result)
    assert pipeline.state is PipelineState.PAUSED
    pipeline.stop()


def test_a_paused_camera_is_read_on_without_counting() -> None:
    source = FakeSource(live=True, period_s=0.002)
    pipeline = pipeline_of(source)
    pipeline.start()
    wait_until(lambda: pipeline.state is PipelineState.RUNNING)
    pipeline.pause()
    read = source._next
    wait_until(lambda: source._next > read + 2 and pipeline.statistics().in_flight == 0)
    assert pipeline.state is PipelineState.PAUSED
    before, read = pipeline.statistics(), source._next
    wait_until(lambda: source._next > read + 10)
    after = pipeline.statistics()
    assert (after.captured, after.analysed, after.dropped) == (
        before.captured,
        before.analysed,
        before.dropped,
    )
    pipeline.resume()
    wait_until(lambda: pipeline.statistics().analysed > after.analysed)
    pipeline.stop()


def test_a_paced_file_keeps_its_own_speed() -> None:
    pipeline = pipeline_of(FakeSource(6), paced=True)
    started_s = time.perf_counter()
    pipeline.start()
    wait_until(lambda: pipeline.state is PipelineState.ENDED)
    assert time.perf_counter() - started_s >= 5 / 25
    pipeline.stop()


def test_seeking_needs_a_running_file() -> None:
    live = pipeline_of(FakeSource(live=True))
    with pytest.raises(SourceError, match="jump"):
        live.seek(1.0)
    with pytest.raises(SourceError, match="start"):
        pipeline_of(SeekableSource(3)).seek(0.0)
