"""Two distilled students as one: their embeddings side by side, read by a linear support vector machine.

Georgescu et al.: Teacher-student training and triplet loss to reduce the effect of drastic face occlusion, 2021, sections
4.2.4 and 4.3.4: the embeddings of the student of conventional teacher-student training and of the one trained with triplets
are concatenated; an SVM classifies them, an epsilon-SVR (epsilon 0.1) gives the age; C is chosen on validation.

We differ: embeddings are standardised before (the units of two networks differ) and the standardisation is folded into the
machine's weights; C is searched over powers of ten from the smallest on, up to the first that is worse than one before it
(the largest take longest by far); and scores become probabilities, because a program shows those. For
classes the scores are divided by one temperature fitted on validation (Guo et al. 2017; the decision stays the SVM's, which
Platt's second parameter could move); for age see
`training.distillation.combined_net.YearsDistribution`.
"""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import numpy.typing as npt
from sklearn.exceptions import ConvergenceWarning
from sklearn.svm import LinearSVC, LinearSVR

from engines.card import LABELS
from training.errors import RecipeError
from training.measuring.calibration import fit_temperature

Floats = npt.NDArray[np.float32]

CLASS_COSTS = (1e-5, 1e-4, 1e-3, 1e-2, 1e-1)
AGE_COSTS = (1e-3, 1e-2, 1e-1, 1.0, 10.0)
"""Values of C that are tried, on standardised embeddings."""
EPSILON_YEARS = 0.1

_LEAST_STD = 1e-6


@dataclass(frozen=True, slots=True, eq=False)
class Machine:
    """A linear machine on embeddings.

    Attributes:
        weight: float32 (outputs, E); one output for age, one a class else.
        bias: float32 (outputs,).
        cost: The chosen C.
        spread: Temperature that the scores are divided by, or for age the deviation of its errors on validation, in years.
        score: Accuracy on validation, or for age minus the mean absolute error.
    """

    weight: Floats
    bias: Floats
    cost: float
    spread: float
    score: float

    def scores(self, embeddings: Floats) -> Floats:
        """Return the decision values, float32 (N, classes), or the years, float32 (N,), of embeddings (N, E)."""
        found: Floats = embeddings.astype(np.float32) @ self.weight.T + self.bias
        return found[:, 0] if len(self.weight) == 1 else found


def fit_machine(
    task: str,
    training: tuple[Floats, npt.NDArray[Any]],
    validation: tuple[Floats, npt.NDArray[Any]],
    costs: Sequence[float] | None = None,
    seed: int = 0,
) -> Machine:
    """Fit a machine on training faces, with the C that is best on validation faces.

    Args:
        task: "age" is regressed, others are classified: into the classes of `engines.card.LABELS`, or, where the task has
            none there, into as many as the largest label says.
        training: Embeddings float (N, E) with labels (N,): class numbers, or years.
        validation: The same of other faces.
        costs: Values of C to try, in this order until one is worse; `CLASS_COSTS` or `AGE_COSTS` unless given.
        seed: Of the order in which the solver takes the faces.

    Raises:
        RecipeError: No faces, or fewer than two classes.
    """
    for name, (rows, labels) in (("training", training), ("validation", validation)):
        if not len(rows) or len(rows) != len(labels):
            raise RecipeError(
                f"{name}: expected a label for each embedding, found {len(labels)} for {len(rows)}"
            )
    if task != "age" and len(np.unique(training[1])) < 2:
        raise RecipeError("training: expected faces of at least two classes, found one; use more faces")
    mean, std = training[0].mean(axis=0), training[0].std(axis=0)
    std = np.where(std < _LEAST_STD, 1, std)
    scaled = ((training[0] - mean) / std).astype(np.float64)
    best: Machine | None = None
    for cost in costs or (AGE_COSTS if task == "age" else CLASS_COSTS):
        weight, bias = _fitted(task, scaled, training[1], cost, seed)
        folded = (weight / std).astype(np.float32)
        machine = Machine(folded, (bias - folded @ mean).astype(np.float32), cost, 1.0, 0.0)
        machine = replace(machine, score=_score(machine, task, *validation))
        if best is not None and machine.score < best.score:
            break
        if best is None or machine.score > best.score:
            best = machine
    assert best is not None
    return replace(best, spread=_spread(best, task, *validation))


def _fitted(
    task: str, rows: npt.NDArray[np.float64], labels: npt.NDArray[Any], cost: float, seed: int
) -> tuple[npt.NDArray[np.float64], npt.NDArray[np.float64]]:
    """Return weights (outputs, E) and biases (outputs,) of one machine; a class that no face has gets no vote."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)  # the validation score judges what it reached
        if task == "age":
            middle = labels.mean()  # liblinear penalises the intercept, so ages are fitted around their mean
            regression = LinearSVR(C=cost, epsilon=EPSILON_YEARS, max_iter=2000, random_state=seed)
            regression.fit(rows, labels - middle)
            return regression.coef_[None, :], np.atleast_1d(regression.intercept_ + middle)
        machine = LinearSVC(C=cost, dual=False, random_state=seed).fit(rows, labels)
    weight, bias = machine.coef_, machine.intercept_
    if len(machine.classes_) == 2:
        weight, bias = np.concatenate([-weight, weight]) / 2, np.concatenate([-bias, bias]) / 2
    count = len(LABELS[task]) if task in LABELS else int(labels.max()) + 1
    every = np.zeros((count, rows.shape[1])), np.full(count, bias.min() - 10.0)
    every[0][machine.classes_.astype(int)] = weight
    every[1][machine.classes_.astype(int)] = bias
    return every


def _score(machine: Machine, task: str, rows: Floats, labels: npt.NDArray[Any]) -> float:
    found = machine.scores(rows)
    if task == "age":
        return -float(np.abs(found - labels).mean())
    return float((found.argmax(axis=1) == labels).mean())


def _spread(machine: Machine, task: str, rows: Floats, labels: npt.NDArray[Any]) -> float:
    found = machine.scores(rows)
    if task == "age":
        return max(0.5, float(np.sqrt(np.square(found - labels).mean())))
    # Scores shrink with C, below what the search for a temperature covers.
    scale = float(np.abs(found - found.mean(axis=1, keepdims=True)).mean()) or 1.0
    return scale * fit_temperature(found / np.float32(scale), labels.astype(np.int64))
