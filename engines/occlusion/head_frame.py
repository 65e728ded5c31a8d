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
        if not np.isfinite(points).all() or width_px < 2 or height_px < 1:
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
