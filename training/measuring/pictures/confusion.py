"""Confusion matrices as a picture."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
from matplotlib.axes import Axes
from matplotlib.figure import Figure as Picture

from training.measuring.answers import Confusion

_CELL_INCHES = 0.5
_SMALLEST_PANEL_INCHES = 2.0
_LABELS_INCHES = 2.1
_DOTS_PER_INCH = 160


def draw_confusions(found: Mapping[str, Confusion], title: str, path: Path) -> None:
    """Draw the confusion matrix of every task side by side: rows truth, percent of each row.

    Args:
        found: Task -> its counts.
        title: Above the picture.
        path: PNG to write.
    """
    sides = [max(_SMALLEST_PANEL_INCHES, _CELL_INCHES * len(confused.labels)) for confused in found.values()]
    size = (sum(sides) + _LABELS_INCHES * len(sides), max(sides) + _LABELS_INCHES - 0.4)
    picture = Picture(figsize=size, layout="constrained")
    widths = [side + _LABELS_INCHES for side in sides]
    panels = picture.subplots(1, len(sides), squeeze=False, width_ratios=widths)[0]
    for axes, (task, confused) in zip(panels, found.items(), strict=True):
        _draw_matrix(axes, task, confused)
    picture.suptitle(f"{title}: percent of each row", fontsize=11)
    picture.savefig(path, dpi=_DOTS_PER_INCH)


def _draw_matrix(axes: Axes, task: str, confused: Confusion) -> None:
    totals = confused.counts.sum(axis=1)
    shares = confused.counts / np.maximum(totals, 1)[:, None]
    axes.imshow(shares, cmap="Blues", vmin=0, vmax=1)
    _write_cells(axes, confused.counts, shares)
    names = [label.replace("_", " ") for label in confused.labels]
    unit = ", years" if task == "age group" else ""
    slant: dict[str, Any] = (
        {"rotation": 40, "ha": "right", "rotation_mode": "anchor"} if len(names) > 2 else {}
    )
    axes.set_xticks(range(len(names)), names, fontsize=9, **slant)
    axes.set_yticks(
        range(len(names)),
        [f"{name} ({total:,})" for name, total in zip(names, totals, strict=True)],
        fontsize=9,
    )
    axes.set_xticks(np.arange(1, len(names)) - 0.5, minor=True)
    axes.set_yticks(np.arange(1, len(names)) - 0.5, minor=True)
    axes.grid(which="minor", color="white", linewidth=1)
    axes.tick_params(which="both", length=0)
    axes.spines[:].set_visible(False)
    axes.set_xlabel(f"predicted {task}{unit}", fontsize=9)
    axes.set_ylabel(f"true {task}{unit} (pictures)", fontsize=9)


def _write_cells(axes: Axes, counts: npt.NDArray[np.int64], shares: npt.NDArray[np.float64]) -> None:
    """Write the percent of every cell that is not empty; the diagonal in bold."""
    for row, column in np.ndindex(*counts.shape):
        if counts[row, column]:
            percent = 100 * shares[row, column]
            axes.text(
                column,
                row,
                "<1" if percent < 0.5 else f"{percent:.0f}",
                ha="center",
                va="center",
                color="white" if shares[row, column] > 0.5 else "#222222",
                fontsize=9,
                fontweight="bold" if row == column else "normal",
            )
