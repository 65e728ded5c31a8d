"""What the window changes while a pipeline runs: recorder, model, smoothing, occlusion, region."""

from __future__ import annotations

import pytest

from engines.errors import CardError
from faceapp.analysis.face_reader import FaceReader
from faceapp.pipeline import PipelineState
from faceapp.settings.region import Region
from faceapp.tracking.fixed_region import RegionTracker
from tests.faceapp.fakes import (
    FakeEngine,
    FakeRecorder,
    FakeSource,
    FakeTracker,
    face,
)
from tests.faceapp.pipeline.parts import pipeline_of, reader_with
from tests.waiting import wait_until


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
    assert at_end[0] <= 12  # what the slots between hold
    assert 60 <= at_end[-1] < 75


def test_another_model_takes_over_between_two_frames() -> None:
    before, after = FakeEngine("before"), FakeEngine("after")
    pipeline = pipeline_of(FakeSource(live=True, period_s=0.002), engine=before)
    pipeline.start()
    wait_until(lambda: pipeline.state is PipelineState.RUNNING)
    assert pipeline.description == "before, Fake CPU"
    pipeline.set_reader_factory(lambda: reader_with(after))
    wait_until(lambda: (result := pipeline.take_result()) and result.predictions[0].model == "after")
    assert [card.name for card in pipeline.cards] == ["after"]
    assert before.closed == 1
    pipeline.stop()
    assert after.threads == {"MainThread", "faceapp-reading"}
    assert after.closed == 1


def test_a_recorder_is_told_of_another_model() -> None:
    recorder = FakeRecorder()
    told: list[tuple[str, object]] = []
    recorder.note_change = lambda name, value: told.append((name, value))  # type: ignore[attr-defined]
    pipeline = pipeline_of(FakeSource(live=True, period_s=0.002), engine=FakeEngine("before"))
    pipeline.start()
    wait_until(lambda: pipeline.state is PipelineState.RUNNING)
    pipeline.set_recorder(recorder)
    pipeline.set_reader_factory(lambda: reader_with(FakeEngine("after")))
    wait_until(lambda: len(told) == 2)
    pipeline.stop()
    assert [name for name, _ in told] == ["models", "backend"]
    assert [card.name for card in told[0][1]] == ["after"] and told[1][1] == "after, Fake CPU"  # type: ignore[attr-defined]


def test_a_model_that_cannot_be_loaded_leaves_the_present_one() -> None:
    def fail() -> FaceReader:
        raise CardError("expected a model card, found none")

    engine = FakeEngine("before")
    pipeline = pipeline_of(FakeSource(live=True, period_s=0.002), engine=engine)
    pipeline.start()
    wait_until(lambda: pipeline.state is PipelineState.RUNNING)
    pipeline.set_reader_factory(fail)
    wait_until(lambda: pipeline.swap_error is not None)
    analysed = pipeline.statistics().analysed
    wait_until(lambda: pipeline.statistics().analysed > analysed)
    assert pipeline.state is PipelineState.RUNNING
    assert pipeline.description == "before, Fake CPU"
    pipeline.set_reader_factory(lambda: reader_with(FakeEngine("other")))
    assert pipeline.swap_error is None
    wait_until(lambda: pipeline.description == "other, Fake CPU")
    pipeline.stop()


def test_smoothing_and_occlusion_change_while_running() -> None:
    tracker, engine = FakeTracker([face(1)]), FakeEngine(value=0.0)
    pipeline = pipeline_of(FakeSource(live=True, period_s=0.002), tracker=tracker, engine=engine)
    pipeline.set_smoothing(0.0)
    pipeline.set_landmark_smoothing(0.25)
    pipeline.set_occlusion("mask")
    pipeline.start()
    wait_until(lambda: pipeline.state is PipelineState.RUNNING)
    engine.value = 1.0
    wait_until(lambda: (result := pipeline.take_result()) and result.predictions[0].smile == 1.0)
    assert tracker.landmark_smoothing == 0.25
    wait_until(lambda: (result := pipeline.take_result()) and result.faces[0].occlusion == "mask")
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
    wait_until(lambda: first_box() == [4, 2, 8, 8])  # of a picture of 8 x 8
    assert tracker.occlusion == "headset"
    pipeline.set_region(None)
    wait_until(lambda: first_box() == [0, 0, 8, 8]), "the other tracker's face"
    pipeline.stop()
    with pytest.raises(ValueError, match="region: expected"):
        pipeline.set_region(Region(0.5, 0.5, 0.9, 0.9))
