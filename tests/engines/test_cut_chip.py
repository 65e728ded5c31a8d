"""The pixels of a crop: where they come from, how large faces are reduced, and what lies beyond the picture."""

from __future__ import annotations

import cv2
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from engines.card import InputSpec
from engines.preprocess import (
    alignment_matrix,
    box_matrix,
    cut_chip,
)
from tests.engines.drawn_faces import (
    GRAY,
    RGB,
    WHOLE,
    apply,
    degrees,
    face_at,
    smooth_picture,
)


@given(dx=st.integers(0, 60), dy=st.integers(0, 60))
def test_a_chip_stays_the_same_when_picture_and_face_move_by_whole_pixels(
    dx: int, dy: int, astronaut: np.ndarray, astronaut_landmarks: np.ndarray
) -> None:
    picture = astronaut[20:260, 100:340]
    landmarks = astronaut_landmarks - np.float32([100, 20, 0])
    moved = cv2.copyMakeBorder(picture, dy, 60 - dy, dx, 60 - dx, cv2.BORDER_REPLICATE)
    for spec in (GRAY, RGB):
        expected = cut_chip(picture, alignment_matrix(landmarks, spec.size), spec)
        chip = cut_chip(moved, alignment_matrix(landmarks + np.float32([dx, dy, 0]), spec.size), spec)
        # Bilinear weights are multiples of 1/32 pixel: rounding the shifted matrix may move one a step.
        difference = np.abs(chip.astype(int) - expected)
        assert difference.max() <= 8
        assert difference.mean() < 0.2


def test_a_whole_picture_of_the_chip_s_size_is_the_chip() -> None:
    picture = np.random.default_rng(0).integers(0, 256, (48, 48), dtype=np.uint8)
    matrix = box_matrix(np.array([0, 0, 48, 48], np.float32), 48)
    np.testing.assert_array_equal(matrix, [[1, 0, 0], [0, 1, 0]])
    np.testing.assert_array_equal(cut_chip(picture, matrix, WHOLE), picture)


@pytest.mark.parametrize("factor", [2, 4, 8])
def test_a_whole_picture_shrunk_by_a_power_of_two_is_the_mean_of_its_pixels(factor: int) -> None:
    side = 48 * factor
    picture = np.random.default_rng(factor).integers(0, 256, (side, side), dtype=np.uint8)
    chip = cut_chip(picture, box_matrix(np.array([0, 0, side, side], np.float32), 48), WHOLE)
    expected = cv2.resize(picture, (48, 48), interpolation=cv2.INTER_AREA)
    # Two roundings (the reduction, the sampling) may differ from one by a level.
    assert np.abs(chip.astype(int) - expected).max() <= 1


@pytest.mark.parametrize("factor", [3, 5, 6, 7])
def test_a_whole_picture_shrunk_by_another_whole_factor_is_close_to_its_mean(factor: int) -> None:
    picture = smooth_picture(48 * factor, 48 * factor)
    chip = cut_chip(picture, box_matrix(np.array([0, 0, *picture.shape], np.float32), 48), WHOLE)
    expected = cv2.resize(picture, (48, 48), interpolation=cv2.INTER_AREA)
    assert np.abs(chip.astype(int) - expected).max() <= 2


@pytest.mark.parametrize("side", [12, 24])
def test_a_whole_picture_enlarged_by_a_whole_factor_is_a_bilinear_resize(side: int) -> None:
    picture = np.random.default_rng(side).integers(0, 256, (side, side), dtype=np.uint8)
    chip = cut_chip(picture, box_matrix(np.array([0, 0, side, side], np.float32), 48), WHOLE)
    expected = cv2.resize(picture, (48, 48), interpolation=cv2.INTER_LINEAR)
    assert np.abs(chip.astype(int) - expected).max() <= 1


@pytest.mark.parametrize("turn_deg", [0, 17, 90])
def test_the_reduction_of_large_faces_begins_without_a_jump(turn_deg: float) -> None:
    picture = smooth_picture()
    chips = [
        cut_chip(picture, alignment_matrix(face_at(turn_deg, 48 / scale, 220, 180), 48), GRAY)
        for scale in (0.5005, 0.4995)
    ]
    assert np.abs(chips[0].astype(int) - chips[1]).max() <= 2


@given(turn=degrees, scale=st.floats(0.03, 2), x=st.floats(50, 450), y=st.floats(50, 350))
def test_every_scale_samples_the_place_the_matrix_says(turn: float, scale: float, x: float, y: float) -> None:
    # A sloping plane is the same however it is averaged, so any shift of the grid would show as a level.
    height, width = 400, 500
    rows, columns = np.mgrid[0:height, 0:width]
    picture = np.round(20 + 0.25 * columns + 0.2 * rows).astype(np.uint8)
    matrix = alignment_matrix(face_at(turn, 48 / scale, x, y), 48)
    chip = cut_chip(picture, matrix, GRAY)
    inverse = cv2.invertAffineTransform(matrix.astype(np.float64))
    v, u = np.mgrid[0:48, 0:48]
    places = apply(inverse, np.stack([u, v], -1).reshape(-1, 2)).reshape(48, 48, 2)
    margin = 2 / min(scale, 0.5)
    inside = (places >= margin).all(-1) & (places < np.array([width, height]) - 1 - margin).all(-1)
    expected = 20 + 0.25 * places[..., 0] + 0.2 * places[..., 1]
    assert np.abs(chip - expected)[inside].max(initial=0) <= 1.5


@pytest.mark.parametrize("side_px", [30, 120, 700])
@pytest.mark.parametrize("corner", [(-400, -300), (480, 390), (250, -690), (-3000, 5000)])
def test_beyond_the_picture_its_border_is_repeated(side_px: int, corner: tuple[int, int]) -> None:
    picture = smooth_picture()
    matrix = box_matrix(np.array([*corner, corner[0] + side_px, corner[1] + side_px], np.float32), 48)
    chip = cut_chip(picture, matrix, WHOLE)
    inverse = cv2.invertAffineTransform(matrix.astype(np.float64))
    v, u = np.mgrid[0:48, 0:48]
    places = apply(inverse, np.stack([u, v], -1).reshape(-1, 2)).reshape(48, 48, 2)
    clipped = np.clip(np.round(places).astype(int), 0, [picture.shape[1] - 1, picture.shape[0] - 1])
    expected = picture[clipped[..., 1], clipped[..., 0]].astype(int)
    # A large face's border is the mean of its outer pixels (8 wide here), on this picture 12 levels at most.
    assert np.abs(chip.astype(int) - expected).max() <= 12


@pytest.mark.parametrize("shape", [(1, 1), (1, 300), (300, 1), (2, 2, 3)])
def test_the_smallest_pictures_give_a_chip(shape: tuple[int, ...]) -> None:
    picture = np.full(shape, 77, np.uint8)
    for box in ([0, 0, 1, 1], [-500, -500, 500, 500], [0, 0, 300, 300]):
        chip = cut_chip(picture, box_matrix(np.array(box, np.float32), 48), GRAY)
        assert chip.shape == (48, 48)
        assert (chip == 77).all()


def test_gray_and_rgb_pictures_reach_gray_and_rgb_networks(
    astronaut: np.ndarray, astronaut_landmarks: np.ndarray
) -> None:
    gray_picture = cv2.cvtColor(astronaut, cv2.COLOR_RGB2GRAY)
    small, large = (alignment_matrix(astronaut_landmarks, spec.size) for spec in (GRAY, RGB))
    from_rgb, from_gray = cut_chip(astronaut, small, GRAY), cut_chip(gray_picture, small, GRAY)
    assert from_rgb.shape == from_gray.shape == (48, 48)
    assert np.abs(from_rgb.astype(int) - from_gray).max() <= 2
    rgb = cut_chip(gray_picture, large, RGB)
    assert rgb.shape == (64, 64, 3)
    np.testing.assert_array_equal(rgb[..., 0], rgb[..., 2])
    np.testing.assert_array_equal(rgb[..., 0], cut_chip(gray_picture, large, InputSpec(size=64)))
    red = cut_chip(np.full((64, 64, 3), (200, 10, 30), np.uint8), np.eye(2, 3, dtype=np.float32), RGB)
    assert (red == (200, 10, 30)).all()


def test_the_picture_is_left_as_it_was(astronaut: np.ndarray, astronaut_landmarks: np.ndarray) -> None:
    before = astronaut.copy()
    for scale in (1, 3):
        cut_chip(astronaut, alignment_matrix(astronaut_landmarks * scale, 48), GRAY)
    np.testing.assert_array_equal(astronaut, before)


def test_the_eyes_of_a_real_face_lie_level_on_the_chip(
    astronaut: np.ndarray, astronaut_landmarks: np.ndarray
) -> None:
    matrix = alignment_matrix(astronaut_landmarks, 48).astype(np.float64)
    right_eye, left_eye, chin = apply(matrix, astronaut_landmarks[[33, 263, 152], :2].astype(np.float64))
    assert abs(right_eye[1] - left_eye[1]) < 2
    assert 9 < right_eye[0] < 15
    assert 33 < left_eye[0] < 39
    assert 40 < chin[1] < 50
