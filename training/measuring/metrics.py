"""Scores of predictions, each with a bootstrap interval over the pictures, or over the people they show."""

from __future__ import annotations

from dataclasses import asdict, dataclass, replace

import numpy as np
import numpy.typing as npt

from training.measuring.resampling import Resampling, Statistic, Weights, resampling

_SQUARED_NORMAL_QUANTILE = 1.96**2

Floats = npt.NDArray[np.float32]
Classes = npt.NDArray[np.int64]


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

    def value_text(self) -> str:
        """Return the value alone, such as "83.21%" or "5.60 years"."""
        if self.value != self.value:
            return "none"
        return f"{100 * self.value:.2f}%" if self.unit == "share" else f"{self.value:.2f} {self.unit}"

    def interval_text(self) -> str:
        """Return the interval in the value's unit, such as "[82.00, 84.40]"; empty where there is none."""
        if self.low != self.low:
            return ""
        scale = 100 if self.unit == "share" else 1
        return f"[{scale * self.low:.2f}, {scale * self.high:.2f}]"

    def __str__(self) -> str:
        return (
            f"{self.value_text()} {self.interval_text()} (n={self.count})"
            if self.interval_text()
            else self.value_text()
        )


def measure(statistic: Statistic, draws: Resampling, unit: str = "share") -> Figure:
    """Return a figure with its 95% percentile bootstrap interval.

    Args:
        statistic: Weights of the pictures -> the figure of each resample.
        draws: Of the pictures that the figure rests on.
        unit: "share" or "years".
    """
    if not len(draws):
        return Figure(float("nan"), float("nan"), float("nan"), 0, unit)
    return Figure(draws.value(statistic), *draws.interval(statistic), len(draws), unit)


def mean_with_interval(values: npt.ArrayLike, unit: str = "share", draws: Resampling | None = None) -> Figure:
    """Return the mean of per-picture values with its 95% percentile bootstrap interval.

    Where every picture is a hit, or none is, all resamples are alike and the bootstrap would claim certainty; Wilson's
    interval for as many subjects stands in (Wilson: Probable inference, 1927).

    Args:
        values: (N,), for example 1 for a hit and 0 for a miss, or absolute errors in years.
        unit: "share" or "years".
        draws: Of these pictures; by default each picture stands for itself.
    """
    scores = np.asarray(values, dtype=np.float64)

    def mean(weights: Weights) -> npt.NDArray[np.float64]:
        return ratio(weights @ scores, weights.sum(axis=1))

    draws = draws or resampling(scores.size)
    figure = measure(mean, draws, unit)
    if unit != "share" or figure.value not in (0, 1) or not len(draws.counts) or draws.subjects < 2:
        return figure
    margin = _SQUARED_NORMAL_QUANTILE / (draws.subjects + _SQUARED_NORMAL_QUANTILE)
    return replace(figure, low=figure.value * (1 - margin), high=figure.value + (1 - figure.value) * margin)


def accuracy_with_interval(truth: Classes, predicted: Classes, draws: Resampling | None = None) -> Figure:
    """Return the share of pictures whose class was hit; truth and predicted are (N,)."""
    return mean_with_interval(truth == predicted, "share", draws)


def weighted_accuracy_with_interval(
    truth: Classes, predicted: Classes, draws: Resampling | None = None
) -> Figure:
    """Return the mean recall over the classes present in the truth (balanced accuracy).

    "Teacher-student training and triplet loss to reduce the effect of drastic face occlusion" (2021) reports a "weighted
    accuracy" for FER+ because the set is imbalanced and defines it nowhere; the mean of the classes' recalls is
    what that name stands for elsewhere in facial expression recognition.

    Args:
        truth: (N,), class numbers.
        predicted: (N,).
        draws: Of these pictures; by default each stands for itself.
    """
    return measure(_from_confusions(truth, predicted, _mean_recall), draws or resampling(truth.size))


def macro_f1_of(truth: Classes, predicted: Classes, draws: Resampling | None = None) -> Figure:
    """Return the mean F1 over the classes present in the truth; truth and predicted are (N,)."""
    return measure(_from_confusions(truth, predicted, _macro_f1), draws or resampling(truth.size))


def macro_f1_with_interval(counts: npt.NDArray[np.int64]) -> Figure:
    """Return the mean F1 over the classes present in the truth, from a confusion matrix alone.

    Args:
        counts: (C, C), rows truth and columns prediction, see `confusion`.
    """
    truth, predicted = np.divmod(np.repeat(np.arange(counts.size), counts.ravel()), len(counts))
    return macro_f1_of(truth, predicted)


def top_hits(probs: Floats, truth: Classes, count: int) -> npt.NDArray[np.bool_]:
    """Return for each picture whether its class is among the `count` most probable ones."""
    hits: npt.NDArray[np.bool_] = (np.argsort(-probs, axis=1)[:, :count] == truth[:, None]).any(axis=1)
    return hits


def confusion(truth: Classes, predicted: Classes, classes: int) -> npt.NDArray[np.int64]:
    """Return the counts, rows truth and columns prediction, (classes, classes)."""
    return np.bincount(truth * classes + predicted, minlength=classes**2).reshape(classes, classes)


def _from_confusions(truth: Classes, predicted: Classes, score: Statistic) -> Statistic:
    """Return a score of confusion matrices as a statistic of the pictures' weights."""
    classes = int(max(truth.max(initial=0), predicted.max(initial=0))) + 1
    cells = np.eye(classes**2)[truth * classes + predicted]

    def statistic(weights: Weights) -> npt.NDArray[np.float64]:
        return score((weights @ cells).reshape(-1, classes, classes))

    return statistic


def _mean_recall(counts: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
    """Return the mean recall of the classes present in each of (R, C, C) confusion matrices, (R,)."""
    truth = counts.sum(axis=2)
    recall = np.diagonal(counts, axis1=1, axis2=2) / np.maximum(truth, 1)
    return ratio(recall.sum(axis=1), (truth > 0).sum(axis=1))


def _macro_f1(counts: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
    """Return the macro F1 of each of (R, C, C) confusion matrices, (R,)."""
    hits = np.diagonal(counts, axis1=1, axis2=2)
    truth, said = counts.sum(axis=2), counts.sum(axis=1)
    scores = 2 * hits / np.maximum(truth + said, 1)
    present = truth > 0
    return ratio((scores * present).sum(axis=1), present.sum(axis=1))


def ratio(numerator: npt.ArrayLike, denominator: npt.ArrayLike) -> npt.NDArray[np.float64]:
    """Divide; NaN where the denominator is 0."""
    above, below = np.asarray(numerator, dtype=np.float64), np.asarray(denominator, dtype=np.float64)
    return np.divide(above, below, out=np.full(above.shape, np.nan), where=below > 0)
