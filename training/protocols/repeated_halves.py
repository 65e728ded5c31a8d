"""Dietterich's 5x2 cross-validation: two ways of training compared on five random halvings of a set."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import numpy.typing as npt

from training.data.prepared import PreparedFaces
from training.measuring.answers import Decoded
from training.measuring.evaluation import figures
from training.measuring.significance import FiveByTwo, five_by_two
from training.protocols.cross_validation import TrainAndPredict
from training.protocols.folds import Fold, Positions, subject_folds

Score = Callable[[PreparedFaces, Positions, Decoded], float]
"""A set, positions and their predictions -> one number."""

_REPETITIONS = 5


def figure_score(name: str) -> Score:
    """Return the score that a figure of `training.measuring.evaluation.figures` is, for example "emotion_accuracy"."""

    def score(faces: PreparedFaces, positions: Positions, said: Decoded) -> float:
        return figures(faces, positions, said, intervals=False)[name].value

    return score


def halvings(subject: npt.NDArray[np.str_], positions: Positions) -> tuple[tuple[Fold, Fold], ...]:
    """Return five halvings by subject, each as its two folds; the repetitions differ in the hash's salt.

    Args:
        subject: (N,) who each picture shows.
        positions: Of the pictures that take part.
    """
    found = []
    for repetition in range(1, _REPETITIONS + 1):
        halves = subject_folds(subject[positions], 2, salt=f"half {repetition} of ")
        one, two = (
            Fold(f"repetition_{repetition}_{half.name}", positions[half.train], positions[half.test])
            for half in halves
        )
        found.append((one, two))
    return tuple(found)


def compare_five_by_two(
    faces: PreparedFaces,
    positions: Positions,
    first: TrainAndPredict,
    second: TrainAndPredict,
    score: Score,
) -> FiveByTwo:
    """Train both ways ten times and test the difference of their scores (Dietterich 1998, section 3.5).

    Args:
        faces: The set.
        positions: Of the pictures that take part.
        first: A way of training.
        second: Another.
        score: What is compared.
    """

    def difference(fold: Fold) -> float:
        return score(faces, fold.test, first(fold)) - score(faces, fold.test, second(fold))

    return five_by_two(
        np.array([[difference(fold) for fold in pair] for pair in halvings(faces.subject, positions)])
    )
