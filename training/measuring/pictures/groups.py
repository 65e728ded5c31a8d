"""Age error and gender accuracy by age group and race group, as a picture."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

from matplotlib.axes import Axes
from matplotlib.figure import Figure as Picture

from training.measuring.metrics import Figure
from training.measuring.report_tables import GROUPED, figure_name

_DOTS_PER_INCH = 160
_ROW_INCHES = 0.27
_WIDTH_INCHES = 3.9
_BLUE, _GRAY = "#0072B2", "#777777"


def draw_groups(
    groups: Mapping[str, Mapping[str, Figure]], overall: Mapping[str, Figure], title: str, path: Path
) -> None:
    """Draw figures of groups as points with their 95% intervals, beside the figure over all pictures.

    Args:
        groups: Group -> kind of figure -> figure, see `training.measuring.report_tables.grouped`.
        overall: Kind of figure -> figure over all pictures.
        title: Above the picture.
        path: PNG to write.
    """
    kinds = [kind for kind in GROUPED if any(kind in row for row in groups.values())]
    size = (_WIDTH_INCHES * len(kinds), 1.3 + _ROW_INCHES * len(groups))
    picture = Picture(figsize=size, layout="constrained")
    panels = picture.subplots(1, len(kinds), squeeze=False)[0]
    for axes, kind in zip(panels, kinds, strict=True):
        rows = [(group, row[kind]) for group, row in groups.items() if kind in row]
        _draw_column(axes, figure_name(kind), overall[kind], rows)
    picture.suptitle(f"{title}: groups with 95% intervals, dashed line over all", fontsize=11)
    picture.savefig(path, dpi=_DOTS_PER_INCH)


def _draw_column(axes: Axes, heading: str, overall: Figure, groups: Sequence[tuple[str, Figure]]) -> None:
    scale = 100 if overall.unit == "share" else 1
    axes.axvline(scale * overall.value, color=_GRAY, linestyle="--", linewidth=1)
    for row, (_, figure) in enumerate(groups):
        axes.plot(
            [scale * figure.low, scale * figure.high], [row, row], color=_BLUE, linewidth=1.6, alpha=0.6
        )
        axes.plot(scale * figure.value, row, color=_BLUE, marker="o", markersize=5)
    axes.set_yticks(
        range(len(groups)), [f"{name} (n={figure.count:,})" for name, figure in groups], fontsize=8
    )
    axes.invert_yaxis()
    axes.grid(axis="x", alpha=0.25)
    axes.tick_params(axis="x", labelsize=8)
    axes.set_xlabel("percent" if overall.unit == "share" else overall.unit, fontsize=9)
    axes.set_title(f"{heading}; all: {overall.value_text()}", fontsize=9)
