"""The picture of a training run's curves."""

from __future__ import annotations

import csv
from collections.abc import Callable
from pathlib import Path

_PANELS: dict[str, Callable[[str], bool]] = {
    "training loss": lambda name: name.startswith("loss_"),
    "validation accuracy, share": lambda name: name.endswith("_accuracy"),
    "validation age error, years": lambda name: name.endswith("_age_error"),
    "validation calibration error, share": lambda name: name.endswith("_calibration_error"),
    "learning rate": lambda name: name == "learning_rate",
}


def draw_curves(table: Path, picture: Path) -> None:
    """Draw a `curves.csv` over the epochs: losses, accuracies, age error, calibration error and learning rate.

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
    panels = [(title, [name for name in rows[0] if chosen(name)]) for title, chosen in _PANELS.items()]
    panels = [(title, names) for title, names in panels if names]
    figure, axes = pyplot.subplots(1, len(panels), figsize=(4.2 * len(panels), 3.6), squeeze=False)
    for panel, (title, names) in zip(axes[0], panels, strict=True):
        for name in names:
            label = name.removeprefix("loss_").replace("_", " ")
            panel.plot(epochs, [float(row[name]) for row in rows], label=label, marker=".", markersize=3)
        panel.set_title(title, fontsize=10)
        panel.set_xlabel("epoch")
        panel.grid(alpha=0.25)
        panel.legend(fontsize=7)
    figure.tight_layout()
    figure.savefig(picture, dpi=100)
    pyplot.close(figure)
