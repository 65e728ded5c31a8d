"""A small classifier for a few dozen examples: ridge regression onto the two classes, every block of features alike.

Hoerl and Kennard: Ridge regression, 1970, solved in its dual form (as many equations as examples). Targets are
1 / (examples of the class), so that the rarer class counts as much; the border lies midway between the classes' means,
and the sigmoid on the distance to it (Platt, 1999) is fitted to examples that the weights have not seen.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from faceapp.labels.features import feature_blocks
from faceapp.types import Floats

Doubles = npt.NDArray[np.float64]
Bools = npt.NDArray[np.bool_]

RIDGE = 1.0
"""Strength of the penalty, as a share of the mean squared length of an example."""
_LEAST_SPREAD = 1e-3


@dataclass(frozen=True, slots=True, eq=False)
class Scale:
    """Makes features comparable: mean 0, and each block of columns of mean squared length 1.

    Attributes:
        mean: float64 (F,).
        factor: float64 (F,), 0 for columns that never vary.
    """

    mean: Doubles
    factor: Doubles

    def apply(self, rows: Floats) -> Doubles:
        """Return scaled rows, float64 (N, F); what is missing becomes the mean, 0."""
        return np.nan_to_num((rows.astype(np.float64) - self.mean) * self.factor)


def fit_scale(rows: Floats) -> Scale:
    """Return the scale of examples, float32 (N, F)."""
    known = np.isfinite(rows)
    counts = np.maximum(known.sum(axis=0), 1)
    mean = np.where(known, rows, 0).sum(axis=0, dtype=np.float64) / counts
    spread = np.sqrt((np.where(known, rows - mean, 0) ** 2).sum(axis=0) / counts)
    varies = spread > _LEAST_SPREAD
    factor = np.where(varies, 1 / np.maximum(spread, _LEAST_SPREAD), 0.0)
    for block in feature_blocks(rows.shape[1]):
        factor[block] /= np.sqrt(max(1, int(varies[block].sum())))
    return Scale(mean, factor)


def fit_weights(scaled: Doubles, labels: Bools) -> tuple[Doubles, Doubles]:
    """Return weights and borders of one or many labellings of the same examples.

    Args:
        scaled: float64 (N, F), from `Scale.apply`.
        labels: bool (N,) or (N, L); each labelling has both classes.

    Returns:
        Weights float64 (F, L) and borders float64 (L,): above its border, an example shows the label.
    """
    columns = labels.reshape(len(scaled), -1).astype(np.float64)
    yes, no = columns / columns.sum(axis=0), (1 - columns) / (1 - columns).sum(axis=0)
    gram = scaled @ scaled.T
    penalty = RIDGE * max(float(np.trace(gram)), 1e-9) / len(gram)
    weights = scaled.T @ np.linalg.solve(gram + penalty * np.eye(len(gram)), yes - no)
    scores = scaled @ weights
    border = ((scores * yes).sum(axis=0) + (scores * no).sum(axis=0)) / 2
    return weights, border


def fit_sigmoid(scores: Doubles, labels: Bools) -> tuple[float, float]:
    """Return slope and offset of the sigmoid that makes scores probabilities, both classes counting alike.

    Platt: Probabilistic outputs for support vector machines, 1999, with his targets that never reach 0 or 1.

    Args:
        scores: float64 (N,), of examples that were left out when the weights were fitted.
        labels: bool (N,), both classes.
    """
    spread = max(float(scores.std()), 1e-12)
    x = scores / spread
    counts = np.array([(~labels).sum(), labels.sum()])
    weights = np.where(labels, 1 / counts[1], 1 / counts[0]) / 2
    targets = np.where(labels, (counts[1] + 1) / (counts[1] + 2), 1 / (counts[0] + 2))
    slope, offset = 1.0, 0.0
    design = np.stack([x, np.ones_like(x)], axis=1)
    for _ in range(30):  # Newton's steps
        shares = 1 / (1 + np.exp(-np.clip(slope * x + offset, -30, 30)))
        gradient = design.T @ (weights * (shares - targets)) + 1e-3 * np.array([slope, 0.0])
        curve = (design.T * (weights * shares * (1 - shares))) @ design + np.diag([1e-3, 1e-6])
        step = np.clip(np.linalg.solve(curve, gradient), -2, 2)
        slope, offset = slope - step[0], offset - step[1]
    return max(float(slope), 0.0) / spread, float(offset)
