from __future__ import annotations

import math

import cv2
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from engines.card import InputSpec
from engines.preprocess import (
    ALIGNMENT_POINTS,
    ALIGNMENT_TEMPLATE,
    alignment_matrix,
    box_matrix,
    cut_chip,
    face_matrix,
    normalise,
    normalised,
    prepare_batch,
)

GRAY = InputSpec()
RGB = InputSpec(size=64, color="rgb", mean=0.4, std=0.2)
WHOLE = InputSpec(crop="whole_box")

degrees = st.floats(-180, 180)
scales = st.floats(0.2, 8)
shifts_px = st.floats(-500, 1500)


def face_at(turn_deg: float, scale_px: float, x_px: float, y_px: float) -> np.ndarray:
    """Return a mesh whose alignment points are the template, turned, scaled and moved."""
    mesh = np.zeros((478, 3), dtype=np.float64)
    turn = math.radians(turn_deg)
    rotation = np.array([[math.cos(turn), -math.sin(turn)], [math.sin(turn), math.cos(turn)]])
    mesh[list(ALIGNMENT_POINTS), :2] = ALIGNMENT_TEMPLATE.astype(np.float64) @ rotation.T * scale_px + (
        x_px,
        y_px,
    )
    return mesh


def apply(matrix: np.ndarray, points: np.ndarray) -> np.ndarray:
    return points @ matrix[:, :2].T + matrix[:, 2]


def smooth_picture(height: int = 400, width: int = 500) -> np.ndarray:
    """Return a gray picture without detail that any way of sampling could alias."""
    y, x = np.mgrid[0:height, 0:width].astype(np.float64)
    return (128 + 60 * np.sin(x / 40) + 60 * np.cos(y / 55)).astype(np.uint8)


@given(turn=degrees, scale=scales, x=shifts_px, y=shifts_px, size=st.integers(24, 224))
def test_alignment_lays_every_similar_face_on_the_template(
    turn: float, scale: float, x: float, y: float, size: int
) -> None:
    mesh = face_at(turn, 40 * scale, x, y)
    matrix = alignment_matrix(mesh, size)
    assert matrix.dtype == np.float32
    chip_points = apply(matrix.astype(np.float64), mesh[list(ALIGNMENT_POINTS), :2])
    # Pixel centres at whole numbers: the chip's fraction f lies at f * size - 0.5.
    np.testing.assert_allclose(chip_points, ALIGNMENT_TEMPLATE * size - 0.5, atol=0.02)


@given(turn=degrees, scale=scales, x=shifts_px, y=shifts_px)
def test_a_similarity_of_the_landmarks_is_undone(turn: float, scale: float, x: float, y: float) -> None:
    random = np.random.default_rng(3)
    mesh = face_at(10, 120, 200, 150)
    mesh[:, :2] += random.normal(0, 2, (478, 2))
    angle = math.radians(turn)
    rotation = scale * np.array([[math.cos(angle), -math.sin(angle)], [math.sin(angle), math.cos(angle)]])
    moved = mesh.copy()
    moved[:, :2] = mesh[:, :2] @ rotation.T + (x, y)
    before = apply(alignment_matrix(mesh, 48).astype(np.float64), mesh[:, :2])
    after = apply(alignment_matrix(moved, 48).astype(np.float64), moved[:, :2])
    np.testing.assert_allclose(after, before, atol=0.02)


@given(noise=st.integers(0, 2**32 - 1))
def test_alignment_is_the_least_squares_similarity(noise: int) -> None:
    mesh = face_at(20, 150, 300, 200)
    points = mesh[list(ALIGNMENT_POINTS), :2] + np.random.default_rng(noise).normal(0, 6, (10, 2))
    mesh[list(ALIGNMENT_POINTS), :2] = points
    # The similarity x' = a x - b y + c, y' = b x + a y + d as a linear least-squares problem.
    x, y, one, zero = points[:, 0], points[:, 1], np.ones(10), np.zeros(10)
    system = np.vstack([np.stack([x, -y, one, zero], 1), np.stack([y, x, zero, one], 1)])
    target = (ALIGNMENT_TEMPLATE.astype(np.float64) * 48 - 0.5).T.ravel()
    a, b, c, d = np.linalg.lstsq(system, target, rcond=None)[0]
    np.testing.assert_allclose(alignment_matrix(mesh, 48), [[a, -b, c], [b, a, d]], rtol=1e-4, atol=1e-3)


def test_alignment_never_mirrors() -> None:
    mesh = face_at(0, 120, 200, 150)
    mesh[:, 0] *= -1
    matrix = alignment_matrix(mesh, 48)
    assert np.linalg.det(matrix[:, :2].astype(np.float64)) > 0


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


def test_a_box_that_is_not_square_keeps_its_shape_and_centre() -> None:
    matrix = box_matrix(np.array([10, 20, 110, 60], np.float32), 50).astype(np.float64)
    np.testing.assert_allclose(apply(matrix, np.array([[59.5, 39.5]])), [[24.5, 24.5]], atol=1e-4)
    np.testing.assert_allclose(matrix[:, :2], [[0.5, 0], [0, 0.5]])


@given(
    x0=st.floats(-300, 300),
    y0=st.floats(-300, 300),
    width=st.floats(1, 600),
    height=st.floats(1, 600),
    size=st.integers(8, 256),
)
def test_the_square_around_a_box_fills_the_chip(
    x0: float, y0: float, width: float, height: float, size: int
) -> None:
    matrix = box_matrix(np.array([x0, y0, x0 + width, y0 + height]), size).astype(np.float64)
    side = max(width, height)
    centre = np.array([x0 + width / 2, y0 + height / 2])
    edges = np.array([centre - side / 2, centre + side / 2]) - 0.5
    np.testing.assert_allclose(apply(matrix, edges), [[-0.5, -0.5], [size - 0.5, size - 0.5]], atol=0.05)


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


@pytest.mark.parametrize("bad", [np.nan, np.inf, -np.inf])
def test_unusable_landmarks_are_refused_and_the_box_stands_in(bad: float) -> None:
    box = np.array([10, 10, 90, 90], np.float32)
    broken = face_at(0, 100, 50, 50)
    broken[ALIGNMENT_POINTS[3], 1] = bad
    in_one_place = np.ones((478, 3))
    for mesh in (broken, in_one_place):
        with pytest.raises(ValueError, match="landmarks: expected"):
            alignment_matrix(mesh, 48)
        np.testing.assert_array_equal(face_matrix(GRAY, mesh, box), box_matrix(box, 48))


def test_the_card_chooses_between_landmarks_and_box() -> None:
    mesh, box = face_at(30, 100, 50, 50), np.array([10, 10, 90, 90], np.float32)
    np.testing.assert_array_equal(face_matrix(GRAY, mesh, box), alignment_matrix(mesh, 48))
    np.testing.assert_array_equal(face_matrix(GRAY, None, box), box_matrix(box, 48))
    np.testing.assert_array_equal(face_matrix(WHOLE, mesh, box), box_matrix(box, 48))


@pytest.mark.parametrize(
    "box",
    [[0, 0, 0, 10], [5, 5, 1, 10], [0, math.nan, 5, math.nan], [math.nan, 0, 1, 1], [0, 0, math.inf, 1]],
)
def test_an_unusable_box_is_refused(box: list[float]) -> None:
    with pytest.raises(ValueError, match="box: expected finite"):
        box_matrix(np.array(box), 48)


@given(mean=st.floats(-1, 1), std=st.floats(0.05, 4))
def test_normalise_scales_and_puts_channels_first(mean: float, std: float) -> None:
    chip = np.random.default_rng(1).integers(0, 256, (64, 64, 3), dtype=np.uint8)
    out = np.empty((3, 64, 64), np.float32)
    normalise(chip, InputSpec(size=64, color="rgb", mean=mean, std=std), out)
    np.testing.assert_allclose(out, (chip.transpose(2, 0, 1) / 255.0 - mean) / std, rtol=1e-4, atol=1e-4)


@pytest.mark.parametrize("spec", [InputSpec(size=40), InputSpec(size=40, color="rgb", mean=0.4, std=0.3)])
def test_many_chips_are_normalised_as_each_is(spec: InputSpec) -> None:
    chips = np.random.default_rng(1).integers(0, 256, (3, *spec.chip_shape), dtype=np.uint8)
    batch = normalised(chips, spec)
    one = np.empty(batch.shape[1:], np.float32)
    for chip, row in zip(chips, batch, strict=True):
        normalise(chip, spec, one)
        np.testing.assert_array_equal(row, one)


def test_a_batch_is_written_into_the_buffer_and_returned_as_its_view(
    astronaut: np.ndarray, astronaut_landmarks: np.ndarray
) -> None:
    box = np.array([0, 0, 512, 512], np.float32)
    matrices = [alignment_matrix(astronaut_landmarks, 48), box_matrix(box, 48)]
    buffer = np.full((4, 48, 48), 9, np.uint8)
    batch = prepare_batch(astronaut, matrices, GRAY, out=buffer)
    assert batch.shape == (2, 48, 48)
    assert np.shares_memory(batch, buffer)
    assert (buffer[2:] == 9).all()
    np.testing.assert_array_equal(batch, prepare_batch(astronaut, matrices, GRAY))
    for row, matrix in zip(batch, matrices, strict=True):
        np.testing.assert_array_equal(row, cut_chip(astronaut, matrix, GRAY))
    assert prepare_batch(astronaut, [], GRAY).shape == (0, 48, 48)
    assert prepare_batch(astronaut, matrices, InputSpec(color="rgb")).shape == (2, 48, 48, 3)
    with pytest.raises(ValueError, match="rows"):
        prepare_batch(astronaut, matrices, GRAY, out=buffer[:1])
