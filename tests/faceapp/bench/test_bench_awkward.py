"""What is counted of awkward scenes, and that every scene spoils the picture as its name says."""

from __future__ import annotations

import numpy as np
import pytest

from faceapp.bench.awkward import SCENES, Said, format_said
from faceapp.types import FaceTrack, Frame, FrameResult, Occlusion, Prediction
from tests.faceapp.tracking.meshes import face_mesh

NO_EMOTION = np.full(8, np.nan, np.float32)


def result(*kinds: Occlusion) -> FrameResult:
    frame = Frame(0, 0.0, np.zeros((4, 4, 3), np.uint8), "test", 0.0)
    faces = [
        FaceTrack(number, np.zeros(4, np.float32), face_mesh(), 0.9, kind)
        for number, kind in enumerate(kinds)
    ]
    predictions = [
        Prediction(
            face.id, NO_EMOTION, *[np.nan] * 4, model="" if face.occlusion == "hidden" else "multitask"
        )
        for face in faces
    ]
    return FrameResult(frame, tuple(faces), tuple(predictions), tuple(predictions))


def test_kinds_are_counted_with_the_times_of_their_changes() -> None:
    said = Said()
    for index, kinds in enumerate([("none",), ("none", "headset"), ("hidden", "headset"), ()]):
        said.add(index / 10, result(*kinds))
    found = said.as_dict()
    assert found["frames"] == 4 and found["frames_by_faces_found"] == {0: 1, 1: 1, 2: 2}
    assert found["faces_read"] == 4
    assert found["said"] == {
        0: {"share": {"none": 0.667, "hidden": 0.333}, "changes": [(0.0, "none"), (0.2, "hidden")]},
        1: {"share": {"headset": 1.0}, "changes": [(0.1, "headset")]},
    }
    text = format_said("two", said)
    assert "two: 4 frames, a face in 3, none in 1; 4 faces read" in text
    assert "face 0, 3 frames: none 67%, hidden 33% (none at 0.00 s, hidden at 0.20 s)" in text


@pytest.mark.parametrize("name", SCENES)
def test_every_scene_changes_the_picture_but_the_first(name: str) -> None:
    image = np.random.default_rng(1).integers(0, 255, (300, 400, 3), dtype=np.uint8)
    mesh = face_mesh(200, 150)
    spoiled = SCENES[name](image, [mesh], 1.0)
    if name == "nothing":
        assert spoiled is image
    elif name == "half out of the picture":
        assert spoiled.shape[0] == 300 and 190 <= spoiled.shape[1] <= 210
    else:
        changed = (spoiled != image).any(axis=2)
        rows, columns = np.nonzero(changed)
        assert changed.sum() > 100
        assert mesh[:, 0].min() - 60 < columns.min() and columns.max() < mesh[:, 0].max() + 60
        assert mesh[:, 1].min() - 90 < rows.min()


def test_a_headset_is_put_on_and_taken_off() -> None:
    name = next(name for name in SCENES if name.startswith("a headset from"))
    image, mesh = np.zeros((300, 400, 3), np.uint8), face_mesh(200, 150)
    assert [SCENES[name](image, [mesh], time_s) is image for time_s in (0.0, 1.0, 3.0)] == [True, False, True]
