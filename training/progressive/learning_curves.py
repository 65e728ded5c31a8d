"""Figure 5 of the paper: how fast a task is learned with lateral connections and without."""

from __future__ import annotations

import csv
from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
import numpy.typing as npt
from matplotlib.axes import Axes
from matplotlib.figure import Figure

WITH = "with lateral connections"
WITHOUT = "alone"
_COLOURS = {WITH: "#0072b2", WITHOUT: "#d55e00"}
_PANEL_INCHES = (3.5, 3.2)

Curves = Sequence[npt.NDArray[np.float64]]
"""One accuracy an epoch, of each of several runs."""


def read_accuracy(table: Path, part: str = "validation") -> npt.NDArray[np.float64]:
    """Return a part's accuracy after every epoch, float64 (epochs,), from a run's `curves.csv`."""
    with table.open(newline="") as stream:
        return np.array([float(row[f"{part}_accuracy"]) for row in csv.DictReader(stream)])


def draw_learning_curves(tasks: Mapping[str, Mapping[str, Curves]], path: Path) -> None:
    """Draw the mean over the runs and, shaded, the least and the most, a panel a task.

    Args:
        tasks: Title of the panel -> `WITH` and `WITHOUT` -> curves.
        path: PNG to write.
    """
    width, height = _PANEL_INCHES
    picture = Figure(figsize=(width * len(tasks), height), layout="constrained")
    panels = picture.subplots(1, len(tasks), squeeze=False)[0]
    for axes, (title, lines) in zip(panels, tasks.items(), strict=True):
        for label, curves in lines.items():
            _draw_line(axes, label, curves)
        axes.set_title(title, fontsize=10)
        axes.set_xlabel("epoch", fontsize=9)
        axes.xaxis.get_major_locator().set_params(integer=True)
        axes.grid(alpha=0.25)
    panels[0].set_ylabel("validation accuracy, %", fontsize=9)
    panels[0].legend(fontsize=8, frameon=False, loc="lower right")
    picture.savefig(path, dpi=110)


def _draw_line(axes: Axes, label: str, curves: Curves) -> None:
    epochs = min(len(curve) for curve in curves)
    values = 100 * np.stack([curve[:epochs] for curve in curves])
    numbers = np.arange(1, epochs + 1)
    axes.plot(numbers, values.mean(axis=0), color=_COLOURS[label], label=label, marker=".", markersize=5)
    if len(values) > 1:
        axes.fill_between(
            numbers, values.min(axis=0), values.max(axis=0), color=_COLOURS[label], alpha=0.18, linewidth=0
        )
