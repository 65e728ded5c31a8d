"""The same face read three ways, side by side, so that a visitor sees what a specialised network is good for."""

from __future__ import annotations

import time

from PySide6.QtCore import QRectF, QSize, Qt
from PySide6.QtGui import QKeyEvent, QPainter, QPaintEvent
from PySide6.QtWidgets import QSizePolicy, QWidget

from engines.card import EMOTIONS
from faceapp.analysis.analyzer import AUTO_MODELS
from faceapp.analysis.comparison import Comparison
from faceapp.ui.closeness import MEASURES, MEMORY_S, Closeness, ShownEmotions, Way
from faceapp.ui.comparison_column import Column, ColumnPainter
from faceapp.ui.readout import Readout
from faceapp.ui.steady import EasedValues
from faceapp.ui.theme import Theme, text_font

WAITING = "Waiting for a face to hide."
TOO_LITTLE = "Not enough of the face visible: no network is asked."
NOTHING_HIDDEN = "Choose a headset or a mask to draw on the face: key H, or the chooser in the toolbar."
REFERENCE = "the reading to come close to"
_GAP_PX = 10
_KINDS = {"headset": "behind a headset", "mask": "behind a mask"}


class ComparisonView(QWidget):
    """Three columns: whole face, half hidden, half hidden with the specialised network.

    What a network says of the whole face is the measure: of both readings of the hidden face, the one that is
    closer to it, averaged over three seconds, gets a tick, and the one with more ticks stands out.
    """

    def __init__(self, theme: Theme, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._theme = theme
        self._hint = WAITING
        self.clear()
        self.setMinimumSize(QSize(280, 200))
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Expanding)
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        self.setAccessibleName("Comparison side by side")
        self.setToolTip(
            f"A tick: nearer to the reading of the whole face, averaged over the last {MEMORY_S:g} s, so that it may "
            "differ from the numbers of this moment"
        )

    def set_theme(self, theme: Theme) -> None:
        """Change the colours."""
        self._theme = theme
        self.update()

    def clear(self) -> None:
        """Show no face."""
        self.comparison: Comparison | None = None
        self.closeness, self._emotions = Closeness(), ShownEmotions()
        self._bars = tuple(EasedValues(len(EMOTIONS)) for _ in range(3))
        self._columns: tuple[Column, ...] = ()
        self._readouts: tuple[Readout, ...] = ()
        self.setAccessibleDescription("")
        self.update()

    def set_hint(self, text: str) -> None:
        """Say what to do while there is no face to compare."""
        if text != self._hint:
            self._hint = text
            self.update()

    def show_comparison(self, comparison: Comparison, time_s: float) -> None:
        """Show one face's newest readings.

        Args:
            comparison: The face; another one, or another thing that hides it, starts afresh.
            time_s: The frame's time.
        """
        before = self.comparison
        if before is None or _subject(before) != _subject(comparison):
            self.clear()
            self._readouts = tuple(Readout(comparison.track_id) for _ in self._bars)
        self.comparison = comparison
        self.closeness.update(comparison, time_s)
        now_s = time.perf_counter()
        ways = (comparison.full_on_clean, comparison.full_on_hidden, comparison.specialised)
        for bars, readout, said in zip(self._bars, self._readouts, ways, strict=True):
            if said is not None:
                readout.take(said, time_s)
                bars.aim(said.emotion, now_s)
        self._columns = self._make_columns(comparison)
        self.setAccessibleDescription(self.spoken())
        self.update()

    def animate(self) -> None:
        """Repaint while the bars still move."""
        if any(not bars.settled(time.perf_counter() - 0.02) for bars in self._bars):
            self.update()

    def spoken(self) -> str:
        """Return the columns as sentences for a screen reader."""
        texts = []
        for column in self._columns:
            said = column.readout.values_text() if not column.reason else column.reason
            texts.append(f"{column.title}, {column.network}: {said}; {column.verdict}")
        return ". ".join(texts)

    def keyPressEvent(self, event: QKeyEvent) -> None:
        """Leave every key to the window."""
        event.ignore()

    def paintEvent(self, event: QPaintEvent) -> None:
        """Paint the columns, or the hint."""
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        painter.fillRect(self.rect(), self._theme.colour("background"))
        area = QRectF(self.rect()).adjusted(_GAP_PX, _GAP_PX, -_GAP_PX, -_GAP_PX)
        if not self._columns:
            painter.setFont(text_font(1.3))
            painter.setPen(self._theme.colour("muted"))
            flags = Qt.AlignmentFlag.AlignCenter | Qt.TextFlag.TextWordWrap
            painter.drawText(area.adjusted(30, 0, -30, 0), flags, self._hint)
            return
        width = (area.width() - 2 * _GAP_PX) / 3
        scale = ColumnPainter.scale_for(width, area.height())
        columns, now_s = ColumnPainter(painter, self._theme, scale), time.perf_counter()
        for index, column in enumerate(self._columns):
            place = QRectF(area.left() + index * (width + _GAP_PX), area.top(), width, area.height())
            columns.paint(column, place, self._bars[index].at(now_s).tolist())

    def _make_columns(self, comparison: Comparison) -> tuple[Column, ...]:
        emotions = self._emotions.update(comparison)
        clean, full, special = self._readouts
        missing = comparison.specialised is None
        kind = comparison.occlusion
        hidden = f"Face {_KINDS.get(kind, 'half hidden')}"
        reason = ""
        if missing:
            reason = f"No {kind} network is in use: the model Automatic takes {AUTO_MODELS[kind]} where it is installed."
        return (
            Column(
                "Whole face", "full-face network", comparison.clean_picture, clean, emotions, (), REFERENCE
            ),
            Column(
                hidden,
                "full-face network",
                comparison.hidden_picture,
                full,
                emotions,
                self._closer("full"),
                self._verdict("full"),
                self.closeness.winner == "full",
            ),
            Column(
                hidden,
                f"{kind} network",
                comparison.hidden_picture,
                special,
                emotions,
                self._closer("specialised"),
                "" if missing else self._verdict("specialised"),
                self.closeness.winner == "specialised",
                reason,
            ),
        )

    def _closer(self, way: Way) -> tuple[str, ...]:
        return tuple(measure for measure in MEASURES if self.closeness.closer(measure) == way)

    def _verdict(self, way: Way) -> str:
        other: Way = "full" if way == "specialised" else "specialised"
        count, against = self.closeness.count(way), self.closeness.count(other)
        if count + against == 0:
            return (
                ""
                if self.comparison is None or self.comparison.specialised is None
                else "as close as the other"
            )
        return f"closer in {count} of {count + against}" if count else "closer in none"


def _subject(comparison: Comparison) -> tuple[int, str, bool]:
    return comparison.track_id, comparison.occlusion, comparison.specialised is None
