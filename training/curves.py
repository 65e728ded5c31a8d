"""The picture of a training run's curves."""

from __future__ import annotations

import csv
from pathlib import Path

_BASE_COLUMNS = ("epoch", "learning_rate", "duration_s")


def draw_curves(table: Path, picture: Path) -> None:
    """Draw every column of a `curves.csv` over the epochs, losses together, each figure in its own panel.

    Args:
        table: The CSV that `training.loop.fit` writes.
        picture: PNG to write.
    """
    import matplotlib

    matplotlib.use("Agg")
    from matplotlib import pyplot

    with table.open(newline="") as stream:
        rows = list(csv.DictReader(stream))
    epochs = [int(row["epoch"]) for row in rows]
    losses = [name for name in rows[0] if name.startswith("loss_")]
    figures = [name for name in rows[0] if name not in _BASE_COLUMNS and name not in losses]
    columns = 3
    lines = -(-(1 + len(figures)) // columns)
    figure, axes = pyplot.subplots(lines, columns, figsize=(4 * columns, 2.8 * lines), squeeze=False, layout="constrained")
    panels = axes.ravel()
    for name in losses:
        panels[0].plot(epochs, [float(row[name]) for row in rows], label=name.removeprefix("loss_"))
    panels[0].set_title("training loss")
    panels[0].legend(fontsize=8)
    for panel, name in zip(panels[1:], figures, strict=False):
        panel.plot(epochs, [float(row[name]) for row in rows], marker=".", color="#3B6FB6")
        panel.set_title(name.replace("_", " "))
    for panel in panels:
        panel.set_xlabel("epoch")
        panel.grid(alpha=0.25)
    for panel in panels[1 + len(figures) :]:
        panel.set_visible(False)
    figure.savefig(picture, dpi=110)
    pyplot.close(figure)
