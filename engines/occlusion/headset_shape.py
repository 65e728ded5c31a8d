"""The shapes of drawn headsets: body, front and straps in the head's coordinates, as polygons."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

import numpy as np
import numpy.typing as npt

from engines.occlusion.headset_models import Model

Floats = npt.NDArray[np.float32]

_FACE_Z, _NOSE_HALF_WIDTH = 0.02, 0.14
# The body's rounded edge: a ring this far behind the front, so much of the way narrowed.
_EDGE_DEPTH, _EDGE_TAPER = 0.07, 0.35


@dataclass(frozen=True, slots=True)
class Shape:
    """A headset's polygons, in face widths of the head's coordinates.

    Attributes:
        rings: float32 (3, N, 3), contour at the face, before the rounded edge, and at the front; clockwise.
        plate: float32 (3, 3), the front's upper left, upper right and lower left corners.
        straps: float32 (M, 4, 3), pieces of straps, clockwise as seen from outside.
    """

    rings: Floats
    plate: Floats
    straps: Floats


@lru_cache(maxsize=32)
def shape(model: Model) -> Shape:
    """Return a model's polygons."""
    outline = _outline(model)
    front_z = _FACE_Z - model.depth
    edge = 1 - (1 - model.taper) * _EDGE_TAPER
    levels = ((1.0, _FACE_Z), (edge, front_z + _EDGE_DEPTH), (model.taper, front_z))
    rings = np.stack(
        [
            outline * np.array([size, size, 1], np.float32) + np.array([0, 0, z], np.float32)
            for size, z in levels
        ]
    )
    x, top, bottom = (model.taper * side for side in (model.half_width, model.top, model.bottom))
    plate = np.array([(-x, top, front_z), (x, top, front_z), (-x, bottom, front_z)], np.float32)
    parts = {"side": _side_straps, "top": _top_strap, "halo": _halo}
    straps = np.concatenate([parts[name](model) for name in model.straps]).astype(np.float32)
    return Shape(rings, plate, straps)


def _outline(model: Model) -> Floats:
    """Return the contour, a rounded box with a notch for the nose: (N, 3) at z 0, clockwise."""
    points: list[tuple[float, float]] = []
    corner = model.corner
    x, top, bottom = model.half_width - corner, model.top + corner, model.bottom - corner
    corners = ((-x, top, 180), (x, top, 270), (x, bottom, 0), (-x, bottom, 90))
    for number, (centre_x, centre_y, start_deg) in enumerate(corners):
        angles = np.radians(np.linspace(start_deg, start_deg + 90, 6))
        points += [(centre_x + corner * np.cos(a), centre_y + corner * np.sin(a)) for a in angles]
        if number == 2:
            across = np.linspace(1, -1, 9)
            notch = model.bottom - model.nose * np.cos(across * np.pi / 2) ** 0.7
            points += zip(_NOSE_HALF_WIDTH * across, notch, strict=True)
    return np.array([(px, py, 0.0) for px, py in points], np.float32)


def _side_straps(model: Model) -> Floats:
    """Return the straps from the body's sides to behind the ears."""
    x = model.half_width
    left = np.array([(-0.61, -0.14, 0.62), (-x + 0.02, -0.17, 0), (-x + 0.02, 0.03, 0), (-0.61, 0.0, 0.62)])
    return np.stack([left, (left * (-1, 1, 1))[[1, 0, 3, 2]]])


def _top_strap(model: Model) -> Floats:
    """Return the strap from the body's upper edge over the middle of the head."""
    angles = np.radians(np.linspace(14, 95, 7))
    y, z = -0.22 - 0.56 * np.sin(angles), 0.40 - 0.46 * np.cos(angles)
    y[0], z[0] = model.top + 0.03, -0.04
    left, right = (np.column_stack([np.full_like(y, x), y, z]) for x in (-0.075, 0.075))
    return np.stack([left[1:], right[1:], right[:-1], left[:-1]], axis=1)


def _halo(model: Model) -> Floats:
    """Return the stiff ring around the head, with its pad on the forehead above the body."""
    angles = np.radians(np.linspace(-120, 120, 17))
    x, z = 0.56 * np.sin(angles), 0.42 - 0.57 * np.cos(angles)
    y = model.top - 0.03 + 0.11 * (1 - np.cos(angles))
    half_height = 0.055 + 0.03 * np.cos(angles)
    upper, lower = (np.column_stack([x, y + side * half_height, z]) for side in (-1, 1))
    return np.stack([upper[:-1], upper[1:], lower[1:], lower[:-1]], axis=1)
