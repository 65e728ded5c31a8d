"""A benchmark as a picture: a panel for each batch size, a bar for each back end, its floor as a line."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from engines.errors import EngineError
from engines.measure.bench import Report, Row

_BAR, _TAIL, _FLOOR = "#3b6ea5", "#8a8f98", "#c0392b"


def draw_bench(report: Report, path: Path) -> None:
    """Draw a report.

    Args:
        report: From `engines.measure.bench.bench`.
        path: PNG to write.

    Raises:
        EngineError: matplotlib is not installed, or the file can't be written.
    """
    try:
        from matplotlib.figure import Figure
    except ImportError as error:
        raise EngineError(
            f"the picture is drawn with matplotlib ({error}); run: pip install matplotlib"
        ) from error
    batches = sorted({row.batch for row in report.rows})
    names = list(dict.fromkeys(row.backend for row in report.rows))
    figure = Figure(figsize=(3.6 + 2.6 * len(batches), 1.6 + 0.36 * len(names)), layout="constrained")
    axes = figure.subplots(1, len(batches), squeeze=False, sharey=True)[0]
    for axis, batch in zip(axes, batches, strict=True):
        rows = {row.backend: row for row in report.rows if row.batch == batch}
        _draw_batch(axis, [rows[name] for name in names])
        axis.set_title(f"{batch} face{'s' if batch > 1 else ''}", fontsize=10)
    axes[0].invert_yaxis()  # the panels share it
    figure.suptitle(
        f"{report.model}: milliseconds a call, {report.threads} thread{'s' if report.threads > 1 else ''} a run (plain "
        "onnxruntime: its own number)",
        fontsize=11,
    )
    figure.supxlabel(
        f"bar: median, whisker: p99, line: floor from operations and bytes. {report.processor}", fontsize=8
    )
    try:
        figure.savefig(path, dpi=110)
    except (OSError, ValueError) as error:
        raise EngineError(f"{path}: the picture can't be written ({error}); choose another file") from error


def _draw_batch(axis: Any, rows: list[Row]) -> None:
    places = range(len(rows))
    axis.barh(places, [row.p50_ms for row in rows], height=0.62, color=_BAR)
    axis.hlines(places, [row.p50_ms for row in rows], [row.p99_ms for row in rows], color=_TAIL, lw=1.6)
    for place, row in zip(places, rows, strict=True):
        if row.floor_ms is not None:
            axis.vlines(row.floor_ms, place - 0.38, place + 0.38, color=_FLOOR, lw=2)
        axis.text(row.p99_ms, place, f"  {row.p50_ms:.2f}", va="center", fontsize=8)
    axis.set_yticks(places, [row.backend for row in rows], fontsize=9)
    axis.set_xlim(0, 1.3 * max(row.p99_ms for row in rows))
    axis.tick_params(axis="x", labelsize=8)
    axis.spines[["top", "right"]].set_visible(False)
