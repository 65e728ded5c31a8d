"""The movements of the faces of a prepared set, beside their emotions."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from engines.card import EMOTIONS
from faceapp.tracking.movements import measures, movements
from training.data.prepared import PreparedFaces
from training.errors import DatasetError

Floats = npt.NDArray[np.float32]
Ints = npt.NDArray[np.int64]

CALM_SHARE = 0.7
"""Share of the taggers that must call a face neutral before it counts as calm."""
_BLOCK = 2048
_NORMAL_PERCENTILES = (15.87, 50.0, 84.13)


@dataclass(frozen=True, slots=True, eq=False)
class MovingFaces:
    """Faces of one set.

    Attributes:
        movements: float32 (N, units), in the order of `MEASURED_UNITS`; NaN for a face without a mesh.
        emotion: int64 (N,), the majority vote as a position in `EMOTIONS`.
        positions: int64 (N,), which faces of the set.
    """

    movements: Floats
    emotion: Ints
    positions: Ints

    @property
    def seen(self) -> npt.NDArray[np.bool_]:
        """Which faces have a mesh, (N,)."""
        found: npt.NDArray[np.bool_] = np.isfinite(self.movements).all(axis=1)
        return found


def moving_faces(faces: PreparedFaces, split: str) -> MovingFaces:
    """Return the faces of one split that have an emotion.

    Raises:
        DatasetError: None has a mesh: the set was prepared by an older version.
    """
    positions = faces.where(split)
    positions = positions[np.isfinite(faces.emotion[positions]).all(axis=1)]
    blocks = [positions[start : start + _BLOCK] for start in range(0, len(positions), _BLOCK)]
    found = [movements(np.asarray(faces.landmarks[block])) for block in blocks]
    moving = (
        MovingFaces(np.concatenate(found), faces.emotion[positions].argmax(axis=1), positions)
        if found
        else None
    )
    if moving is None or not moving.seen.any():
        raise DatasetError(
            f"{faces.name}: expected faces with a mesh in {split}, found none; remove its prepared folder, it is made again"
        )
    return moving


def neutral_reference(faces: PreparedFaces) -> npt.NDArray[np.float64]:
    """Return median and spread of every bare measure on calm training faces, (units, 2).

    They stand in `faceapp.tracking.movements.NEUTRAL_FACES`.
    """
    positions = faces.where("train")
    calm = positions[faces.emotion[positions, EMOTIONS.index("neutral")] >= CALM_SHARE]
    blocks = [calm[start : start + _BLOCK] for start in range(0, len(calm), _BLOCK)]
    found = np.concatenate([measures(np.asarray(faces.landmarks[block])) for block in blocks])
    low, middle, high = np.nanpercentile(found.astype(np.float64), _NORMAL_PERCENTILES, axis=0)
    return np.stack([middle, (high - low) / 2], axis=1)
