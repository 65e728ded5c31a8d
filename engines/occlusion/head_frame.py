"""A face mesh read as a rigid head with its own coordinate system."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float32]

_POINT_COUNT = 478
# Mesh points: the face's sides in front of the ears (left, right in an upright picture), top of the
# forehead, chin, and the four eye corners.
_LEFT_SIDE, _RIGHT_SIDE, _FOREHEAD, _CHIN = 234, 454, 10, 152
_EYE_CORNERS = (33, 133, 362, 263)
# In face widths; a mesh spreads by about one and a half. What is painted never needs a huge canvas.
_LARGEST_SPREAD = 6.0


@dataclass(frozen=True, slots=True)
class HeadFrame:
    """The head's coordinate system: x to the right of an upright picture, y down, z away from the camera.

    Attributes:
        origin: float32 (3,), centre of the four eye corners in picture pixels.
        axes: float32 (3, 3), rows are the unit vectors x, y, z in picture pixels.
        width_px: Distance between the face's sides in front of the ears; the unit of local coordinates.
    """

    origin: Floats
    axes: Floats
    width_px: float

    @classmethod
    def of(cls, landmarks: npt.NDArray[np.floating[Any]]) -> HeadFrame:
        """Return the frame of one face.

        Args:
            landmarks: (478, 3) mesh points in picture pixels.

        Raises:
            ValueError: The shape is another, or the points are not finite or coincide.
        """
        if landmarks.shape != (_POINT_COUNT, 3):
            raise ValueError(f"landmarks: expected shape ({_POINT_COUNT}, 3), found {landmarks.shape}")
        points = landmarks.astype(np.float64)
        across = points[_RIGHT_SIDE] - points[_LEFT_SIDE]
        width_px = float(np.linalg.norm(across))
        across /= max(width_px, 1e-9)
        down = points[_CHIN] - points[_FOREHEAD]
        down -= (down @ across) * across
        height_px = float(np.linalg.norm(down))
        usable = np.isfinite(points).all() and width_px >= 2 and height_px >= 1
        if not usable or np.ptp(points, axis=0).max() > _LARGEST_SPREAD * width_px:
            raise ValueError("landmarks: expected finite points at least 2 px apart, found a degenerate face")
        down /= height_px
        axes = np.stack([across, down, np.cross(across, down)])
        origin = points[list(_EYE_CORNERS)].mean(axis=0)
        return cls(origin.astype(np.float32), axes.astype(np.float32), width_px)

    def shift(self, local: npt.NDArray[np.floating[Any]]) -> Floats:
        """Return local vectors, (..., 3) in face widths, as (..., 3) picture pixels."""
        vectors: Floats = (local.astype(np.float32) @ self.axes) * np.float32(self.width_px)
        return vectors

    def to_picture(self, local: npt.NDArray[np.floating[Any]]) -> Floats:
        """Return local points, (..., 3) in face widths, as (..., 3) picture pixels."""
        return self.shift(local) + self.origin


def mapped(landmarks: npt.NDArray[np.floating[Any]], matrix: npt.NDArray[np.floating[Any]]) -> Floats:
    """Return mesh points as they lie after a similarity of the picture; depth is scaled alike.

    Args:
        landmarks: (478, 3) mesh points in picture pixels.
        matrix: (2, 3), picture pixels to the other picture's pixels; not mirrored.

    Returns:
        float32 (478, 3), in the other picture's pixels.

    Raises:
        ValueError: The matrix has another shape, or mirrors or flattens the picture.
    """
    if matrix.shape != (2, 3):
        raise ValueError(f"matrix: expected shape (2, 3), found {matrix.shape}")
    area = float(matrix[0, 0] * matrix[1, 1] - matrix[0, 1] * matrix[1, 0])
    if not area > 0 or not np.isfinite(matrix).all():
        raise ValueError(f"matrix: expected a finite similarity without mirroring, found {matrix.tolist()}")
    points = landmarks.astype(np.float64)
    flat = points[:, :2] @ matrix[:, :2].T + matrix[:, 2]
    return np.column_stack([flat, points[:, 2] * np.sqrt(area)]).astype(np.float32)


def facing(quads: Floats, light: npt.NDArray[np.floating[Any]]) -> Floats:
    """Return how much each surface faces the light.

    Args:
        quads: float32 (N, 4, 3), corners in picture pixels, clockwise as seen from the lit side.
        light: (3,) unit vector of picture coordinates towards the light.

    Returns:
        float32 (N,), cosine of the angle between surface normal and light, in [-1, 1].
    """
    normals = np.cross(quads[:, 2] - quads[:, 0], quads[:, 3] - quads[:, 1])
    lengths = np.maximum(np.linalg.norm(normals, axis=1), 1e-6)
    cosines: Floats = -(normals @ light.astype(np.float32)) / lengths
    return cosines
