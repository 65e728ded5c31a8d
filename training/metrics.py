"""Scores of predictions, each with a bootstrap interval over the pictures."""

from __future__ import annotations

from dataclasses import asdict, dataclass

import numpy as np
import numpy.typing as npt

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
        """Return the fields, rounded for a card; an interval that was not computed is left out."""
        known = {name: value for name, value in asdict(self).items() if value == value}
        return {name: round(value, 5) if isinstance(value, float) else value for name, value in known.items()}

    def __str__(self) -> str:
        if self.low != self.low:
            return f"{100 * self.value:.2f}%" if self.unit == "share" else f"{self.value:.2f} {self.unit}"
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


def macro_f1_with_interval(counts: npt.NDArray[np.int64]) -> Figure:
    """Return the mean F1 over the classes present in the truth, with its 95% bootstrap interval.

    Drawing pictures with replacement draws the cells of their confusion matrix from a multinomial.

    Args:
        counts: (C, C), rows truth and columns prediction, see `confusion`.
    """
    total = int(counts.sum())
    random = np.random.default_rng(_SEED)
    drawn = random.multinomial(total, counts.ravel() / total, size=_RESAMPLES).reshape(-1, *counts.shape)
    low, high = np.percentile(_macro_f1(drawn), [2.5, 97.5])
    return Figure(float(_macro_f1(counts[None])[0]), float(low), float(high), total, "share")


def _macro_f1(counts: npt.NDArray[np.int64]) -> npt.NDArray[np.float64]:
    """Return the macro F1 of each of (R, C, C) confusion matrices, (R,)."""
    hits = np.diagonal(counts, axis1=1, axis2=2)
    truth, said = counts.sum(axis=2), counts.sum(axis=1)
    scores = 2 * hits / np.maximum(truth + said, 1)
    present = truth > 0
    return (scores * present).sum(axis=1) / present.sum(axis=1)


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
    gaps = [
        abs(hit[place == b].mean() - confidence[place == b].mean()) * (place == b).mean()
        for b in np.unique(place)
    ]
    return float(np.sum(gaps))


def confusion(
    truth: npt.NDArray[np.int64], predicted: npt.NDArray[np.int64], classes: int
) -> npt.NDArray[np.int64]:
    """Return the counts, rows truth and columns prediction, (classes, classes)."""
    return np.bincount(truth * classes + predicted, minlength=classes**2).reshape(classes, classes)
