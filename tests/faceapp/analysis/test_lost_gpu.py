"""A GPU that fails in the middle of a video costs no frame, and the pipeline says so."""

from __future__ import annotations

from faceapp.analysis.face_reader import FaceReader
from faceapp.pipeline import Pipeline
from tests.faceapp.fakes import FakeEngine, FakeSource, FakeTracker, face


def test_the_pipeline_says_that_the_gpu_is_lost_and_goes_on() -> None:
    sentence = "The GPU failed (x); restart the program. Until then faces are read on Other CPU."
    engine = FakeEngine()
    engine.backend_description = "TensorRT-RTX fp16 GPU"

    def lose_the_gpu(call: int) -> None:
        if call == 4:
            engine.problem, engine.backend_description = sentence, "Other CPU"

    engine._infer = lose_the_gpu
    told: list[tuple[str, str]] = []
    source = FakeSource(8)
    pipeline = Pipeline(
        source, lambda: FakeTracker([face(1)]), lambda: FaceReader({"none": engine}, 0.5), paced=False
    )
    with pipeline:
        assert pipeline.problem == ""
        count = 0
        for _ in pipeline.results():
            count += 1
            told.append((pipeline.problem, pipeline.description))
    assert count == 8
    assert told[-1] == (sentence, "fake, Other CPU")
    assert pipeline.statistics().dropped == 0
