"""The picture of a learning curve: a task a column, error over faces above and over batches below, both axes logarithmic."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from matplotlib.axes import Axes
from matplotlib.figure import Figure as Picture
from matplotlib.ticker import FixedLocator, FuncFormatter, MaxNLocator, NullLocator

from training.studies.learning_curve.findings import Finding, Point
from training.studies.learning_curve.plan import Plan

_HELD_OUT, _SEEN = "#0072b2", "#d55e00"
_PANEL_INCHES = (2.9, 2.6)


def draw_learning_curve(plan: Plan, found: Sequence[Finding], path: Path) -> None:
    """Draw the errors of held-out faces and of training faces, with 95% intervals.

    Args:
        plan: The study.
        found: The tasks.
        path: PNG to write.
    """
    width, height = _PANEL_INCHES
    picture = Picture(figsize=(width * len(found), 2 * height + 0.3), layout="constrained")
    panels = picture.subplots(2, len(found), squeeze=False, sharey="col")
    for (upper, lower), one in zip(panels.T, found, strict=True):
        _draw_line(upper, one, [point for point in one.points if point.length == 1], "faces")
        _draw_line(lower, one, [point for point in one.points if point.share == 1], "steps")
        upper.set_title(one.column.title, fontsize=10)
        upper.set_xlabel("training faces", fontsize=9)
        lower.set_xlabel("batches", fontsize=9)
    for axes in panels[:, 0]:
        axes.set_ylabel("error", fontsize=9)
    handles, labels = panels[0][0].get_legend_handles_labels()
    picture.legend(handles, labels, loc="outside lower center", ncols=len(labels), fontsize=9, frameon=False)
    picture.savefig(path, dpi=100)


def _draw_line(axes: Axes, found: Finding, points: Sequence[Point], amount: str) -> None:
    scale = 100 if found.column.unit == "share" else 1
    kept = sorted((point for point in points if not point.larger), key=lambda point: getattr(point, amount))
    for name, color, label in (("held_out", _HELD_OUT, "held-out faces"), ("seen", _SEEN, "training faces")):
        _draw_errors(axes, kept, amount, name, scale, color=color, label=label, marker="o", linestyle="-")
        larger = [point for point in points if point.larger]
        label = f"larger network, {label}"
        _draw_errors(axes, larger, amount, name, scale, color=color, label=label, marker="s", linestyle="")
    axes.set_xscale("log")
    axes.set_yscale("log")
    axes.xaxis.set_major_locator(FixedLocator([getattr(point, amount) for point in kept]))
    axes.xaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:,.0f}"))
    unit = "%" if found.column.unit == "share" else " y"
    axes.yaxis.set_major_locator(MaxNLocator(5))
    axes.yaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:g}{unit}"))
    for axis in (axes.xaxis, axes.yaxis):
        axis.set_minor_locator(NullLocator())
    axes.tick_params(labelsize=8)
    axes.grid(alpha=0.25)


def _draw_errors(
    axes: Axes, points: Sequence[Point], amount: str, part: str, scale: float, **style: str
) -> None:
    if not points:
        return
    figures = [getattr(point, part) for point in points]
    values = [scale * figure.value for figure in figures]
    below = [scale * (figure.value - figure.low) for figure in figures]
    above = [scale * (figure.high - figure.value) for figure in figures]
    places = [getattr(point, amount) for point in points]
    axes.errorbar(places, values, yerr=[below, above], markersize=4, capsize=2, linewidth=1.3, **style)
