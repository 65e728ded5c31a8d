from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from faceapp.tracking.smoothing import GAP_S, LandmarkSmoother, ProbabilitySmoother
from faceapp.types import Floats
from tests.faceapp.tracking.meshes import face_mesh

FRAMES_PER_S = 30


def jitter(meshes: Floats) -> float:
    """Return the root mean square of the second differences after the first ten frames, in pixels."""
    bends = np.diff(meshes[10:, :, :2].astype(np.float64), 2, axis=0)
    return float(np.sqrt((bends**2).sum(axis=-1).mean()))


def smoothed(meshes: Floats, strength: float, frames_per_s: float = FRAMES_PER_S) -> Floats:
    smoother = LandmarkSmoother(strength)
    return np.stack([smoother.update(1, index / frames_per_s, mesh) for index, mesh in enumerate(meshes)])


def noisy_still(size_px: float = 100.0, frames: int = 90) -> Floats:
    noise = np.random.default_rng(1).normal(scale=0.005 * size_px, size=(frames, 478, 3))
    return (face_mesh(size_px=size_px)[None] + noise).astype(np.float32)


def test_off_passes_landmarks_unchanged() -> None:
    meshes = noisy_still(frames=5)
    np.testing.assert_array_equal(smoothed(meshes, 0.0), meshes)


def test_each_step_of_strength_calms_a_still_face_more() -> None:
    meshes = noisy_still()
    left = [jitter(smoothed(meshes, strength)) / jitter(meshes) for strength in (0.25, 0.5, 0.75, 1.0)]
    assert left[0] < 0.7 and left[1] < 0.4
    assert left == sorted(left, reverse=True)


def test_strength_is_the_same_for_near_and_far_faces() -> None:
    near, far = noisy_still(400), noisy_still(50)
    ratios = [jitter(smoothed(meshes, 0.5)) / jitter(meshes) for meshes in (near, far)]
    assert ratios[0] == pytest.approx(ratios[1], rel=0.02)


def test_a_fast_face_is_not_left_behind() -> None:
    places = 200 + 300 * np.arange(60) / FRAMES_PER_S  # three face sizes a second
    meshes = np.stack([face_mesh(place) for place in places])
    behind_px = (meshes - smoothed(meshes, 0.5))[20:, :, 0].mean()
    assert behind_px / 300 < 0.010  # seconds


def test_lag_is_a_time_not_a_number_of_frames() -> None:
    slow = np.stack(
        [face_mesh(200 + 10 * index / 60) for index in range(180)]
    )  # a tenth of a face size a second
    lags_s = [
        (slow[::step] - smoothed(slow[::step], 0.75, 60 / step))[-1, :, 0].mean() / 10 for step in (1, 2, 4)
    ]
    assert 0.01 < lags_s[0] < 0.2
    assert lags_s == pytest.approx([lags_s[0]] * 3, rel=0.25)


@pytest.mark.parametrize("later_s", [GAP_S + 0.1, -1.0])
def test_landmarks_start_afresh_after_a_gap_and_a_step_backwards(later_s: float) -> None:
    smoother = LandmarkSmoother(1.0)
    smoother.update(1, 5.0, face_mesh(100))
    after = face_mesh(400)
    np.testing.assert_array_equal(smoother.update(1, 5.0 + later_s, after), after)


def test_faces_do_not_share_landmark_state() -> None:
    smoother = LandmarkSmoother(1.0)
    smoother.update(1, 0.0, face_mesh(100))
    np.testing.assert_array_equal(smoother.update(2, 0.03, face_mesh(400)), face_mesh(400))


def test_forgotten_landmarks_start_afresh() -> None:
    smoother = LandmarkSmoother(1.0)
    smoother.update(1, 0.0, face_mesh(100))
    smoother.update(2, 0.2, face_mesh(300))
    smoother.forget(0.1)
    np.testing.assert_array_equal(smoother.update(1, 0.2, face_mesh(110)), face_mesh(110))
    assert not np.array_equal(smoother.update(2, 0.25, face_mesh(310)), face_mesh(310))


def test_landmark_smoothing_can_be_switched_while_running() -> None:
    smoother = LandmarkSmoother(0.0)
    smoother.update(1, 0.0, face_mesh(100))
    smoother.strength = 1.0
    mixed = smoother.update(1, 1 / 30, face_mesh(101))
    assert 0 < (mixed - face_mesh(100))[:, 0].mean() < 1


def test_the_callers_arrays_are_left_alone() -> None:
    meshes = noisy_still(frames=4)
    before = meshes.copy()
    smoothed(meshes, 0.5)
    np.testing.assert_array_equal(meshes, before)


def average(values: list[list[float]], strength: float, step_s: float = 1 / 30) -> list[Floats]:
    smoother = ProbabilitySmoother(strength)
    rows = [np.array(row, dtype=np.float32) for row in values]
    return [smoother.update(7, index * step_s, row) for index, row in enumerate(rows)]


probabilities = st.lists(
    st.lists(st.floats(0.01, 1.0), min_size=8, max_size=8).map(
        lambda row: [value / sum(row) for value in row]
    ),
    min_size=1,
    max_size=20,
)


@settings(deadline=None)
@given(probabilities, st.floats(0, 1))
def test_averages_of_probabilities_are_probabilities(rows: list[list[float]], strength: float) -> None:
    for row in average(rows, strength):
        assert row.dtype == np.float32
        assert row.sum() == pytest.approx(1.0, abs=1e-4)
        assert ((row >= 0) & (row <= 1)).all()


def test_strength_zero_gives_the_raw_values() -> None:
    np.testing.assert_allclose(average([[0.1], [0.9], [0.2]], 0.0), [[0.1], [0.9], [0.2]], rtol=1e-6)


def test_a_new_face_starts_with_the_plain_mean() -> None:
    np.testing.assert_allclose(average([[0.0], [1.0], [1.0]], 1.0), [[0.0], [0.5], [2 / 3]], rtol=1e-5)


@pytest.mark.parametrize("step_s", [1 / 60, 1 / 30, 1 / 10])
def test_the_time_constant_does_not_depend_on_the_frame_rate(step_s: float) -> None:
    settled, after = round(3 / step_s), round(0.5 / step_s)
    rows = average([[0.0]] * settled + [[1.0]] * after, 0.5, step_s)  # strength 0.5: 2 s * 0.25 = 0.5 s
    assert rows[-1][0] == pytest.approx(1 - np.exp(-1), abs=0.02)


def test_unsaid_values_stay_unsaid_and_come_back_raw() -> None:
    rows = average([[0.2, 0.2], [np.nan, 0.4], [0.8, 0.6]], 1.0)
    assert np.isnan(rows[1][0]) and rows[2][0] == pytest.approx(0.8)
    assert rows[2][1] == pytest.approx(0.4, abs=0.01)


@pytest.mark.parametrize("later_s", [GAP_S + 0.1, -0.2])
def test_values_start_afresh_after_a_gap_and_a_step_backwards(later_s: float) -> None:
    smoother = ProbabilitySmoother(1.0)
    smoother.update(1, 3.0, np.float32([0.0]))
    assert smoother.update(1, 3.0 + later_s, np.float32([1.0]))[0] == 1.0


def test_values_of_another_model_start_afresh() -> None:
    smoother = ProbabilitySmoother(1.0)
    smoother.update(1, 0.0, np.float32([0.0, 0.0]))
    np.testing.assert_array_equal(smoother.update(1, 0.03, np.float32([1.0, 1.0, 1.0])), [1, 1, 1])


def test_forgotten_and_other_faces_start_afresh() -> None:
    smoother = ProbabilitySmoother(1.0)
    smoother.update(1, 0.0, np.float32([0.0]))
    assert smoother.update(2, 0.03, np.float32([1.0]))[0] == 1.0
    smoother.forget(float("inf"))
    assert smoother.update(1, 0.06, np.float32([1.0]))[0] == 1.0


def test_strength_can_be_changed_while_running() -> None:
    smoother = ProbabilitySmoother(1.0)
    for index in range(60):
        smoother.update(1, index / 30, np.float32([0.0]))
    assert smoother.update(1, 2.0, np.float32([1.0]))[0] < 0.05
    smoother.strength = 0.0
    assert smoother.update(1, 2.03, np.float32([1.0]))[0] == 1.0


def test_what_was_returned_is_the_callers() -> None:
    smoother = ProbabilitySmoother(0.5)
    first = smoother.update(1, 0.0, np.float32([0.5]))
    first[:] = 9.0
    assert smoother.update(1, 0.03, np.float32([0.5]))[0] == pytest.approx(0.5)
