"""The timeline: the chosen face's eight emotions over the last 30 seconds, with markers as flags."""

from __future__ import annotations

import pyqtgraph as pg
from PySide6.QtCore import QRectF, QSize, Qt
from PySide6.QtGui import QColor, QFontMetricsF, QPainter, QPaintEvent
from PySide6.QtWidgets import QHBoxLayout, QWidget

from engines.card import EMOTIONS
from faceapp.ui.emotion_lines import EmotionLines
from faceapp.ui.history import SPAN_S, History
from faceapp.ui.theme import EMOTION_QCOLOURS, Theme, text_font

_TICKS_S = (-30, -20, -10, 0)
_FLAG_S = 2.5
"""About as far as a flag's label reaches at the usual width; a nearer one is set lower."""
_FLAG_PLACES = (0.9, 0.66, 0.42)


class Timeline(QWidget):
    """Eight lines that scroll by time, and their names in the order of the bars."""

    def __init__(self, theme: Theme, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._plot = pg.PlotWidget(background=None)
        self._plot.setFocusPolicy(Qt.FocusPolicy.NoFocus)
        self._plot.setAcceptDrops(False)  # a dropped video is for the window
        self._plot.setMinimumSize(160, 70)
        item = self._plot.getPlotItem()
        item.setMenuEnabled(False)
        item.hideButtons()
        item.setMouseEnabled(x=False, y=False)
        item.layout.setContentsMargins(2, 6, 18, 0)  # room for the outermost labels
        item.setXRange(-SPAN_S, 0, padding=0)
        item.setYRange(0, 1, padding=0.09)
        item.getViewBox().setDefaultPadding(0)
        item.getAxis("bottom").setTicks([[(t, f"{t} s" if t else "now") for t in _TICKS_S]])
        item.getAxis("left").setTicks([[(0, "0"), (0.5, "0.5"), (1, "1")]])
        self._lines = EmotionLines(theme)
        item.addItem(self._lines)
        self._flags: list[pg.InfiniteLine] = []
        self._legend = _Legend(theme)
        layout = QHBoxLayout(self)
        layout.setContentsMargins(6, 0, 12, 6)
        layout.setSpacing(10)
        layout.addWidget(self._plot, 1)
        layout.addWidget(self._legend)
        self.setAccessibleName("Timeline of emotions, last 30 seconds")
        self.set_theme(theme)

    def set_theme(self, theme: Theme) -> None:
        """Change the colours."""
        self._theme = theme
        self._legend.set_theme(theme)
        item = self._plot.getPlotItem()
        for name in ("left", "bottom"):
            axis = item.getAxis(name)
            axis.setPen(pg.mkPen(theme.line))
            axis.setTextPen(pg.mkPen(theme.muted))
            axis.setTickFont(text_font(0.85))
            axis.setStyle(tickLength=0, hideOverlappingLabels=False)
        self._lines.set_theme(theme)
        for line in self._flags:
            self._plot.removeItem(line)
        self._flags.clear()

    def show_history(self, history: History, track_id: int | None) -> None:
        """Draw one face's lines and all flags.

        Args:
            history: The last half minute.
            track_id: The face; None or an unknown one leaves the chart empty.
        """
        found = history.lines(track_id)
        if found is None:
            self._lines.clear()
        else:
            self._lines.set_lines(*found)
        self._show_flags([(flag.time_s - history.now_s, flag.label) for flag in history.flags])

    def _show_flags(self, flags: list[tuple[float, str]]) -> None:
        shown = sorted(flag for flag in flags if flag[0] >= -SPAN_S)
        while len(self._flags) < len(shown):
            line = pg.InfiniteLine(
                angle=90,
                pen=pg.mkPen(self._theme.muted, width=1),
                label="",
                labelOpts={"position": 0.9, "color": self._theme.background, "fill": self._theme.text},
            )
            self._flags.append(line)
            self._plot.addItem(line)
        places = _flag_places([time_s for time_s, _ in shown])
        for index, line in enumerate(self._flags):
            line.setVisible(index < len(shown))
            if index < len(shown):
                line.setValue(shown[index][0])
                line.label.setFormat(f" {shown[index][1]} ")
                line.label.setPosition(places[index])


def _flag_places(times_s: list[float]) -> list[float]:
    """Return how high the label of each flag is, so that neighbours don't lie on each other."""
    rows: list[int] = []
    for index, time_s in enumerate(times_s):
        near = index > 0 and time_s - times_s[index - 1] < _FLAG_S
        rows.append((rows[-1] + 1) % len(_FLAG_PLACES) if near else 0)
    return [_FLAG_PLACES[row] for row in rows]


class _Legend(QWidget):
    """The names of the emotions with their colours, from the first to the last."""

    def __init__(self, theme: Theme) -> None:
        super().__init__()
        self.set_theme(theme)

    def set_theme(self, theme: Theme) -> None:
        self._theme = theme
        self._font = text_font(0.85)
        metrics = QFontMetricsF(self._font)
        self._row = metrics.height()
        self.setFixedWidth(round(max(metrics.horizontalAdvance(name) for name in EMOTIONS) + 26))
        self.update()

    def sizeHint(self) -> QSize:
        return QSize(self.width(), round(self._row * len(EMOTIONS)))

    def paintEvent(self, event: QPaintEvent) -> None:
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        painter.setFont(self._font)
        row = min(self.height() / len(EMOTIONS), self._row * 1.5)
        top = (self.height() - row * len(EMOTIONS)) / 2
        for index, (name, colour) in enumerate(zip(EMOTIONS, EMOTION_QCOLOURS, strict=True)):
            y = top + row * index
            painter.setPen(Qt.PenStyle.NoPen)
            painter.setBrush(QColor(colour))
            painter.drawRoundedRect(QRectF(2, y + row / 2 - 2, 14, 4), 2, 2)
            painter.setPen(self._theme.colour("muted"))
            painter.drawText(QRectF(24, y, self.width() - 24, row), Qt.AlignmentFlag.AlignVCenter, name)
