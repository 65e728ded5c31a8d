"""From the named arrays of an engine to the records of the program."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np

from engines.card import EMOTIONS
from faceapp.types import Floats, Prediction, read_only

_SCALARS = ("age_years", "age_std_years", "female", "smile")
VALUE_COUNT = len(EMOTIONS) + len(_SCALARS)
"""Numbers that are known about a face: the emotions, age and its deviation, female, smile."""


def unknown_values(count: int) -> Floats:
    """Return what is known of faces that nobody has read: float32 (N, VALUE_COUNT), all NaN."""
    return np.full((count, VALUE_COUNT), np.nan, dtype=np.float32)


def head_values(heads: Mapping[str, Floats], count: int) -> Floats:
    """Return what an engine says as one row a face.

    Args:
        heads: As `engines.engine.Engine.infer` returns them.
        count: Number of faces.

    Returns:
        float32 (N, VALUE_COUNT); NaN where the model lacks the head.
    """
    values = unknown_values(count)
    if "emotion" in heads:
        values[:, : len(EMOTIONS)] = heads["emotion"]
    for column, name in enumerate(_SCALARS, start=len(EMOTIONS)):
        if name in heads:
            values[:, column] = heads[name]
    return values


def make_predictions(
    track_ids: Sequence[int], values: Floats, models: Sequence[str]
) -> tuple[Prediction, ...]:
    """Return one record a face.

    Args:
        track_ids: Id of each face.
        values: float32 (N, VALUE_COUNT), read-only from here.
        models: Name of the model that read each face; "" where none did.
    """
    read_only(values)
    return tuple(
        Prediction(track_id, row[: len(EMOTIONS)], age, age_std, female, smile, model)
        for track_id, row, (age, age_std, female, smile), model in zip(
            track_ids, values, values[:, len(EMOTIONS) :].tolist(), models, strict=True
        )
    )
