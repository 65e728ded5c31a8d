"""A pipeline of fakes."""

from __future__ import annotations

from faceapp.analysis.face_reader import FaceReader
from faceapp.pipeline import Pipeline
from faceapp.types import Source, Tracker
from tests.faceapp.fakes import (
    FakeEngine,
    FakeTracker,
    face,
)


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
