"""Scores of predictions, each with a bootstrap interval over the pictures (numpy and scikit-learn)."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import asdict, dataclass

import numpy as np
import numpy.typing as npt
from sklearn.metrics import confusion_matrix, f1_score

_RESAMPLES = 2000
_SEED = 20260101

Floats = npt.NDArray[np.float32]


@dataclass(frozen=True, slots=True)
class Figure:
    """A measured value.

    Attributes:
        value: The figure.
        low: Lower end of the 95% interval.
        high: Upper end.
        count: Pictures it rests on.
        unit: "share" (0 to 1) or "years".
    """

    value: float
    low: float
    high: float
    count: int
    unit: str

    def as_dict(self) -> dict[str, float | int | str]:
        """Return the fields, rounded for a card."""
        return {name: round(v, 5) if isinstance(v, float) else v for name, v in asdict(self).items()}

    def __str__(self) -> str:
        if self.unit == "share":
            return f"{100 * self.value:.2f}% [{100 * self.low:.2f}, {100 * self.high:.2f}] (n={self.count})"
        return f"{self.value:.2f} {self.unit} [{self.low:.2f}, {self.high:.2f}] (n={self.count})"


def mean_with_interval(values: npt.ArrayLike, unit: str = "share") -> Figure:
    """Return the mean of per-picture values with its 95% percentile bootstrap interval.

    Args:
        values: (N,), for example 1 for a hit and 0 for a miss, or absolute errors in years.
        unit: "share" or "years".
    """
    scores = np.asarray(values, dtype=np.float64)
    if scores.size == 0:
        return Figure(float("nan"), float("nan"), float("nan"), 0, unit)
    random = np.random.default_rng(_SEED)
    means = np.array([scores[random.integers(0, scores.size, scores.size)].mean() for _ in range(_RESAMPLES)])
    low, high = np.percentile(means, [2.5, 97.5])
    return Figure(float(scores.mean()), float(low), float(high), int(scores.size), unit)


def statistic_with_interval(
    statistic: Callable[[npt.NDArray[np.int64], npt.NDArray[np.int64]], float],
    truth: npt.NDArray[np.int64],
    predicted: npt.NDArray[np.int64],
    resamples: int = 300,
) -> Figure:
    """Return a statistic of two label columns with its 95% bootstrap interval."""
    random = np.random.default_rng(_SEED)
    picks = (random.integers(0, truth.size, truth.size) for _ in range(resamples))
    low, high = np.percentile([statistic(truth[pick], predicted[pick]) for pick in picks], [2.5, 97.5])
    return Figure(float(statistic(truth, predicted)), float(low), float(high), int(truth.size), "share")


def macro_f1(truth: npt.NDArray[np.int64], predicted: npt.NDArray[np.int64]) -> float:
    """Return the mean of the classes' F1 over the classes present in the truth."""
    return float(f1_score(truth, predicted, labels=np.unique(truth), average="macro", zero_division=0))


def top_hits(probs: Floats, truth: npt.NDArray[np.int64], count: int) -> npt.NDArray[np.bool_]:
    """Return for each picture whether its class is among the `count` most probable ones."""
    return (np.argsort(-probs, axis=1)[:, :count] == truth[:, None]).any(axis=1)


def expected_calibration_error(probs: Floats, truth: npt.NDArray[np.int64], bins: int = 15) -> float:
    """Return the expected calibration error (Guo et al. 2017): confidence against accuracy in equal-width bins.

    Args:
        probs: (N, C).
        truth: (N,), class numbers.
        bins: Number of bins.
    """
    confidence = probs.max(axis=1)
    hit = probs.argmax(axis=1) == truth
    place = np.minimum((confidence * bins).astype(int), bins - 1)
    gaps = [abs(hit[place == b].mean() - confidence[place == b].mean()) * (place == b).mean() for b in np.unique(place)]
    return float(np.sum(gaps))


def confusion(truth: npt.NDArray[np.int64], predicted: npt.NDArray[np.int64], classes: int) -> npt.NDArray[np.int64]:
    """Return the counts, rows truth and columns prediction, (classes, classes)."""
    return np.asarray(confusion_matrix(truth, predicted, labels=range(classes)))
