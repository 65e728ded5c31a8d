"""Drawn headsets and masks lie where they should, follow the head and are the same for the same seed."""

from __future__ import annotations

import cv2
import numpy as np
import pytest

from engines.occlusion import draw_headset, draw_mask, hide_half

# Mesh points: eyes, brows and forehead; mouth and chin; both.
UPPER = [33, 133, 362, 263, 159, 386, 70, 300, 9]
LOWER = [0, 13, 14, 17, 61, 291, 18, 200, 199]
DRAWERS = [pytest.param(draw_headset, id="headset"), pytest.param(draw_mask, id="mask")]


def changed(before: np.ndarray, after: np.ndarray) -> np.ndarray:
    difference = cv2.absdiff(before, after)
    return (difference if difference.ndim == 2 else difference.max(axis=2)) > 8


def hit(changes: np.ndarray, points: np.ndarray) -> np.ndarray:
    columns, rows = np.rint(points[:, :2]).astype(int).T
    return changes[rows, columns]


def turned(landmarks: np.ndarray, yaw_deg: float, roll_deg: float, scale: float) -> np.ndarray:
    """The mesh turned about its centre: first yaw (towards the right edge), then roll (clockwise)."""
    yaw, roll = np.radians([yaw_deg, roll_deg])
    about_y = np.array([[np.cos(yaw), 0, -np.sin(yaw)], [0, 1, 0], [np.sin(yaw), 0, np.cos(yaw)]])
    about_z = np.array([[np.cos(roll), -np.sin(roll), 0], [np.sin(roll), np.cos(roll), 0], [0, 0, 1]])
    centre = landmarks.mean(axis=0)
    return ((landmarks - centre) @ (about_z @ about_y).T * scale + centre).astype(np.float32)


def test_headset_hides_the_upper_half_only(astronaut, astronaut_landmarks):
    changes = changed(astronaut, draw_headset(astronaut, astronaut_landmarks))
    assert hit(changes, astronaut_landmarks[UPPER]).all()
    assert not hit(changes, astronaut_landmarks[LOWER]).any()


def test_mask_hides_the_lower_half_only(astronaut, astronaut_landmarks):
    changes = changed(astronaut, draw_mask(astronaut, astronaut_landmarks))
    assert hit(changes, astronaut_landmarks[[*LOWER, 1, 4, 164]]).all()
    assert not hit(changes, astronaut_landmarks[UPPER]).any()


@pytest.mark.parametrize("draw", DRAWERS)
def test_the_given_picture_stays_and_far_pixels_too(draw, astronaut, astronaut_landmarks):
    before = astronaut.copy()
    after = draw(astronaut, astronaut_landmarks)
    assert np.array_equal(astronaut, before)
    assert after.shape == before.shape
    assert after.dtype == np.uint8
    assert np.array_equal(after[:60], before[:60])
    assert np.array_equal(after[200:], before[200:])


@pytest.mark.parametrize("draw", DRAWERS)
def test_in_place_and_into_another_array_give_the_same(draw, astronaut, astronaut_landmarks):
    expected = draw(astronaut, astronaut_landmarks, seed=3)
    own, other = astronaut.copy(), np.empty_like(astronaut)
    assert draw(own, astronaut_landmarks, seed=3, out=own) is own
    assert draw(astronaut, astronaut_landmarks, seed=3, out=other) is other
    assert np.array_equal(own, expected)
    assert np.array_equal(other, expected)


@pytest.mark.parametrize("draw", DRAWERS)
def test_seed_decides_the_look(draw, astronaut, astronaut_landmarks):
    pictures = [draw(astronaut, astronaut_landmarks, seed=seed) for seed in (5, 5, 6, 7, 8)]
    assert np.array_equal(pictures[0], pictures[1])
    assert len({picture.tobytes() for picture in pictures}) == 4


@pytest.mark.parametrize("seed", range(12))
def test_every_look_hides_its_half(seed, astronaut, astronaut_landmarks):
    headset = changed(astronaut, draw_headset(astronaut, astronaut_landmarks, seed=seed))
    mask = changed(astronaut, draw_mask(astronaut, astronaut_landmarks, seed=seed))
    assert hit(headset, astronaut_landmarks[UPPER]).mean() > 0.85  # a dark shell may match a dark pupil
    assert not hit(headset, astronaut_landmarks[LOWER]).any()
    assert hit(mask, astronaut_landmarks[LOWER]).mean() > 0.85  # a white mask may match a tooth
    assert not hit(mask, astronaut_landmarks[UPPER]).any()


@pytest.mark.parametrize("draw, hidden, seen", [(draw_headset, UPPER, LOWER), (draw_mask, LOWER, UPPER)])
@pytest.mark.parametrize(
    "yaw_deg, roll_deg, scale", [(0, 35, 1), (25, 0, 2), (-25, -20, 0.5), (0, 180, 1), (20, 90, 3)]
)
def test_follows_turning_rolling_and_size(draw, hidden, seen, yaw_deg, roll_deg, scale, astronaut_landmarks):
    points = turned(astronaut_landmarks, yaw_deg, roll_deg, scale) + np.float32([150, 250, 0])
    blank = np.full((800, 800, 3), 250, np.uint8)
    changes = changed(blank, draw(blank, points))
    assert hit(changes, points[hidden]).all()
    assert not hit(changes, points[seen]).any()


@pytest.mark.parametrize("draw", DRAWERS)
def test_turning_shows_the_strap_or_loop_of_the_near_side(draw, astronaut_landmarks):
    blank = np.full((512, 512, 3), 250, np.uint8)
    for yaw_deg, outwards, side in ((-30, 1, 454), (30, -1, 234)):
        points = turned(astronaut_landmarks, yaw_deg, 0, 1)
        columns = np.flatnonzero(changed(blank, draw(blank, points)).any(axis=0))
        assert (columns * outwards).max() > points[side, 0] * outwards + 3


@pytest.mark.parametrize("draw", DRAWERS)
def test_a_crop_gets_the_same_geometry_as_the_full_frame(draw, astronaut, astronaut_landmarks):
    scale, corner = 48 / 128, np.array([160, 60])
    crop = astronaut[60:188, 160:288]
    expected = cv2.resize(
        draw(astronaut, astronaut_landmarks)[60:188, 160:288], (48, 48), interpolation=cv2.INTER_AREA
    )
    small = cv2.resize(crop, (48, 48), interpolation=cv2.INTER_AREA)
    points = astronaut_landmarks.copy()
    points[:, :2] = (points[:, :2] - corner + 0.5) * scale - 0.5
    points[:, 2] *= scale
    found = draw(small, points)
    assert np.abs(found.astype(int) - expected).mean() < 6
    assert np.array_equal(found[-1], small[-1])


@pytest.mark.parametrize("draw", DRAWERS)
def test_gray_pictures_stay_gray(draw, astronaut, astronaut_landmarks):
    gray = cv2.cvtColor(astronaut, cv2.COLOR_RGB2GRAY)
    found = draw(gray, astronaut_landmarks)
    expected = cv2.cvtColor(draw(astronaut, astronaut_landmarks), cv2.COLOR_RGB2GRAY)
    assert found.shape == gray.shape
    assert np.abs(found.astype(int) - expected).max() < 16  # the brightness it takes on differs a little


@pytest.mark.parametrize("draw", DRAWERS)
def test_takes_on_the_brightness_of_the_scene(draw, astronaut, astronaut_landmarks):
    dim = (astronaut * 0.3).astype(np.uint8)
    bright_part, dim_part = (draw(picture, astronaut_landmarks, seed=2) for picture in (astronaut, dim))
    hidden = astronaut_landmarks[UPPER if draw is draw_headset else LOWER]
    columns, rows = np.rint(hidden[:, :2]).astype(int).T
    assert dim_part[rows, columns].mean() < 0.6 * bright_part[rows, columns].mean()


@pytest.mark.parametrize("draw", DRAWERS)
@pytest.mark.parametrize("shift", [(-223, -120), (290, 0), (0, 390), (5000, 5000), (-223, 330)])
def test_faces_partly_or_wholly_outside_the_picture(draw, shift, astronaut, astronaut_landmarks):
    points = astronaut_landmarks + np.float32([*shift, 0])
    found = draw(astronaut, points)
    assert found.shape == astronaut.shape
    if max(shift) > 1000:
        assert np.array_equal(found, astronaut)


@pytest.mark.parametrize("draw", DRAWERS)
def test_a_degenerate_face_is_refused(draw, astronaut):
    with pytest.raises(ValueError, match="degenerate face"):
        draw(astronaut, np.zeros((478, 3), np.float32))
    with pytest.raises(ValueError, match="degenerate face"):
        draw(astronaut, np.full((478, 3), np.nan, np.float32))
    with pytest.raises(ValueError, match=r"expected shape \(478, 3\), found \(468, 3\)"):
        draw(astronaut, np.zeros((468, 3), np.float32))


@pytest.mark.parametrize("dtype", [np.uint8, np.float32])
@pytest.mark.parametrize("shape", [(48, 48), (48, 48, 3), (49, 48)])
def test_hide_half(dtype, shape):
    chip = np.random.default_rng(0).integers(1, 255, shape).astype(dtype)
    upper, lower = hide_half(chip, "upper"), hide_half(chip, "lower")
    assert upper.dtype == lower.dtype == dtype
    assert chip.min() >= 1
    assert not upper[:24].any()
    assert np.array_equal(upper[24:], chip[24:])
    assert not lower[-24:].any()
    assert np.array_equal(lower[:-24], chip[:-24])


def test_hide_half_of_a_batch():
    batch = np.ones((2, 1, 6, 4), np.float32)
    assert hide_half(batch, "upper", row_axis=-2).sum(axis=(0, 1, 3)).tolist() == [0, 0, 0, 8, 8, 8]


def test_hide_half_knows_two_halves():
    with pytest.raises(ValueError, match="expected upper or lower, found 'left'"):
        hide_half(np.ones((4, 4), np.uint8), "left")  # type: ignore[arg-type]
