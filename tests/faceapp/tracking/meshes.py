"""Meshes made by hand for the tests of tracking."""

from __future__ import annotations

import numpy as np

from faceapp.tracking.head_pose import POSE_POINTS, REFERENCE_FACE
from faceapp.types import LANDMARK_COUNT, Floats


def rotation(yaw_deg: float, pitch_deg: float, roll_deg: float) -> Floats:
    """Return the rotation that rolls, then pitches, then yaws; axes right, down and away in the picture."""
    yaw, pitch, roll = np.radians((yaw_deg, pitch_deg, roll_deg))
    turn = np.array([[np.cos(yaw), 0, -np.sin(yaw)], [0, 1, 0], [np.sin(yaw), 0, np.cos(yaw)]])
    nod = np.array([[1, 0, 0], [0, np.cos(pitch), np.sin(pitch)], [0, -np.sin(pitch), np.cos(pitch)]])
    lean = np.array([[np.cos(roll), -np.sin(roll), 0], [np.sin(roll), np.cos(roll), 0], [0, 0, 1]])
    return turn @ nod @ lean


def face_mesh(
    x_px: float = 300.0,
    y_px: float = 200.0,
    size_px: float = 100.0,
    angles_deg: tuple[float, float, float] = (0.0, 0.0, 0.0),
) -> Floats:
    """Return a mesh about `size_px` wide around a place: the reference face's points, the others on an ellipsoid."""
    spread = np.random.default_rng(0).normal(size=(LANDMARK_COUNT, 3))
    points = 0.5 * spread / np.linalg.norm(spread, axis=1, keepdims=True)
    points[POSE_POINTS] = REFERENCE_FACE / 1.6
    points[61], points[291] = (-0.15, 0.35, -0.1), (0.15, 0.35, -0.1)  # mouth corners
    turned = points @ rotation(*angles_deg).T * size_px + (x_px, y_px, 0.0)
    return turned.astype(np.float32)
