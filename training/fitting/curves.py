"""The picture of a training run's curves."""

from __future__ import annotations

import csv
from collections.abc import Callable
from itertools import cycle
from pathlib import Path

Chosen = Callable[[str], bool]

_PANELS: tuple[tuple[str, str, Chosen], ...] = (
    ("training loss", "", lambda name: name.startswith("loss_")),
    ("validation accuracy", "%", lambda name: name.endswith(("n_accuracy", "r_accuracy", "e_accuracy"))),
    ("validation age error", "years", lambda name: name.endswith("_age_error")),
    ("validation calibration error", "%", lambda name: name.endswith("_calibration_error")),
    ("learning rate", "", lambda name: name == "learning_rate"),
)
_COLORS = ("#0072b2", "#d55e00", "#009e73", "#cc79a7", "#e69f00", "#56b4e9")
"""Of Okabe and Ito, which people who see few colours can tell apart."""


def draw_curves(table: Path, picture: Path) -> None:
    """Draw a `curves.csv` over the epochs: losses, accuracies, age error, calibration error and learning rate.

    Args:
        table: The CSV that `training.fitting.loop.fit` writes.
        picture: PNG to write.
    """
    import matplotlib

    matplotlib.use("Agg")
    from matplotlib import pyplot

    with table.open(newline="") as stream:
        rows = list(csv.DictReader(stream))
    epochs = [int(row["epoch"]) for row in rows]
    panels = [(title, unit, [name for name in rows[0] if chosen(name)]) for title, unit, chosen in _PANELS]
    panels = [panel for panel in panels if panel[2]]
    figure, axes = pyplot.subplots(
        1, len(panels), figsize=(3.6 * len(panels), 4.2), squeeze=False, layout="constrained"
    )
    for panel, (title, unit, names) in zip(axes[0], panels, strict=True):
        scale = 100 if unit == "%" else 1
        for name, color in zip(names, cycle(_COLORS)):
            values = [scale * float(row[name]) for row in rows]
            panel.plot(epochs, values, label=_label(name), color=color, marker=".", markersize=4)
        panel.set_title(f"{title}, {unit}" if unit else title, fontsize=10)
        panel.set_xlabel("epoch")
        panel.xaxis.get_major_locator().set_params(integer=True)
        panel.grid(alpha=0.25)
        panel.legend(fontsize=8, loc="upper center", bbox_to_anchor=(0.5, -0.16), frameon=False)
    figure.savefig(picture, dpi=100)
    pyplot.close(figure)


def _label(name: str) -> str:
    kept = name.removeprefix("loss_")
    for ending in ("_accuracy", "_error", "_calibration"):
        kept = kept.removesuffix(ending)
    return kept.replace("_", " ")
