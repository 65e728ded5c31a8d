"""The chip's geometry from two eyes alone, for sets and detectors that give eyes instead of a mesh."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

Point = tuple[float, float]

# Centres between the eye corners of the chip's template (engines.preprocess), as shares of the chip's side.
EYE_OFFSET = 0.17415
EYE_HEIGHT = 0.3931


def eye_matrix(one: Point, other: Point, size: int) -> npt.NDArray[np.float32]:
    """Return the similarity that lays two eyes where the chip's template has them.

    Args:
        one: Centre of an eye in picture pixels.
        other: Centre of the other eye; which is which is told by their order from left to right.
        size: Side of the chip in pixels.

    Returns:
        float32 (2, 3), picture -> chip; NaN where both eyes coincide.
    """
    left, right = sorted((complex(*one), complex(*other)), key=lambda eye: eye.real)
    if abs(right - left) < 1e-3:
        return np.full((2, 3), np.nan, np.float32)
    rotation_scale = 2 * EYE_OFFSET * size / (right - left)
    centre = complex(0.5 * size - 0.5, EYE_HEIGHT * size - 0.5)
    offset = centre - rotation_scale * (left + right) / 2
    cosine, sine = rotation_scale.real, rotation_scale.imag
    return np.array([[cosine, -sine, offset.real], [sine, cosine, offset.imag]], dtype=np.float32)


def eye_box(one: Point, other: Point) -> tuple[float, float, float, float]:
    """Return the upright square that the chip would show around two eyes, x0 y0 x1 y1 in pixels.

    Args:
        one: Centre of an eye in picture pixels.
        other: Centre of the other eye.
    """
    side = abs(complex(*one) - complex(*other)) / (2 * EYE_OFFSET)
    left = (one[0] + other[0]) / 2 - side / 2
    top = (one[1] + other[1]) / 2 - EYE_HEIGHT * side
    return left, top, left + side, top + side
