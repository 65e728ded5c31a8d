"""People's own labels in a face's card: a row each with its name, its last half minute and its number."""

from __future__ import annotations

import math
from collections import deque
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

from PySide6.QtCore import QPointF, QRectF, Qt
from PySide6.QtGui import QFontMetricsF, QPainter, QPen, QPolygonF

from faceapp.ui.steady import SteadyNumber
from faceapp.ui.theme import Theme, text_font

SPAN_S = 30.0
_STEP_S = 0.2
SHOWN = 3
"""Rows in a card; further labels are in the table of a session."""
_LIKELY = 0.5


@dataclass(slots=True)
class LabelTrace:
    """One label of one face.

    Attributes:
        number: Its probability as shown, steady; NaN where it is not read.
        points: Time and probability over the last 30 s, five a second; NaN where it was not read.
    """

    number: float = math.nan
    points: deque[tuple[float, float]] = field(
        default_factory=lambda: deque(maxlen=int(SPAN_S / _STEP_S) + 1)
    )
    _steady: SteadyNumber = field(default_factory=lambda: SteadyNumber(0.01))

    def update(self, value: float, time_s: float) -> None:
        """Take over one frame's probability."""
        self.number = self._steady.update(value, time_s)
        if not self.points or time_s - self.points[-1][0] >= _STEP_S - 1e-6:
            self.points.append((time_s, value))


def update_traces(traces: dict[str, LabelTrace], labels: Iterable[tuple[str, float]], time_s: float) -> None:
    """Take over one frame's labels; those no longer read are forgotten."""
    values = dict(labels)
    for name in [name for name in traces if name not in values]:
        del traces[name]
    for name, value in values.items():
        traces.setdefault(name, LabelTrace()).update(value, time_s)


def paint_labels(
    painter: QPainter, area: QRectF, traces: Sequence[tuple[str, LabelTrace]], theme: Theme, scale: float
) -> None:
    """Paint the rows from the top of an area that has room for them."""
    metrics = QFontMetricsF(text_font(scale))
    height = area.height() / max(len(traces), 1)
    widest = min(max((metrics.horizontalAdvance(name) for name, _ in traces), default=0), area.width() * 0.4)
    for row, (name, trace) in enumerate(traces):
        cell = QRectF(area.left(), area.top() + row * height, area.width(), height)
        likely = trace.number >= _LIKELY
        painter.setFont(text_font(scale))
        painter.setPen(theme.colour("text" if likely else "muted"))
        words = metrics.elidedText(name, Qt.TextElideMode.ElideRight, widest)
        painter.drawText(cell, Qt.AlignmentFlag.AlignLeft | Qt.AlignmentFlag.AlignVCenter, words)
        number = "" if math.isnan(trace.number) else f"{trace.number:.2f}"
        painter.drawText(cell, Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter, number)
        chart = cell.adjusted(
            widest + metrics.height() * 0.5,
            height * 0.15,
            -metrics.horizontalAdvance("0.00") * 1.35,
            -height * 0.15,
        )
        _paint_trace(painter, chart, trace, theme)


def _paint_trace(painter: QPainter, area: QRectF, trace: LabelTrace, theme: Theme) -> None:
    painter.setPen(Qt.PenStyle.NoPen)
    painter.setBrush(theme.colour("track"))
    painter.drawRoundedRect(area, 2, 2)
    painter.setPen(QPen(theme.colour("text"), 1.3))
    for line in _lines(trace, area):
        painter.drawPolyline(line)


def _lines(trace: LabelTrace, area: QRectF) -> list[QPolygonF]:
    """Return the curve in pieces, broken where the label was not read."""
    lines: list[QPolygonF] = []
    piece = QPolygonF()
    now_s = trace.points[-1][0] if trace.points else 0.0
    for time_s, value in trace.points:
        if math.isnan(value):
            lines, piece = [*lines, piece], QPolygonF()
            continue
        x = area.right() - (now_s - time_s) / SPAN_S * area.width()
        if x >= area.left():
            piece.append(QPointF(x, area.bottom() - 1 - value * (area.height() - 2)))
    return [line for line in (*lines, piece) if line.size() > 1]
