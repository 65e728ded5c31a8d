"""Three readings of the same face, with each engine asked once."""

from __future__ import annotations

from dataclasses import replace
from typing import cast

import numpy as np
import pytest

from engines.engine import Engine
from faceapp.analysis.comparison import PICTURE_PX, ComparingReader, SideBySide, compared_values, hidden_by
from faceapp.settings import Settings
from faceapp.sources.drawn_occlusion import Hiding, drawn_on
from faceapp.types import FaceTrack, Floats, Frame, Image, Occlusion
from tests.faceapp.fakes import FakeEngine


class BrightnessEngine(FakeEngine):
    """Says how bright each chip is, so that it is seen which picture it was given."""

    def infer(self, batch: Image) -> dict[str, Floats]:
        heads = super().infer(batch)
        heads["smile"] = batch.mean(axis=(1, 2)) / np.float32(255)
        return heads


@pytest.fixture
def face(astronaut_landmarks: np.ndarray) -> FaceTrack:
    low, high = astronaut_landmarks[:, :2].min(axis=0), astronaut_landmarks[:, :2].max(axis=0)
    return FaceTrack(3, np.concatenate([low, high]).astype(np.float32), astronaut_landmarks, 0.9, "headset")


@pytest.fixture
def frame(astronaut: np.ndarray, face: FaceTrack) -> Frame:
    return Frame(7, 0.2, drawn_on(astronaut, [face], "headset"), "demo", 0.0, astronaut)


def engines_of(**named: FakeEngine) -> dict[Occlusion, Engine]:
    return cast("dict[Occlusion, Engine]", named)


def test_each_engine_is_asked_once_for_all_faces(frame: Frame, face: FaceTrack) -> None:
    full, headset, mask = (BrightnessEngine(name) for name in ("full", "headset", "mask"))
    faces = [face, replace(face, id=4), replace(face, id=5, occlusion="mask")]
    engines = engines_of(none=full, headset=headset, mask=mask)
    on_clean, on_hidden, special = compared_values(engines, frame, faces, "headset")
    assert (full.batches, headset.batches, mask.batches) == ([6], [2], [1])
    assert (on_clean[:, -1] > on_hidden[:, -1] + 0.1).all(), "the headset is darker than the face"
    np.testing.assert_array_equal(special[:, -1], on_hidden[:, -1])


def test_the_reader_keeps_smoothed_comparisons_while_they_are_wanted(frame: Frame, face: FaceTrack) -> None:
    wish = SideBySide(hiding=Hiding("headset"))
    full, headset = FakeEngine("full", value=0.25), FakeEngine("headset", value=0.75)
    reader = ComparingReader(engines_of(none=full, headset=headset), Settings(), wish)
    result = reader.read(frame, [face], 1.0)
    assert wish.newest is None and full.batches == []
    assert result.predictions[0].model == "headset"
    wish.wanted = True
    reader.read(frame, [face], 1.0)
    assert wish.newest is not None
    number, (comparison,) = wish.newest
    assert (number, comparison.track_id, comparison.occlusion) == (7, 3, "headset")
    assert comparison.full_on_clean.smile == comparison.full_on_hidden.smile == pytest.approx(0.25)
    assert comparison.specialised is not None and comparison.specialised.smile == pytest.approx(0.75)
    assert comparison.clean_picture.shape == comparison.hidden_picture.shape == (PICTURE_PX, PICTURE_PX, 3)
    assert (comparison.clean_picture != comparison.hidden_picture).any()
    headset.value = 0.0
    reader.read(replace(frame, index=8, time_s=0.24), [face], 1.0)
    assert wish.newest[0] == 8 and wish.newest[1][0].specialised is not None
    assert 0 < wish.newest[1][0].specialised.smile < 0.75, "averaged over time"


def test_without_a_specialised_model_there_is_none_to_show(frame: Frame, face: FaceTrack) -> None:
    wish = SideBySide(wanted=True, hiding=Hiding("headset"))
    reader = ComparingReader(engines_of(none=FakeEngine("full")), Settings(), wish)
    reader.read(frame, [face], 1.0)
    assert wish.newest is not None and wish.newest[1][0].specialised is None


def test_frames_that_nothing_was_drawn_on_are_not_compared(frame: Frame, face: FaceTrack) -> None:
    wish = SideBySide(wanted=True)
    full = FakeEngine("full")
    ComparingReader(engines_of(none=full), Settings(), wish).read(replace(frame, clean=None), [face], 1.0)
    assert wish.newest is None and full.batches == [1]
    with pytest.raises(ValueError, match="clean picture, found none"):
        compared_values(engines_of(none=full), replace(frame, clean=None), [face], "headset")


def test_until_the_switch_has_noticed_the_drawing_counts(face: FaceTrack) -> None:
    assert hidden_by(replace(face, occlusion="none"), "mask") == "mask"
    assert hidden_by(replace(face, occlusion="hidden"), "mask") == "mask"
    assert hidden_by(face, "mask") == "headset"
