"""Where a head points, from its mesh."""

from __future__ import annotations

import math

import numpy as np

from faceapp.types import Floats

# A median face in units of the distance between the outer eye corners; axes right, down and away in the
# picture. From MediaPipe's meshes of 2,641 GENKI-4K photographs, brought into one position (generalised
# Procrustes analysis), made symmetric, and turned so that the median person of these photographs looks at
# the camera. Points that move little with the expression: right of the face's middle with their twin (point
# on the picture's left, on its right, x, y, z) ...
_PAIRS = (
    (33, 263, 0.500, -0.097, 0.076),
    (133, 362, 0.201, -0.075, 0.017),
    (98, 327, 0.204, 0.389, -0.111),
    (127, 356, 0.769, -0.084, 0.616),
    (234, 454, 0.764, 0.069, 0.675),
    (116, 345, 0.704, 0.077, 0.221),
    (123, 352, 0.700, 0.221, 0.212),
    (54, 284, 0.660, -0.480, 0.213),
    (67, 297, 0.394, -0.626, -0.054),
    (48, 278, 0.222, 0.328, -0.200),
    (193, 417, 0.089, -0.117, -0.122),
    (50, 280, 0.547, 0.255, 0.029),
    (129, 358, 0.244, 0.313, -0.074),
)
# ... and on the middle line (point, y, z).
_MIDDLE = (
    (168, -0.125, -0.169),
    (6, -0.034, -0.213),
    (197, 0.048, -0.264),
    (195, 0.123, -0.319),
    (5, 0.205, -0.377),
    (4, 0.300, -0.399),
    (1, 0.369, -0.373),
    (2, 0.425, -0.198),
    (10, -0.657, -0.144),
    (151, -0.483, -0.175),
    (9, -0.303, -0.194),
    (8, -0.210, -0.175),
)
POSE_POINTS = np.array(
    [left for left, *_ in _PAIRS] + [right for _, right, *_ in _PAIRS] + [point for point, *_ in _MIDDLE]
)
"""Mesh points the pose is read from."""
REFERENCE_FACE: Floats = np.array(
    [(-x, y, z) for *_, x, y, z in _PAIRS]
    + [(x, y, z) for *_, x, y, z in _PAIRS]
    + [(0, y, z) for _, y, z in _MIDDLE],
    dtype=np.float32,
)
"""float32 (38, 3): these points on a median face that looks at the camera, in outer eye distances."""
_REFERENCE_CENTRED = (REFERENCE_FACE - REFERENCE_FACE.mean(axis=0)).astype(np.float64)

_TURN_GAIN = 1.3
"""The mesh turns by less than the head. On 2,641 GENKI-4K photographs its yaw spreads 0.77 times as far as
the labels' (correlation 0.92); on three faces rendered at 54 known angles (their texture on their mesh, yaw
to 40, pitch to 25 degrees) yaw is 0.71 and pitch 0.72 of the truth, within 1.3 and 1.7 degrees of a
straight line. A fit to the points' x and y alone, as solvePnP makes, is no better: 0.84 and 0.62 there,
with a pitch that scatters more."""


def head_pose_deg(landmarks: Floats) -> tuple[float, float, float]:
    """Return where a head points.

    Args:
        landmarks: float32 (478, 3), pixels, z on the scale of x and smaller when nearer.

    Returns:
        Yaw, pitch, roll in degrees; 0 faces the camera, positive yaw turns towards the right edge of the
        picture, positive pitch looks up, positive roll turns the head clockwise in the picture. NaN when
        the mesh is degenerate. Typical errors: 3 degrees in yaw, 5 in pitch (its zero differs between
        faces), 1 in roll.
    """
    rotation = mesh_rotation(landmarks)
    if rotation is None:
        return math.nan, math.nan, math.nan
    yaw_deg, pitch_deg, roll_deg = rotation_angles_deg(rotation)
    return (
        min(max(yaw_deg * _TURN_GAIN, -90.0), 90.0),
        min(max(pitch_deg * _TURN_GAIN, -90.0), 90.0),
        roll_deg,
    )


def mesh_rotation(landmarks: Floats) -> Floats | None:
    """Return the rotation that takes the reference face to a mesh, by least squares (Kabsch, 1976).

    Args:
        landmarks: float32 (478, 3), pixels.

    Returns:
        float64 (3, 3) with determinant 1, axes right, down and away; None when the points all lie on a line.
    """
    points = landmarks[POSE_POINTS].astype(np.float64)
    covariance = (points - points.mean(axis=0)).T @ _REFERENCE_CENTRED
    if not np.isfinite(covariance).all():
        return None
    left, spread, right = np.linalg.svd(covariance)
    if spread[1] <= 1e-9 * max(float(spread[0]), 1e-9):
        return None
    left[:, 2] *= math.copysign(1.0, float(np.linalg.det(left) * np.linalg.det(right)))
    rotation: Floats = left @ right
    return rotation


def rotation_angles_deg(rotation: Floats) -> tuple[float, float, float]:
    """Return yaw, pitch and roll of a rotation built as roll first, then pitch, then yaw.

    Args:
        rotation: (3, 3), axes right, down and away.

    Returns:
        Degrees, signs as in `head_pose_deg`: yaw and pitch say where the face's forward axis points, roll
        how far the head is turned around that axis.
    """
    # The face looks along minus z, so its forward axis is minus the third column.
    x, y, z = (-float(value) for value in rotation[:, 2])
    yaw, pitch = math.atan2(x, -z), math.atan2(-y, math.hypot(x, z))
    # Row of the head without its roll that points right, dotted with the head's own right and down axes.
    right = np.array([math.cos(yaw), 0.0, math.sin(yaw)])
    roll = math.atan2(-float(right @ rotation[:, 1]), float(right @ rotation[:, 0]))
    return math.degrees(yaw), math.degrees(pitch), math.degrees(roll)
