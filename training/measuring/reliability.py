"""Whether probabilities mean what they say: confidence against accuracy."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from training.measuring.metrics import Classes, Figure, Floats, measure, ratio
from training.measuring.resampling import Resampling, Statistic, Weights, resampling

BINS = 15
"""Bins of confidence, as Guo et al. 2017 use."""


def expected_calibration_error(probs: Floats, truth: Classes, bins: int = BINS) -> float:
    """Return the expected calibration error: confidence against accuracy in equal-width bins.

    Guo et al.: On calibration of modern neural networks, 2017, equation 3.

    Args:
        probs: (N, C).
        truth: (N,), class numbers.
        bins: Number of bins.
    """
    return float(_calibration_error(probs, truth, bins)(np.ones((1, len(truth))))[0])


def calibration_error_with_interval(
    probs: Floats, truth: Classes, draws: Resampling | None = None, bins: int = BINS
) -> Figure:
    """Return the expected calibration error with the 95% interval of its sampling error.

    The error is a sum of absolute values: noise only adds to it, and a resample carries the noise twice. The
    resampled errors are therefore moved down by their mean excess over the error itself; not below 0.

    Args:
        probs: (N, C).
        truth: (N,), class numbers.
        draws: Of these pictures; by default each stands for itself.
        bins: Number of bins.
    """
    statistic = _calibration_error(probs, truth, bins)
    draws = draws or resampling(len(truth))
    raw = measure(statistic, draws)
    found = draws.values(statistic)
    excess = float(np.nanmean(found)) - raw.value if raw.low == raw.low else 0.0
    low = float(np.maximum(0, raw.low - excess))
    return Figure(raw.value, low, raw.high - excess, raw.count, raw.unit)


@dataclass(frozen=True, slots=True)
class ReliabilityBins:
    """Confidence against accuracy, of the bins that hold a picture.

    Attributes:
        confidence: (B,), mean confidence of each bin.
        accuracy: (B,), share of hits.
        count: (B,), pictures.
    """

    confidence: npt.NDArray[np.float64]
    accuracy: npt.NDArray[np.float64]
    count: Classes


def reliability_bins(probs: Floats, truth: Classes, bins: int = BINS) -> ReliabilityBins:
    """Return the points of a reliability diagram (Guo et al. 2017, figure 1); probs (N, C), truth (N,)."""
    confidence, hit, place = _confidences(probs, truth, bins)
    count = np.bincount(place, minlength=bins)
    held = count > 0
    means = [np.bincount(place, values, minlength=bins)[held] / count[held] for values in (confidence, hit)]
    return ReliabilityBins(means[0], means[1], count[held])


def _confidences(
    probs: Floats, truth: Classes, bins: int
) -> tuple[npt.NDArray[np.float64], npt.NDArray[np.float64], Classes]:
    """Return confidence, hit (0 or 1) and bin of every picture."""
    confidence = probs.max(axis=1).astype(np.float64)
    place = np.minimum((confidence * bins).astype(np.int64), bins - 1)
    return confidence, (probs.argmax(axis=1) == truth).astype(np.float64), place


def _calibration_error(probs: Floats, truth: Classes, bins: int) -> Statistic:
    confidence, hit, place = _confidences(probs, truth, bins)
    gaps = np.eye(bins)[place] * (hit - confidence)[:, None]

    def error(weights: Weights) -> npt.NDArray[np.float64]:
        return ratio(np.abs(weights @ gaps).sum(axis=1), weights.sum(axis=1))

    return error
