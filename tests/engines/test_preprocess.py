"""From landmarks or a box to the map of a crop, and from crops to what a network takes."""

from __future__ import annotations

import math

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
    inverse_matrix,
    normalise,
    normalised,
    prepare_batch,
)
from tests.engines.drawn_faces import (
    GRAY,
    WHOLE,
    apply,
    degrees,
    face_at,
    scales,
    shifts_px,
)


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


def test_the_way_back_from_the_chip_undoes_the_way_there() -> None:
    matrix = np.array([[0.3, -0.05, 12.0], [0.04, 0.28, -7.0]], dtype=np.float32)
    back = inverse_matrix(matrix)
    assert back.dtype == np.float64
    points = np.array([[0.0, 0.0], [640.0, 360.0], [-5.0, 17.5]])
    chip = points @ matrix[:, :2].T.astype(np.float64) + matrix[:, 2]
    np.testing.assert_allclose(chip @ back[:, :2].T + back[:, 2], points, atol=1e-9)
    with pytest.raises(ValueError, match="expected a map that can be turned round"):
        inverse_matrix(np.array([[1.0, 2.0, 0.0], [2.0, 4.0, 0.0]]))
