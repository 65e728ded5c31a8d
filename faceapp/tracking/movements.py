"""What a face does, as numbers: how far each action unit lies from a calm face."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from engines.card import Occlusion
from engines.preprocess import LANDMARK_COUNT
from faceapp.tracking.action_units import MEASURED_UNITS, ONE_SIDED, seen_units
from faceapp.tracking.head_shape import head_shapes
from faceapp.types import Floats

# Median and spread (half of what lies between the 15.87th and the 84.13th percentile: a standard deviation where values
# are normal) of each measure, by code, on the 6,957 faces of FER+'s training part that at least seven of ten taggers
# called neutral. `python -m training study second_opinion` prints them anew.
NEUTRAL_FACES: dict[int, tuple[float, float]] = {
    1: (0.1854, 0.0311),
    2: (0.1888, 0.0298),
    4: (-0.3620, 0.0397),
    5: (0.0559, 0.0180),
    6: (-0.2310, 0.0159),
    7: (-0.0346, 0.0094),
    9: (-0.4440, 0.0264),
    10: (-0.1631, 0.0323),
    12: (0.2590, 0.0352),
    14: (0.0105, 0.0108),
    15: (0.0038, 0.0165),
    16: (-0.3018, 0.0598),
    17: (-0.3355, 0.0400),
    18: (-0.3628, 0.0427),
    20: (0.5315, 0.0482),
    23: (-0.3036, 0.0362),
    24: (-0.1924, 0.0456),
    25: (0.0063, 0.0275),
    26: (0.6597, 0.0538),
    27: (0.6779, 0.0674),
    28: (-0.3349, 0.0372),
    29: (-0.1637, 0.0303),
    38: (0.4536, 0.0267),
    39: (-0.4536, 0.0267),
    43: (-0.0905, 0.0212),
}
"""Code -> median and spread over calm faces, in outer eye distances: the population's neutral reference."""

_WEIGHTS = np.stack([unit.measure for unit in MEASURED_UNITS if unit.measure is not None])
_POINTS = np.flatnonzero(_WEIGHTS.any(axis=(0, 2)))
_USED_WEIGHTS = np.ascontiguousarray(_WEIGHTS[:, _POINTS].reshape(len(_WEIGHTS), -1).T)
_ONE_SIDED = np.array([unit.code in ONE_SIDED for unit in MEASURED_UNITS])
_NEUTRAL = np.array([NEUTRAL_FACES[unit.code] for unit in MEASURED_UNITS]).T


def measures(landmarks: Floats) -> Floats:
    """Return the bare measures of the action units on meshes, before they are compared with calm faces.

    Args:
        landmarks: float32 (N, 478, 3), pixels.

    Returns:
        float32 (N, units) in outer eye distances, in the order of `MEASURED_UNITS`; NaN for a mesh that is none.

    Raises:
        ValueError: Another shape.
    """
    if landmarks.ndim != 3 or landmarks.shape[1:] != (LANDMARK_COUNT, 3):
        raise ValueError(f"landmarks: expected shape (N, {LANDMARK_COUNT}, 3), found {landmarks.shape}")
    shapes = head_shapes(landmarks, _POINTS)
    found = shapes.reshape(len(shapes), len(_USED_WEIGHTS)) @ _USED_WEIGHTS
    np.abs(found, out=found, where=_ONE_SIDED)
    return found.astype(np.float32)


def movements(landmarks: Floats, occlusions: Sequence[Occlusion] | None = None) -> Floats:
    """Return how strongly each action unit shows, against the calm faces of many people.

    An intensity has no unit: 0 is the median calm face, 1 one standard deviation between calm faces of different people
    above it, so that 2 lies beyond 97.5% of them. Negative is the opposite movement. It is not FACS' A to E.

    Args:
        landmarks: float32 (N, 478, 3), pixels.
        occlusions: What hides each face; None: nothing.

    Returns:
        float32 (N, units) in the order of `MEASURED_UNITS`; NaN where the unit is hidden or the mesh is none.

    Raises:
        ValueError: Another shape.
    """
    median, spread = _NEUTRAL
    found: Floats = ((measures(landmarks) - median) / spread).astype(np.float32)
    if occlusions is not None:
        for row, occlusion in zip(found, occlusions, strict=True):
            row[~seen_units(occlusion)] = np.nan
    return found
