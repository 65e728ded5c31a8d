"""One face's card: what was read, as words, bars and numbers."""

from __future__ import annotations

import time

from PySide6.QtCore import QRectF, QSize, Qt, Signal
from PySide6.QtGui import (
    QColor,
    QFocusEvent,
    QFontMetricsF,
    QKeyEvent,
    QMouseEvent,
    QPainter,
    QPaintEvent,
    QPen,
)
from PySide6.QtWidgets import QSizePolicy, QWidget

from engines.card import EMOTIONS
from faceapp.ui.badge import Badge
from faceapp.ui.label_rows import SHOWN, LabelTrace, paint_labels
from faceapp.ui.overlay import face_colour
from faceapp.ui.readout import Readout
from faceapp.ui.steady import EasedValues
from faceapp.ui.text_cell import LEFT, RIGHT, write
from faceapp.ui.theme import EMOTION_QCOLOURS, ROUNDING_PX, Theme, blend, text_font

_LINES_FULL = 16.8
_LINES_COMPACT = 8.7
"""Heights of the two shapes in text lines: eight rows of bars, or four rows of two."""
_LABEL_LINES = 1.1
"""By how much each label of one's own makes a card higher."""


class FaceCard(QWidget):
    """Paints one readout; the bars glide to new values in 100 ms.

    Signals:
        chosen: Id of the face, when the card is clicked or Enter is pressed on it.
    """

    chosen = Signal(int)

    def __init__(self, readout: Readout, theme: Theme, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._readout = readout
        self._theme = theme
        self._bars = EasedValues(len(EMOTIONS))
        self._spoken = ""
        self._looks: tuple[object, ...] = ()
        self._is_chosen = False
        self._label_rows = 0
        self.compact = False
        self.scale = 1.0
        self.setFocusPolicy(Qt.FocusPolicy.TabFocus)
        self.setCursor(Qt.CursorShape.PointingHandCursor)
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)
        self.setAccessibleName(f"Face {readout.track_id}")

    @staticmethod
    def height_for(scale: float, compact: bool) -> int:
        """Return a card's height in pixels."""
        line = QFontMetricsF(text_font(scale)).height()
        return round(line * (_LINES_COMPACT if compact else _LINES_FULL))

    def set_shape(self, scale: float, compact: bool) -> None:
        """Choose the size of the text, and one or two columns of bars."""
        self.scale, self.compact = scale, compact
        self._fit()
        self.update()

    def sizeHint(self) -> QSize:
        """Wide enough for every word at this scale."""
        return QSize(round(320 * self.scale), self.height())

    def set_theme(self, theme: Theme) -> None:
        """Change the colours."""
        self._theme = theme
        self.update()

    def show_readout(self, readout: Readout, *, chosen: bool) -> None:
        """Show a face's newest state.

        Args:
            readout: What is said about the face.
            chosen: Whether the timeline shows this face.
        """
        self._readout, self._is_chosen = readout, chosen
        if len(self._labels()) != self._label_rows:
            self._fit()
        moves = self._bars.aim(readout.emotion, time.perf_counter())
        spoken = readout.spoken()
        if spoken != self._spoken:
            self._spoken = spoken
            labels = f"own labels: {', '.join(readout.labels)}" if readout.labels else ""
            self.setToolTip("\n".join(filter(None, (readout.opinion_tip, labels))))
            self.setAccessibleDescription(spoken)
        newest = [trace.points[-1] for trace in readout.labels.values()]
        looks = (spoken, chosen, readout.confidence, *readout.numbers, *newest)
        if moves or looks != self._looks:
            self._looks = looks
            self.update()

    def animate(self) -> None:
        """Repaint while the bars still move."""
        if not self._bars.settled(time.perf_counter() - 0.02):
            self.update()

    def mousePressEvent(self, event: QMouseEvent) -> None:
        """Choose this face."""
        self.chosen.emit(self._readout.track_id)

    def keyPressEvent(self, event: QKeyEvent) -> None:
        """Choose this face on Enter; leave every other key to the window."""
        if event.key() in (Qt.Key.Key_Return, Qt.Key.Key_Enter):
            self.chosen.emit(self._readout.track_id)
        else:
            event.ignore()

    def focusInEvent(self, event: QFocusEvent) -> None:
        """Show the focus."""
        self.update()

    def focusOutEvent(self, event: QFocusEvent) -> None:
        """Hide the focus."""
        self.update()

    def paintEvent(self, event: QPaintEvent) -> None:
        """Paint the card."""
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        self._paint_ground(painter)
        line = QFontMetricsF(text_font(self.scale)).height()
        pad = line * 0.75
        inner = QRectF(self.rect()).adjusted(pad, pad * 0.8, -pad, -pad * 0.7)
        head = QRectF(inner.left(), inner.top(), inner.width(), line * 1.1)
        self._paint_head(painter, head)
        title = QRectF(inner.left(), head.bottom(), inner.width(), line * (1.5 if self.compact else 1.9))
        self._paint_title(painter, title)
        if not self.compact:
            model = QRectF(inner.left(), inner.bottom() - line, inner.width(), line)
            self._paint_model(painter, model)
            inner.setBottom(model.top() - line * 0.2)
        foot_height = line * (1.25 if self.compact else 2.2)
        labels = self._labels()
        labels_height = line * _LABEL_LINES * len(labels)
        bars = QRectF(inner.left(), title.bottom() + line * 0.1, inner.width(), 0)
        bars.setBottom(inner.bottom() - foot_height - labels_height - line * 0.25)
        rows = QRectF(inner.left(), bars.bottom() + line * 0.1, inner.width(), labels_height)
        paint_labels(painter, rows, labels, self._theme, (0.85 if self.compact else 0.92) * self.scale)
        self._paint_bars(painter, bars)
        self._paint_foot(
            painter, QRectF(inner.left(), inner.bottom() - foot_height, inner.width(), foot_height)
        )

    def _labels(self) -> list[tuple[str, LabelTrace]]:
        return list(self._readout.labels.items())[:SHOWN]

    def _fit(self) -> None:
        """Be as high as what is shown."""
        self._label_rows = len(self._labels())
        line = QFontMetricsF(text_font(self.scale)).height()
        more = round(line * _LABEL_LINES * self._label_rows)
        self.setFixedHeight(self.height_for(self.scale, self.compact) + more)

    def _paint_ground(self, painter: QPainter) -> None:
        frame = QRectF(self.rect()).adjusted(1, 1, -1, -1)
        edge = "text" if self.hasFocus() else "muted" if self._is_chosen else "line"
        painter.setPen(QPen(self._theme.colour(edge), 1.4 if edge != "line" else 1.0))
        painter.setBrush(self._theme.colour("surface"))
        painter.drawRoundedRect(frame, ROUNDING_PX, ROUNDING_PX)

    def _paint_head(self, painter: QPainter, row: QRectF) -> None:
        readout = self._readout
        muted, size = self._theme.colour("muted"), 0.92 * self.scale
        metrics = QFontMetricsF(text_font(size))
        name = f"Face {readout.track_id}"
        write(painter, row, name, muted, size)
        badge = Badge(readout.occlusion, readout.badge, text_font(0.85 * self.scale))
        place = row.adjusted(metrics.horizontalAdvance(name) + metrics.height() * 0.4, 0, 0, 0)
        badge.paint(painter, place, self._theme.colour("text"), muted)
        left = place.left() + badge.size.width() + metrics.height() * 0.3
        self._paint_right(painter, QRectF(left, row.top(), row.right() - left, row.height()))

    def _paint_right(self, painter: QPainter, cell: QRectF) -> None:
        """Say where the head points, or in a small card that another model than the one made for it has read it."""
        readout, theme, size = self._readout, self._theme, 0.92 * self.scale
        words, colour = readout.gaze, theme.colour("muted")
        if self.compact and readout.unsuited:
            size, colour, words = 0.8 * self.scale, theme.colour("text"), readout.model_text
        metrics = QFontMetricsF(text_font(size))
        fitting = (
            text
            for text in (words, words.removeprefix("read by "))
            if metrics.horizontalAdvance(text) <= cell.width()
        )
        write(painter, cell, next(fitting, ""), colour, size, RIGHT)

    def _paint_model(self, painter: QPainter, row: QRectF) -> None:
        """Say which model read the face, clearly where it is not the one made for what hides the face."""
        colour = self._theme.colour("text" if self._readout.unsuited else "muted")
        write(painter, row, self._readout.model_text, colour, 0.82 * self.scale)

    def _paint_title(self, painter: QPainter, row: QRectF) -> None:
        readout = self._readout
        colour = blend(self._theme.colour("muted"), self._theme.colour("text"), readout.confidence)
        size = (1.25 if self.compact else 1.6) * self.scale
        if readout.label is None:
            write(painter, row, readout.emotion_word, self._theme.colour("muted"), 1.05 * self.scale)
            return
        radius = row.height() * 0.17
        painter.setPen(Qt.PenStyle.NoPen)
        painter.setBrush(face_colour(readout))
        painter.drawEllipse(QRectF(row.left(), row.center().y() - radius, 2 * radius, 2 * radius))
        word = row.adjusted(3.2 * radius, 0, 0, 0)
        write(painter, word, EMOTIONS[readout.label], colour, size, bold=True)
        write(painter, row, f"{readout.numbers[readout.label]:.2f}", colour, size, RIGHT, bold=True)
        metrics = QFontMetricsF(text_font(size, bold=True))
        left = metrics.horizontalAdvance(EMOTIONS[readout.label]) + metrics.height() * 0.35
        self._paint_opinion(painter, word.adjusted(left, 0, -metrics.horizontalAdvance("0.00 "), 0))

    def _paint_opinion(self, painter: QPainter, cell: QRectF) -> None:
        """Mark beside the emotion what the movements of the face say of a close call, as far as there is room."""
        text, size = self._readout.opinion_text, 0.8 * self.scale
        metrics = QFontMetricsF(text_font(size))
        air = metrics.height() * 0.4
        fitting = (
            words
            for words in (text, text.removeprefix("rather "))
            if words and metrics.horizontalAdvance(words) + 2 * air <= cell.width()
        )
        words = next(fitting, "")
        if words:
            place = QRectF(0, 0, metrics.horizontalAdvance(words) + 2 * air, metrics.height() * 1.15)
            place.moveCenter(cell.center())
            place.moveLeft(cell.left())
            painter.setPen(QPen(self._theme.colour("muted"), 1))
            painter.setBrush(Qt.BrushStyle.NoBrush)
            painter.drawRoundedRect(place, place.height() / 2, place.height() / 2)
            write(painter, place, words, self._theme.colour("text"), size, Qt.AlignmentFlag.AlignCenter)

    def _paint_bars(self, painter: QPainter, area: QRectF) -> None:
        values = self._bars.at(time.perf_counter())
        rows = 4 if self.compact else len(EMOTIONS)
        columns = len(EMOTIONS) // rows
        gap = area.width() * 0.06 if columns > 1 else 0.0
        width, height = (area.width() - gap * (columns - 1)) / columns, area.height() / rows
        size = (0.85 if self.compact else 0.98) * self.scale
        metrics = QFontMetricsF(text_font(size))
        name_width = max(metrics.horizontalAdvance(name) for name in EMOTIONS) + metrics.height() * 0.45
        number_width = metrics.horizontalAdvance("0.00") + metrics.height() * 0.35
        for index, value in enumerate(values.tolist()):
            column, row = divmod(index, rows)
            cell = QRectF(area.left() + column * (width + gap), area.top() + row * height, width, height)
            bar = cell.adjusted(name_width, 0, -number_width, 0)
            thickness = min(height * 0.5, metrics.height() * 0.62)
            bar = QRectF(bar.left(), cell.center().y() - thickness / 2, max(bar.width(), 8), thickness)
            self._paint_bar(painter, bar, value, EMOTION_QCOLOURS[index])
            strong = index == self._readout.label
            silent = self._readout.label is None
            colour = self._theme.colour("text" if strong else "disabled" if silent else "muted")
            write(painter, cell, EMOTIONS[index], colour, size)
            number = self._readout.numbers[index]
            write(painter, cell, "" if number != number else f"{number:.2f}", colour, size, RIGHT)

    def _paint_bar(self, painter: QPainter, bar: QRectF, value: float, colour: QColor) -> None:
        radius = bar.height() / 2
        painter.setPen(Qt.PenStyle.NoPen)
        painter.setBrush(self._theme.colour("track"))
        painter.drawRoundedRect(bar, radius, radius)
        if self._readout.label is None or value < 0.004:
            return
        fill = QRectF(bar.left(), bar.top(), bar.width() * min(value, 1.0), bar.height())
        radius = min(radius, fill.width() / 2)
        painter.setBrush(blend(self._theme.colour("track"), colour, 0.5 + 0.5 * self._readout.confidence))
        painter.drawRoundedRect(fill, radius, radius)

    def _paint_foot(self, painter: QPainter, row: QRectF) -> None:
        readout = self._readout
        parts = (("age", readout.age_text), ("appears", readout.gender_text), ("smile", readout.smile_text))
        muted, text = self._theme.colour("muted"), self._theme.colour("text")
        if self.compact:
            texts = (f"age {readout.age_text}", readout.gender_text, f"smile {readout.smile_text}")
            aligns = (LEFT, Qt.AlignmentFlag.AlignCenter, RIGHT)
            for words, (_, value), align in zip(texts, parts, aligns, strict=True):
                write(painter, row, words if value else "", text, 0.98 * self.scale, align)
            return
        shares, x = (0.33, 0.44, 0.23), row.left()
        for (caption, value), share in zip(parts, shares, strict=True):
            cell = QRectF(x, row.top(), row.width() * share, row.height())
            top, bottom = QRectF(cell), QRectF(cell)
            top.setBottom(row.top() + row.height() * 0.43)
            bottom.setTop(top.bottom())
            write(painter, top, caption, muted, 0.82 * self.scale)
            write(painter, bottom, value or "–", text if value else muted, 1.12 * self.scale)
            x += cell.width()
