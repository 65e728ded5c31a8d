"""Many meshes brought into one position and size, so that what is left is shape: who it is, and what the face does."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from faceapp.tracking.head_pose import POSE_POINTS, REFERENCE_FACE
from faceapp.types import Floats

Doubles = npt.NDArray[np.float64]

_REFERENCE = REFERENCE_FACE.astype(np.float64)
_REFERENCE_CENTRE = _REFERENCE.mean(axis=0)
_REFERENCE_CENTRED = _REFERENCE - _REFERENCE_CENTRE
_FLATTEST = 1e-9
"""Second singular value over the first, below which all points lie on a line."""


def head_shapes(landmarks: Floats, points: npt.NDArray[np.int64]) -> Doubles:
    """Return points of meshes as they lie on heads that look at the camera, all of one size.

    Rotation, scale and shift are the least-squares similarity of the points of `head_pose.POSE_POINTS`, which move
    little with the expression, onto the reference face (Umeyama: Least-squares estimation of transformation parameters
    between two point patterns, 1991, equations 40 to 42).

    Args:
        landmarks: float32 (N, 478, 3), pixels, z on the scale of x and smaller when nearer.
        points: int (P,), numbers of the wanted mesh points.

    Returns:
        float64 (N, P, 3), axes right, down and away, in distances between the outer eye corners of the reference face;
        NaN for a mesh that is not finite or lies on a line.
    """
    firm = landmarks[:, POSE_POINTS].astype(np.float64)
    centre = firm.mean(axis=1, keepdims=True)
    firm -= centre
    covariance = np.matmul(_REFERENCE_CENTRED.T, firm)
    usable = np.isfinite(covariance).all(axis=(1, 2))
    left, spread, right = np.linalg.svd(np.where(usable[:, None, None], covariance, 0.0))
    usable &= spread[:, 1] > _FLATTEST * np.maximum(spread[:, 0], _FLATTEST)
    mirrored = np.sign(np.linalg.det(left) * np.linalg.det(right))
    left[:, :, 2] *= mirrored[:, None]
    spread[:, 2] *= mirrored
    # Where a mesh is unusable everything below is NaN: the scale is.
    size = np.where(usable, np.einsum("nij,nij->n", firm, firm), np.nan)
    turn = np.matmul(left, right) * (spread.sum(axis=1) / size)[:, None, None]
    moved: Doubles = np.matmul(landmarks[:, points] - centre, turn.transpose(0, 2, 1)) + _REFERENCE_CENTRE
    return moved
