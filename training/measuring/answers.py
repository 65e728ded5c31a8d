"""What a model said beside what a set's labels say, task by task."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from engines.card import EMOTIONS, GENDERS, SMILES
from training.data.prepared import PreparedFaces
from training.measuring.metrics import confusion

Decoded = Mapping[str, npt.NDArray[np.float32]]
"""Predictions of N pictures as `engines.decode.decode` names them."""

AGE_GROUPS_YEARS = ((0, 2), (3, 9), (10, 19), (20, 29), (30, 39), (40, 49), (50, 59), (60, 69), (70, 120))
AGE_GROUP_NAMES = (*(f"{low} to {high}" for low, high in AGE_GROUPS_YEARS[:-1]), "70 and over")


@dataclass(frozen=True, slots=True, eq=False)
class Answers:
    """What a model said where a set has one task's label.

    Attributes:
        labels: Class names.
        truth: int64 (N,), the class that is right.
        predicted: int64 (N,).
        probs: float32 (N, classes).
        chosen: bool, (all positions,), which pictures have the label.
    """

    labels: tuple[str, ...]
    truth: npt.NDArray[np.int64]
    predicted: npt.NDArray[np.int64]
    probs: npt.NDArray[np.float32]
    chosen: npt.NDArray[np.bool_]


@dataclass(frozen=True, slots=True, eq=False)
class Confusion:
    """Counts of truth (rows) against prediction (columns).

    Attributes:
        labels: Class names.
        counts: int64 (classes, classes).
    """

    labels: tuple[str, ...]
    counts: npt.NDArray[np.int64]


def answers(faces: PreparedFaces, positions: npt.NDArray[np.int64], said: Decoded) -> dict[str, Answers]:
    """Return the classes said and right for "emotion", "gender" and "smile", where labelled and said."""
    votes = faces.emotion[positions]
    found = {
        "emotion": _answers(
            EMOTIONS, votes.argmax(axis=1), ~np.isnan(votes).any(axis=1), said.get("emotion")
        ),
        "gender": _binary_answers(GENDERS, faces.female[positions], said.get("female")),
        "smile": _binary_answers(SMILES, faces.smile[positions], said.get("smile")),
    }
    return {task: answer for task, answer in found.items() if answer is not None}


def _answers(
    labels: tuple[str, ...],
    truth: npt.NDArray[np.int64],
    chosen: npt.NDArray[np.bool_],
    probs: npt.NDArray[np.float32] | None,
) -> Answers | None:
    if probs is None or not chosen.any():
        return None
    return Answers(labels, truth[chosen], probs[chosen].argmax(axis=1), probs[chosen], chosen)


def _binary_answers(
    labels: tuple[str, ...], truth: npt.NDArray[np.float32], probs: npt.NDArray[np.float32] | None
) -> Answers | None:
    """Return the answers of a task with a label of 0, 1 or NaN and the probability of 1."""
    both = None if probs is None else np.stack([1 - probs, probs], axis=1)
    return _answers(labels, np.nan_to_num(truth).astype(np.int64), ~np.isnan(truth), both)


def emotion_confusion(
    faces: PreparedFaces, positions: npt.NDArray[np.int64], said: Decoded
) -> npt.NDArray[np.int64] | None:
    """Return the counts of majority vote (rows) against prediction (columns), or None for a set without emotion."""
    found = confusions(faces, positions, said).get("emotion")
    return None if found is None else found.counts


def confusions(faces: PreparedFaces, positions: npt.NDArray[np.int64], said: Decoded) -> dict[str, Confusion]:
    """Return the confusions of "emotion", "gender", "smile" and "age group", where labelled and said."""
    found = {
        task: Confusion(answer.labels, confusion(answer.truth, answer.predicted, len(answer.labels)))
        for task, answer in answers(faces, positions, said).items()
    }
    age = faces.age_years[positions]
    if "age_years" in said and not np.isnan(age).all():
        starts = [low for low, _ in AGE_GROUPS_YEARS[1:]]
        known = ~np.isnan(age)
        truth, predicted = (np.digitize(years[known], starts) for years in (age, np.rint(said["age_years"])))
        found["age group"] = Confusion(AGE_GROUP_NAMES, confusion(truth, predicted, len(AGE_GROUP_NAMES)))
    return found
