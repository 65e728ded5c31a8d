"""Where a face lies in a picture, and when two boxes or two meshes hold the same face."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from faceapp.types import Floats

# MediaPipe reads its mesh from a square half as large again as the face, as its network was trained to.
_SURROUNDINGS = 1.5
_RIGHT_EYE, _LEFT_EYE = 33, 263


class Box(NamedTuple):
    """Upright rectangle in pixels."""

    x0: float
    y0: float
    x1: float
    y1: float

    @property
    def width(self) -> float:
        """Width in pixels."""
        return self.x1 - self.x0

    @property
    def height(self) -> float:
        """Height in pixels."""
        return self.y1 - self.y0

    @property
    def side(self) -> float:
        """The longer side in pixels."""
        return max(self.width, self.height)

    @property
    def centre(self) -> tuple[float, float]:
        """Centre in pixels."""
        return (self.x0 + self.x1) / 2, (self.y0 + self.y1) / 2


@dataclass(frozen=True, slots=True)
class FaceRegion:
    """Turned square with a face and its surroundings.

    Attributes:
        x_px: Centre.
        y_px: Centre.
        side_px: Length of its sides.
        roll_rad: Angle of the line between the eyes, clockwise.
    """

    x_px: float
    y_px: float
    side_px: float
    roll_rad: float

    def shifted(self, x_px: float, y_px: float) -> FaceRegion:
        """Return the region moved by that many pixels."""
        return FaceRegion(self.x_px + x_px, self.y_px + y_px, self.side_px, self.roll_rad)


def region_around(box: Box, right_eye: tuple[float, float], left_eye: tuple[float, float]) -> FaceRegion:
    """Return the region of a detected face.

    Args:
        box: The detector's box.
        right_eye: The person's right eye, pixels.
        left_eye: The person's left eye, pixels.
    """
    roll_rad = math.atan2(left_eye[1] - right_eye[1], left_eye[0] - right_eye[0])
    return FaceRegion(*box.centre, box.side * _SURROUNDINGS, roll_rad)


def mesh_region(landmarks: Floats) -> FaceRegion:
    """Return the region around a face's mesh, where it is looked for in the next frame.

    Args:
        landmarks: float32 (478, 3), pixels.
    """
    right_eye, left_eye = landmarks[_RIGHT_EYE], landmarks[_LEFT_EYE]
    eyes = (float(right_eye[0]), float(right_eye[1])), (float(left_eye[0]), float(left_eye[1]))
    return region_around(mesh_box(landmarks), *eyes)


def mesh_box(landmarks: Floats) -> Box:
    """Return the bounds of a face's mesh.

    Args:
        landmarks: float32 (478, 3), pixels.
    """
    x, y = landmarks[:, 0], landmarks[:, 1]  # a column at a time: 0.01 ms, along an axis of both 0.03 ms
    return Box(float(x.min()), float(y.min()), float(x.max()), float(y.max()))


def overlap(first: Box, second: Box) -> float:
    """Return intersection over union."""
    width = min(first.x1, second.x1) - max(first.x0, second.x0)
    height = min(first.y1, second.y1) - max(first.y0, second.y0)
    if width <= 0 or height <= 0:
        return 0.0
    shared = width * height
    return shared / (first.width * first.height + second.width * second.height - shared)


def same_face(first: Box, second: Box) -> bool:
    """Say whether two boxes of one frame are so close that they must hold the same face.

    Boxes of one face from two detectors differ by a third in size, and a detector that sees only part of a
    large face boxes that part, so a centre near the other's counts. Two faces side by side are a whole side
    apart, one half behind the other half a side.
    """
    (x_first, y_first), (x_second, y_second) = first.centre, second.centre
    distance = math.hypot(x_first - x_second, y_first - y_second)
    return distance < 0.35 * max(first.side, second.side) or overlap(first, second) > 0.5


def same_mesh(first: Floats, second: Floats) -> bool:
    """Say whether two meshes of one frame lie on the same face.

    Args:
        first: float32 (478, 3), pixels.
        second: float32 (478, 3), pixels.
    """
    side = max(mesh_box(first).side, mesh_box(second).side)
    gap = first[:, :2] - second[:, :2]
    # Two meshes on one face, started from different regions, settle within 3% of its side.
    return float(np.sqrt(np.einsum("ij,ij->i", gap, gap)).mean()) < 0.2 * side
