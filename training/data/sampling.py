"""How often each picture is drawn: rare classes as often as common ones, or anything in between.

A class with n pictures is drawn in proportion to n (natural), to its square root (Mahajan et al. 2018, "Exploring the
limits of weakly supervised pretraining", section 2.2), or as often as any other (balanced).
"""

from __future__ import annotations

from typing import Literal, get_args

import numpy as np
import numpy.typing as npt

from training.data.prepared import PreparedFaces
from training.errors import RecipeError

Balance = Literal["natural", "square_root", "balanced"]
Label = Literal["emotion", "age"]
_EXPONENTS = {"natural": 0.0, "square_root": 0.5, "balanced": 1.0}
_AGE_BIN_YEARS = 10
NO_CLASS = -1


def sampling_weights(classes: npt.NDArray[np.int64], balance: Balance) -> npt.NDArray[np.float64]:
    """Return how likely each picture is to be drawn.

    Args:
        classes: (N,), whole numbers; `NO_CLASS` where a picture has none: together those keep their share.
        balance: One of natural, square_root, balanced.

    Returns:
        float64 (N,), sum 1; empty for no picture.

    Raises:
        RecipeError: Another balance.
    """
    if balance not in get_args(Balance):
        raise RecipeError(f"balance: expected one of {', '.join(get_args(Balance))}, found {balance!r}")
    weights = np.ones(len(classes))
    known = classes != NO_CLASS
    if known.any():
        _, numbers, counts = np.unique(classes[known], return_inverse=True, return_counts=True)
        within = counts[numbers].astype(np.float64) ** -_EXPONENTS[balance]
        weights[known] = within / within.sum() * known.sum()
    return weights / max(1, len(classes))


def emotion_classes(faces: PreparedFaces, positions: npt.NDArray[np.int64]) -> npt.NDArray[np.int64]:
    """Return the majority emotion of some pictures, (N,), `NO_CLASS` where there are no votes."""
    votes = faces.emotion[positions]
    known = np.isfinite(votes).all(axis=1)
    return np.where(known, np.nan_to_num(votes).argmax(axis=1), NO_CLASS).astype(np.int64)


def age_bins(
    faces: PreparedFaces, positions: npt.NDArray[np.int64], years: int = _AGE_BIN_YEARS
) -> npt.NDArray[np.int64]:
    """Return the age bin of some pictures, (N,): age over `years`; `NO_CLASS` where there is no age.

    Args:
        faces: The set.
        positions: Which pictures.
        years: Width of a bin. Of an age group the middle counts.
    """
    middle = (faces.age_low_years[positions] + faces.age_high_years[positions]) / 2
    ages = faces.age_years[positions]
    ages = np.where(np.isnan(ages), middle, ages)
    return np.where(np.isnan(ages), NO_CLASS, np.nan_to_num(ages) // years).astype(np.int64)


def picture_weights(
    faces: PreparedFaces, positions: npt.NDArray[np.int64], label: Label, balance: Balance
) -> npt.NDArray[np.float64]:
    """Return how likely each of some pictures is to be drawn, by their emotion or their age.

    Args:
        faces: The set.
        positions: Which pictures, for example `faces.where("train")`.
        label: "emotion" or "age".
        balance: See `sampling_weights`.

    Returns:
        float64 (N,), sum 1.

    Raises:
        RecipeError: Another label or balance.
    """
    if label not in get_args(Label):
        raise RecipeError(f"label: expected one of {', '.join(get_args(Label))}, found {label!r}")
    classes = emotion_classes(faces, positions) if label == "emotion" else age_bins(faces, positions)
    return sampling_weights(classes, balance)
