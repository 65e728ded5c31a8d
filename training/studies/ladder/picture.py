"""The rows of a ladder as bars with intervals."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from matplotlib.axes import Axes
from matplotlib.figure import Figure as Picture

from training.measuring.metrics import Figure

_DOTS_PER_INCH = 160
_ROW_INCHES = 0.34
_PANEL_INCHES = 4.6
_LABEL_INCHES = 2.6
_COLOURS = {
    "teacher": "#777777",
    "student": "#56B4E9",
    "distilled": "#0072B2",
    "SVM": "#E69F00",
    "combination": "#009E73",
}
"""Kind of row -> colour, of Okabe and Ito."""
_NAMES = {
    "accuracy": "accuracy, percent",
    "weighted_accuracy": "weighted accuracy (mean recall), percent",
    "age_error": "age error, years (less is better)",
}


def draw_ladder(
    rows: Mapping[str, Mapping[str, Figure]], kinds: Mapping[str, str], title: str, path: Path
) -> None:
    """Draw every row's figures as bars from 0 with their 95% intervals and numbers.

    Args:
        rows: What a row is -> kind of figure -> figure.
        kinds: What a row is -> a key of the colours: teacher, student, distilled, SVM or combination.
        title: Above the picture.
        path: PNG to write.
    """
    names = list(next(iter(rows.values())))
    size = (_LABEL_INCHES + _PANEL_INCHES * len(names), 1.5 + _ROW_INCHES * len(rows))
    picture = Picture(figsize=size, layout="constrained")
    panels = picture.subplots(1, len(names), squeeze=False, sharey=True)[0]
    for axes, name in zip(panels, names, strict=True):
        _draw_panel(axes, name, {row: figures[name] for row, figures in rows.items()}, kinds)
    panels[0].set_yticks(range(len(rows)), list(rows), fontsize=9)
    panels[0].invert_yaxis()
    picture.suptitle(title, fontsize=11)
    picture.savefig(path, dpi=_DOTS_PER_INCH)


def _draw_panel(axes: Axes, name: str, figures: Mapping[str, Figure], kinds: Mapping[str, str]) -> None:
    scale = 1 if name == "age_error" else 100
    far = max(scale * max(figure.high, figure.value) for figure in figures.values())
    for row, (text, figure) in enumerate(figures.items()):
        value = scale * figure.value
        axes.barh(row, value, height=0.66, color=_COLOURS[kinds[text]], alpha=0.75)
        axes.plot([scale * figure.low, scale * figure.high], [row, row], color="black", linewidth=1.3)
        digits = 1 if scale == 100 else 2
        numbers = [f"{number:.{digits}f}" for number in (value, scale * figure.low, scale * figure.high)]
        axes.text(1.03 * far, row, "{}  [{}, {}]".format(*numbers), va="center", fontsize=8)
    axes.set_xlim(0, 1.55 * far)
    axes.set_xticks([tick for tick in axes.get_xticks() if tick <= 1.05 * far])
    axes.set_xlabel(_NAMES[name], fontsize=9)
    axes.tick_params(axis="x", labelsize=8)
    axes.tick_params(axis="y", length=0)
    axes.spines[["top", "right"]].set_visible(False)
