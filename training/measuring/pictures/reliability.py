"""Reliability diagrams as a picture (Guo et al.: On calibration of modern neural networks, 2017, figure 1)."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import numpy as np
import numpy.typing as npt
from matplotlib.axes import Axes
from matplotlib.figure import Figure as Picture

from training.measuring.answers import Answers
from training.measuring.metrics import Figure
from training.measuring.reliability import BINS, ReliabilityBins, reliability_bins

_DOTS_PER_INCH = 160
_PANEL_INCHES = (3.3, 4.3)
_BLUE, _GRAY = "#0072B2", "#777777"
_95_PERCENT = 1.96


def draw_reliability(
    found: Mapping[str, Answers], errors: Mapping[str, Figure], title: str, path: Path
) -> None:
    """Draw confidence against accuracy for every task, above how many pictures have that confidence.

    Args:
        found: Task -> what was said and right.
        errors: Task -> expected calibration error.
        title: Above the picture.
        path: PNG to write.
    """
    picture = Picture(figsize=(_PANEL_INCHES[0] * len(found), _PANEL_INCHES[1]), layout="constrained")
    panels = picture.subplots(2, len(found), squeeze=False, sharex="col", height_ratios=[3, 1])
    for number, (task, answer) in enumerate(found.items()):
        bins = reliability_bins(answer.probs, answer.truth)
        chance = 1 / len(answer.labels)
        _draw_points(panels[0, number], bins, chance)
        _draw_counts(panels[1, number], answer, chance)
        panels[0, number].set_title(_heading(task, len(answer.truth), errors[task]), fontsize=9)
    panels[0, 0].set_ylabel("accuracy, percent", fontsize=9)
    panels[1, 0].set_ylabel("pictures", fontsize=9)
    picture.suptitle(title, fontsize=11)
    picture.savefig(path, dpi=_DOTS_PER_INCH)


def _heading(task: str, count: int, error: Figure) -> str:
    return f"{task}, n = {count:,}\ncalibration error {error.value_text()} {error.interval_text()}"


def _draw_points(axes: Axes, bins: ReliabilityBins, chance: float) -> None:
    """Draw one point a bin with the 95% Wilson interval of its accuracy."""
    low, high = _wilson(bins)
    axes.plot([0, 100], [0, 100], color=_GRAY, linestyle="--", linewidth=1, label="calibrated")
    axes.errorbar(
        100 * bins.confidence,
        100 * bins.accuracy,
        yerr=100 * np.stack([bins.accuracy - low, high - bins.accuracy]).clip(0),
        color=_BLUE,
        marker="o",
        markersize=4,
        linewidth=1.2,
        elinewidth=0.9,
        capsize=2,
        label="measured, 95% interval",
    )
    axes.set_xlim(100 * chance - 2, 102)
    axes.set_ylim(-2, 102)
    axes.grid(alpha=0.25)
    axes.legend(fontsize=8, loc="lower right", framealpha=0.9, edgecolor="none")
    axes.tick_params(labelsize=8)


def _draw_counts(axes: Axes, answer: Answers, chance: float) -> None:
    axes.hist(
        100 * answer.probs.max(axis=1), bins=np.linspace(0, 100, BINS + 1).tolist(), color=_BLUE, alpha=0.7
    )
    axes.set_xlim(100 * chance - 2, 102)
    axes.set_xlabel("confidence, percent", fontsize=9)
    axes.tick_params(labelsize=8)


def _wilson(bins: ReliabilityBins) -> tuple[npt.NDArray[np.float64], npt.NDArray[np.float64]]:
    """Return Wilson's interval of each bin's accuracy: it stays inside 0 to 1, also for few pictures."""
    square = _95_PERCENT**2 / bins.count
    middle = (bins.accuracy + square / 2) / (1 + square)
    spread = np.sqrt(bins.accuracy * (1 - bins.accuracy) * square + square**2 / 4) / (1 + square)
    return middle - spread, middle + spread
