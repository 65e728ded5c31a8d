"""Trains one support vector machine for every pair and every triple of emotions.

"Deep models and transfer learning for facial expression recognition", chapter 8: the features of a machine are the action
units that table 3.1 ties to one of its emotions. The paper takes OpenFace's units and names neither kernel nor C; ours are
measures of the mesh, the machines linear (a kernel of degree 2 gained nothing: +0.39 against +0.42 points on FER+ Valid
where the two highest probabilities are within 0.1) and small enough to ship.
"""

from __future__ import annotations

import itertools
import warnings
from collections.abc import Sequence

import numpy as np
import numpy.typing as npt
from sklearn.exceptions import ConvergenceWarning
from sklearn.svm import LinearSVC

from engines.card import EMOTIONS
from engines.second_opinion import HIGHEST, LOWEST, Machines
from faceapp.tracking.action_units import MEASURED_UNITS
from training.errors import DatasetError
from training.studies.second_opinion.faces import Ints, MovingFaces

GROUP_SIZES = (2, 3)
LEAST_FACES = 5
"""Faces of an emotion that a machine needs."""
_NO_THIRD = len(EMOTIONS)


def units_of(group: Sequence[int]) -> npt.NDArray[np.bool_]:
    """Return which of `MEASURED_UNITS` table 3.1 ties to one of some emotions, given by position."""
    names = {EMOTIONS[emotion] for emotion in group}
    return np.array([bool(names & set(unit.emotions)) for unit in MEASURED_UNITS])


def train_machines(sets: Sequence[MovingFaces], cost: float, seed: int = 0) -> Machines:
    """Return the 28 machines for two and the 56 for three emotions.

    Args:
        sets: Training faces; those without a mesh are left out.
        cost: C of the machines.
        seed: Of the order in which the solver takes the faces.

    Raises:
        DatasetError: An emotion has too few faces.
    """
    moves = np.concatenate([one.movements[one.seen] for one in sets]).clip(LOWEST, HIGHEST)
    emotion = np.concatenate([one.emotion[one.seen] for one in sets])
    counts = np.bincount(emotion, minlength=len(EMOTIONS))
    if counts.min() < LEAST_FACES:
        rarest = EMOTIONS[int(counts.argmin())]
        raise DatasetError(
            f"second opinion: expected at least {LEAST_FACES} training faces of every emotion, found {counts.min()} of "
            f"{rarest}; unpack the whole set"
        )
    groups = [group for size in GROUP_SIZES for group in itertools.combinations(range(len(EMOTIONS)), size)]
    weights = np.zeros((len(groups), 3, len(MEASURED_UNITS)), dtype=np.float32)
    biases = np.zeros((len(groups), 3), dtype=np.float32)
    used = np.stack([units_of(group) for group in groups])
    for number, group in enumerate(groups):
        rows = np.isin(emotion, group)
        weight, bias = _fitted(moves[rows][:, used[number]], emotion[rows], cost, seed)
        weights[number, : len(group), used[number]] = weight.T
        biases[number, : len(group)] = bias
    return Machines(
        units=np.array([unit.code for unit in MEASURED_UNITS]),
        groups=np.array([(*group, _NO_THIRD)[:3] for group in groups]),
        weights=weights,
        biases=biases,
        used=used,
    )


def _fitted(
    rows: npt.NDArray[np.float32], labels: Ints, cost: float, seed: int
) -> tuple[npt.NDArray[np.float64], npt.NDArray[np.float64]]:
    """Return weights (classes, units) and biases (classes,), a class against the others."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)  # what it reached is measured
        machine = LinearSVC(C=cost, dual=False, random_state=seed).fit(rows.astype(np.float64), labels)
    weight, bias = machine.coef_, machine.intercept_
    if len(machine.classes_) == 2:
        weight, bias = np.concatenate([-weight, weight]) / 2, np.concatenate([-bias, bias]) / 2
    return weight, bias
