"""What a label of one's own is read from: the network's answers, its shared features, and movements of the face."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from engines.features import FeatureNet
from engines.preprocess import Bytes
from faceapp.predictions import VALUE_COUNT, head_values
from faceapp.tracking.action_units import MEASURED_UNITS
from faceapp.tracking.movements import movements
from faceapp.types import FaceTrack, Floats

_LEAST_PROBABILITY = 1e-4
_AGE_COLUMNS = (8, 9)
_LARGEST_MOVEMENT = 6.0
"""Deviations beyond this tell a failed mesh, not a face."""


def face_features(net: FeatureNet, chips: Bytes, faces: Sequence[FaceTrack]) -> Floats:
    """Return one row of features a face.

    Args:
        net: The network.
        chips: uint8 (N, ...), the faces as it takes them.
        faces: N faces.

    Returns:
        float32 (N, `feature_blocks` in a row); NaN where the network lacks an answer or a movement is hidden.

    Raises:
        EngineError: The network failed.
    """
    answers, shared = net.read(chips)
    values = head_values(answers, len(faces))
    shares = [column for column in range(VALUE_COUNT) if column not in _AGE_COLUMNS]
    values[:, shares] = np.log(np.maximum(values[:, shares], _LEAST_PROBABILITY))
    moved = movements(np.stack([face.landmarks for face in faces]), [face.occlusion for face in faces])
    moved = np.clip(moved, -_LARGEST_MOVEMENT, _LARGEST_MOVEMENT)
    return np.concatenate([values, moved, shared], axis=1, dtype=np.float32)


def feature_blocks(width: int) -> tuple[slice, slice, slice]:
    """Return where answers, movements and shared features lie in rows of a width."""
    first, second = VALUE_COUNT, VALUE_COUNT + len(MEASURED_UNITS)
    return slice(0, first), slice(first, second), slice(second, width)
