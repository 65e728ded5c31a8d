"""Errors of every thread, and a camera that is lost and comes back."""

from __future__ import annotations

import pytest

from engines.errors import EngineError
from faceapp.analysis.face_reader import FaceReader
from faceapp.errors import SourceError
from faceapp.pipeline import Pipeline, PipelineState
from tests.faceapp.fakes import (
    FakeEngine,
    FakeSource,
    FakeTracker,
    fail_from,
)
from tests.faceapp.pipeline.parts import pipeline_of
from tests.waiting import wait_until


def test_a_lost_camera_waits_with_its_message_and_comes_back() -> None:
    source = FakeSource(live=True, period_s=0.002)
    pipeline = pipeline_of(source)
    pipeline.start()
    wait_until(lambda: pipeline.state is PipelineState.RUNNING)
    assert pipeline.message == ""
    source.silent.set()
    wait_until(lambda: pipeline.state is PipelineState.WAITING)
    assert "fake" in pipeline.message
    source.status = "lost: trying again in 3 s"
    assert pipeline.message == "lost: trying again in 3 s"
    source.status = ""
    source.silent.clear()
    wait_until(lambda: pipeline.state is PipelineState.RUNNING)
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
    wait_until(lambda: pipeline.state is PipelineState.FAILED)
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
