"""Stopping, starting again, and what hangs meanwhile."""

from __future__ import annotations

import gc
import threading

import pytest

from faceapp.errors import SourceError
from faceapp.pipeline import PipelineState
from tests.faceapp.fakes import (
    FakeEngine,
    FakeSource,
)
from tests.faceapp.pipeline.parts import pipeline_of
from tests.waiting import PATIENCE_S, wait_until


def test_stop_and_restart_begin_again() -> None:
    source = FakeSource(live=True, period_s=0.005)
    pipeline = pipeline_of(source)
    for round_number in (1, 2, 3):
        pipeline.start()
        pipeline.start()
        wait_until(lambda: pipeline.state is PipelineState.RUNNING)
        pipeline.stop()
        assert pipeline.state is PipelineState.STOPPED
        assert (source.opened, source.closed) == (round_number, round_number)
    pipeline.stop()


def test_stop_without_waiting_says_stopping_until_the_threads_are_gone() -> None:
    release = threading.Event()
    engine = FakeEngine(infer=lambda call: release.wait(PATIENCE_S))
    pipeline = pipeline_of(FakeSource(live=True, period_s=0.002), engine=engine)
    pipeline.start()
    wait_until(lambda: engine.batches)
    pipeline.stop(wait=False)
    assert pipeline.state is PipelineState.STOPPING
    release.set()
    wait_until(lambda: pipeline.state is PipelineState.STOPPED)


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


def test_a_source_that_hangs_does_not_freeze_the_program(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("faceapp.pipeline.pipeline.STOP_S", 0.2)
    release = threading.Event()
    source = FakeSource(live=True)
    source.read = lambda: release.wait(PATIENCE_S) and None  # type: ignore[method-assign,assignment,func-returns-value]
    pipeline = pipeline_of(source)
    pipeline.start()
    wait_until(lambda: source.opened)
    pipeline.stop()
    assert pipeline.state is PipelineState.STOPPING, "the source still hangs: stop did not wait for it"
    with pytest.raises(SourceError, match="hangs"):
        pipeline.start()
    release.set()
