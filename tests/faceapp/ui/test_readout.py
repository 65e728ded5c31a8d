from __future__ import annotations

import math

import numpy as np
import pytest

from engines.card import EMOTIONS
from faceapp.types import FrameResult, Occlusion
from faceapp.ui.readout import FORGET_S, NO_EMOTION_HEAD, NOT_ENOUGH_FACE, Readouts, gaze_words
from tests.faceapp.ui.scenes import make_prediction, make_result, make_track, no_reading

SURE = np.array([0.05, 0.81, 0.04, 0.02, 0.02, 0.02, 0.02, 0.02], np.float32)
UNSURE = np.array([0.2, 0.24, 0.16, 0.1, 0.1, 0.1, 0.05, 0.05], np.float32)


def show(result: FrameResult, **options: bool) -> Readouts:
    readouts = Readouts()
    readouts.update(result, **options)
    return readouts


def result_of(astronaut: np.ndarray, landmarks: np.ndarray, **changes: object) -> FrameResult:
    return make_result(astronaut, (make_track(landmarks, 1),), 1.0, (make_prediction(1, **changes),))


def test_texts_are_as_agreed(astronaut: np.ndarray, astronaut_landmarks: np.ndarray) -> None:
    result = result_of(
        astronaut,
        astronaut_landmarks,
        emotion=SURE,
        age_years=34.2,
        age_std_years=5.8,
        female=0.934,
        smile=0.9,
    )
    readout = show(result).get(1)
    assert readout is not None
    assert readout.emotion_word == "happiness"
    assert readout.age_text == "34 ± 6"
    assert readout.gender_text == "woman 0.93"
    assert readout.smile_text == "0.90"
    spoken = "Face 1, happiness 0.81, age 34 ± 6, smile 0.90, woman 0.93, looking ahead, "
    spoken += "full face, read by the full-face model"
    assert readout.spoken() == spoken


def test_gender_below_one_half_is_said_with_the_probability_of_man(
    astronaut: np.ndarray, astronaut_landmarks: np.ndarray
) -> None:
    readout = show(result_of(astronaut, astronaut_landmarks, female=0.11)).get(1)
    assert readout is not None
    assert readout.gender_text == "man 0.89"


def test_abstention_is_said_and_nothing_is_guessed(
    astronaut: np.ndarray, astronaut_landmarks: np.ndarray
) -> None:
    result = make_result(astronaut, (make_track(astronaut_landmarks, 1),), 1.0, (no_reading(1),))
    readout = show(result).get(1)
    assert readout is not None
    assert readout.label is None
    assert readout.emotion_word == NOT_ENOUGH_FACE
    assert (readout.age_text, readout.gender_text, readout.smile_text) == ("", "", "")


def test_a_model_without_emotions_is_no_abstention(
    astronaut: np.ndarray, astronaut_landmarks: np.ndarray
) -> None:
    nothing = np.full(len(EMOTIONS), np.nan, np.float32)
    readout = show(result_of(astronaut, astronaut_landmarks, emotion=nothing)).get(1)
    assert readout is not None
    assert readout.emotion_word == NO_EMOTION_HEAD
    assert readout.age_text


def test_low_confidence_fades(astronaut: np.ndarray, astronaut_landmarks: np.ndarray) -> None:
    sure = show(result_of(astronaut, astronaut_landmarks, emotion=SURE)).get(1)
    unsure = show(result_of(astronaut, astronaut_landmarks, emotion=UNSURE)).get(1)
    assert sure is not None and unsure is not None
    assert sure.confidence == 1.0
    assert unsure.confidence == 0.0


def test_raw_values_are_shown_when_asked_for(astronaut: np.ndarray, astronaut_landmarks: np.ndarray) -> None:
    smooth, raw = make_prediction(1, age_years=30.0), make_prediction(1, age_years=50.0)
    base = make_result(astronaut, (make_track(astronaut_landmarks, 1),), 1.0)
    result = FrameResult(base.frame, base.faces, (smooth,), (raw,))
    assert [each.age_years for each in show(result)] == [30.0]
    assert [each.age_years for each in show(result, raw=True)] == [50.0]


def test_a_lost_face_keeps_its_place_for_a_second_and_then_goes(
    astronaut: np.ndarray, astronaut_landmarks: np.ndarray
) -> None:
    readouts = show(make_result(astronaut, (make_track(astronaut_landmarks, 1),), 1.0))
    readouts.update(make_result(astronaut, (), 1.0 + 0.9 * FORGET_S))
    assert len(readouts) == 1
    readouts.update(make_result(astronaut, (), 1.1 + FORGET_S))
    assert len(readouts) == 0


def test_faces_are_ordered_by_id_and_a_jump_back_starts_afresh(
    astronaut: np.ndarray, astronaut_landmarks: np.ndarray
) -> None:
    readouts = show(make_result(astronaut, (make_track(astronaut_landmarks, 7),), 5.0))
    faces = (make_track(astronaut_landmarks, 2), make_track(astronaut_landmarks, 7))
    readouts.update(make_result(astronaut, faces, 5.1))
    assert [each.track_id for each in readouts] == [2, 7]
    readouts.update(make_result(astronaut, (make_track(astronaut_landmarks, 1),), 0.0))
    assert [each.track_id for each in readouts] == [1]
    readouts.update(make_result(astronaut, (make_track(astronaut_landmarks, 8),), 0.0))
    assert [each.track_id for each in readouts] == [8], "a held picture that is read again"


@pytest.mark.parametrize(
    ("yaw", "pitch", "words"),
    [
        (5, -5, "looking ahead"),
        (30, 5, "looking right"),
        (-30, 5, "looking left"),
        (3, 25, "looking up"),
        (3, -25, "looking down"),
        (math.nan, 0, ""),
    ],
)
def test_gaze_in_words(yaw: float, pitch: float, words: str) -> None:
    assert gaze_words((yaw, pitch, 0.0)) == words


@pytest.mark.parametrize(
    ("occlusion", "model", "badge", "words", "unsuited"),
    [
        ("none", "multitask", "full face", "read by the full-face model", False),
        ("headset", "multitask-headset", "headset", "read by the headset model", False),
        ("headset", "multitask", "headset", "read by the full-face model", True),
        ("mask", "multitask-headset", "mask", "read by the headset model", True),
        ("mask", "tiny", "mask", "read by tiny", True),
    ],
)
def test_badge_and_model_are_told_and_an_unsuited_model_is_known(
    astronaut: np.ndarray,
    astronaut_landmarks: np.ndarray,
    occlusion: Occlusion,
    model: str,
    badge: str,
    words: str,
    unsuited: bool,
) -> None:
    face = make_track(astronaut_landmarks, 1, occlusion=occlusion)
    readout = show(make_result(astronaut, (face,), 1.0, (make_prediction(1, model=model),))).get(1)
    assert readout is not None
    assert (readout.badge, readout.model_text, readout.unsuited) == (badge, words, unsuited)


def test_a_hidden_face_says_so_and_nothing_else(
    astronaut: np.ndarray, astronaut_landmarks: np.ndarray
) -> None:
    readouts = show(make_result(astronaut, (make_track(astronaut_landmarks, 1),), 1.0))
    face = make_track(astronaut_landmarks, 1, occlusion="hidden")
    readouts.update(make_result(astronaut, (face,), 1.1, (no_reading(1),)))
    readout = readouts.get(1)
    assert readout is not None
    assert readout.abstains and readout.label is None
    assert readout.emotion_word == NOT_ENOUGH_FACE
    assert not (readout.age_text or readout.gender_text or readout.smile_text or readout.gaze)
    assert all(map(math.isnan, readout.numbers)), "no old number is kept"
    assert readout.model_text == ""


def test_a_choice_by_hand_is_visible_in_the_badge(
    astronaut: np.ndarray, astronaut_landmarks: np.ndarray
) -> None:
    face = make_track(astronaut_landmarks, 1, occlusion="mask")
    readouts = Readouts()
    readouts.update(make_result(astronaut, (face,), 1.0), forced=True)
    readout = readouts.get(1)
    assert readout is not None and readout.badge == "mask, set by hand"
