from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from faceapp.tracking.head_pose import head_pose_deg, mesh_rotation, rotation_angles_deg
from tests.faceapp.tracking.meshes import face_mesh, rotation

angles = st.tuples(st.floats(-75, 75), st.floats(-60, 60), st.floats(-170, 170))


@settings(deadline=None, max_examples=30)
@given(angles, st.floats(20, 600), st.tuples(st.floats(-200, 2000), st.floats(-200, 2000)))
def test_reads_the_rotation_of_a_turned_mesh_at_any_place_and_size(
    turned: tuple[float, float, float], size_px: float, place: tuple[float, float]
) -> None:
    read = mesh_rotation(face_mesh(*place, size_px, turned))
    assert read is not None
    np.testing.assert_allclose(read, rotation(*turned), atol=2e-3)
    assert rotation_angles_deg(read) == pytest.approx(turned, abs=0.3)


def test_faces_the_camera_at_zero() -> None:
    assert head_pose_deg(face_mesh()) == pytest.approx((0, 0, 0), abs=0.01)


@pytest.mark.parametrize(
    ("turned", "nose_goes"),
    [((15, 0, 0), (1, 0)), ((-15, 0, 0), (-1, 0)), ((0, 15, 0), (0, -1)), ((0, -15, 0), (0, 1))],
)
def test_signs_follow_the_nose(turned: tuple[float, float, float], nose_goes: tuple[int, int]) -> None:
    mesh = face_mesh(angles_deg=turned)
    nose = np.sign(np.round(mesh[4, :2] - face_mesh()[4, :2]))
    assert tuple(nose) == nose_goes
    yaw, pitch, _ = head_pose_deg(mesh)
    assert (np.sign(round(yaw)), -np.sign(round(pitch))) == nose_goes


def test_positive_roll_is_clockwise() -> None:
    mesh = face_mesh(angles_deg=(0, 0, 20))
    assert mesh[263, 1] > mesh[33, 1]  # the eye on the picture's right goes down
    assert head_pose_deg(mesh)[2] == pytest.approx(20, abs=0.1)


@settings(deadline=None, max_examples=30)
@given(angles)
def test_a_mirrored_mesh_turns_and_leans_the_other_way(turned: tuple[float, float, float]) -> None:
    yaw, pitch, roll = turned
    mirrored = face_mesh(angles_deg=(-yaw, pitch, -roll))
    first, second = head_pose_deg(face_mesh(angles_deg=turned)), head_pose_deg(mirrored)
    assert second == pytest.approx((-first[0], first[1], -first[2]), abs=0.5)


def test_yaw_and_pitch_stay_within_a_quarter_turn() -> None:
    yaw, pitch, _ = head_pose_deg(face_mesh(angles_deg=(80, 0, 0)))
    assert yaw == 90 and abs(pitch) < 1


def test_a_degenerate_mesh_has_no_pose() -> None:
    assert all(math.isnan(angle) for angle in head_pose_deg(np.zeros((478, 3), dtype=np.float32)))
    assert all(math.isnan(angle) for angle in head_pose_deg(np.full((478, 3), np.nan, dtype=np.float32)))
