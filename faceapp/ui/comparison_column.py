"""One column of the comparison: a face's picture and what one network says of it, large enough for an audience."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass

from PySide6.QtCore import QPointF, QRectF, Qt
from PySide6.QtGui import QColor, QFontMetricsF, QImage, QPainter, QPen, QPolygonF

from engines.card import EMOTIONS
from faceapp.types import Image
from faceapp.ui.readout import Readout
from faceapp.ui.theme import EMOTION_QCOLOURS, ROUNDING_PX, Theme, blend, text_font

_LEFT = Qt.AlignmentFlag.AlignLeft | Qt.AlignmentFlag.AlignVCenter
_RIGHT = Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter
_CENTRE = Qt.AlignmentFlag.AlignCenter
_TEXT_LINES = 14.6
_SMALLEST_PICTURE_LINES = 5.0


@dataclass(frozen=True, slots=True)
class Column:
    """What a column shows.

    Attributes:
        title: What is seen of the face.
        network: Which network reads it.
        picture: uint8 (192, 192, 3) RGB.
        readout: What it says; its `model` is "" where there is no such network.
        emotions: Positions in `engines.card.EMOTIONS` that get a bar, the same in all columns.
        closer: Measures of `closeness.MEASURES` that get a tick.
        verdict: Sentence at the foot.
        wins: Whether the column stands out.
        reason: Why nothing was read; stands in place of the numbers.
    """

    title: str
    network: str
    picture: Image
    readout: Readout
    emotions: Sequence[int]
    closer: Collection[str] = ()
    verdict: str = ""
    wins: bool = False
    reason: str = ""


class ColumnPainter:
    """Paints columns of one size.

    Args:
        painter: Open, in logical pixels.
        theme: The colours.
        scale: Size of the text.
    """

    def __init__(self, painter: QPainter, theme: Theme, scale: float) -> None:
        self._painter, self._theme, self._scale = painter, theme, scale
        self._line = QFontMetricsF(text_font(scale)).height()

    @staticmethod
    def scale_for(width: float, height: float) -> float:
        """Return the largest text size at which a column of this size has room for its picture and all words."""
        line = QFontMetricsF(text_font(10.0)).height() / 10
        lines = _TEXT_LINES + min(_SMALLEST_PICTURE_LINES, width / line)
        return max(0.8, min(height / (lines * line), width / (15.5 * line), 2.6))

    def paint(self, column: Column, area: QRectF, bars: Sequence[float]) -> None:
        """Paint one column.

        Args:
            column: What it shows.
            area: Where.
            bars: The eased probabilities, one an emotion.
        """
        line, theme = self._line, self._theme
        edge = theme.colour("text" if column.wins else "line")
        self._painter.setPen(QPen(edge, 3 if column.wins else 1))
        self._painter.setBrush(theme.colour("surface"))
        self._painter.drawRoundedRect(area.adjusted(2, 2, -2, -2), ROUNDING_PX, ROUNDING_PX)
        inner = area.adjusted(line * 0.8, line * 0.5, -line * 0.8, -line * 0.6)
        rows = _Rows(inner)
        self._write(rows.take(line * 1.5), column.title, "text", 1.2, bold=True)
        self._write(rows.take(line * 1.2), column.network, "muted", 1.0)
        rows.take(line * 0.4)
        verdict = QRectF(inner.left(), inner.bottom() - line * 1.7, inner.width(), line * 1.7)
        room = verdict.top() - rows.top - line * 9.8
        side = min(inner.width(), max(room, line * 3))
        self._paint_picture(column.picture, rows.take(side))
        rows.take(line * 0.3)
        if column.reason:
            words = QRectF(inner.left(), rows.top, inner.width(), verdict.top() - rows.top)
            self._write(words, column.reason, "muted", 1.05, _LEFT | Qt.TextFlag.TextWordWrap)
        else:
            self._paint_emotion(column, rows, bars)
            self._paint_numbers(column, rows)
        self._paint_verdict(column, verdict)

    def _paint_picture(self, image: Image, row: QRectF) -> None:
        side = row.height()
        place = QRectF(row.center().x() - side / 2, row.top(), side, side)
        height, width = image.shape[:2]
        picture = QImage(image.data, width, height, image.strides[0], QImage.Format.Format_RGB888)
        self._painter.setRenderHint(QPainter.RenderHint.SmoothPixmapTransform)
        self._painter.drawImage(place, picture)

    def _paint_emotion(self, column: Column, rows: _Rows, bars: Sequence[float]) -> None:
        line, readout, painter = self._line, column.readout, self._painter
        row = rows.take(line * 1.7)
        if readout.label is None:
            self._write(row, readout.emotion_word, "muted", 1.0)
        else:
            radius = line * 0.32
            painter.setPen(Qt.PenStyle.NoPen)
            painter.setBrush(EMOTION_QCOLOURS[readout.label])
            painter.drawEllipse(QPointF(row.left() + radius, row.center().y()), radius, radius)
            word = row.adjusted(radius * 3, 0, 0, 0)
            self._write(word, EMOTIONS[readout.label], "text", 1.3, bold=True)
            self._tick(row, "emotion" in column.closer)
        for index in column.emotions:
            self._paint_bar(rows.take(line * 1.05), index, bars[index], readout)

    def _paint_bar(self, row: QRectF, index: int, value: float, readout: Readout) -> None:
        line, painter, track = self._line, self._painter, self._theme.colour("track")
        font = QFontMetricsF(text_font(self._scale * 0.95))
        names = max(font.horizontalAdvance(name) for name in EMOTIONS) + line * 0.5
        numbers = font.horizontalAdvance("0.00") + line * 0.4
        bar = QRectF(row.left() + names, row.center().y() - line * 0.27, 0, line * 0.54)
        bar.setRight(row.right() - numbers)
        painter.setPen(Qt.PenStyle.NoPen)
        painter.setBrush(track)
        painter.drawRoundedRect(bar, bar.height() / 2, bar.height() / 2)
        if readout.label is not None and value >= 0.004:
            fill = QRectF(bar)
            fill.setWidth(bar.width() * min(value, 1.0))
            radius = min(fill.height(), fill.width()) / 2
            painter.setBrush(blend(track, EMOTION_QCOLOURS[index], 0.5 + 0.5 * readout.confidence))
            painter.drawRoundedRect(fill, radius, radius)
        number = readout.numbers[index]
        self._write(row, EMOTIONS[index], "muted", 0.95)
        self._write(row, "" if number != number else f"{number:.2f}", "text", 0.95, _RIGHT)

    def _paint_numbers(self, column: Column, rows: _Rows) -> None:
        line, readout = self._line, column.readout
        rows.take(line * 0.25)
        texts = (("age", readout.age_text), ("gender", readout.gender_text), ("smile", readout.smile_text))
        caption_width = QFontMetricsF(text_font(self._scale)).horizontalAdvance("gender") + line * 0.7
        for caption, text in texts:
            row = rows.take(line * 1.35)
            self._write(row, caption, "muted", 1.0)
            self._write(row.adjusted(caption_width, 0, 0, 0), text or "–", "text", 1.15, bold=True)
            self._tick(row, caption in column.closer)

    def _tick(self, row: QRectF, shown: bool) -> None:
        """Draw a tick at the right of a row: this reading is the closer one."""
        if not shown:
            return
        unit, right, middle = self._line * 0.5, row.right() - self._line * 0.1, row.center().y()
        points = ((-1.5, 0.05), (-0.95, 0.6), (0.0, -0.6))
        self._painter.setPen(
            QPen(
                self._theme.colour("text"),
                self._line * 0.17,
                Qt.PenStyle.SolidLine,
                Qt.PenCapStyle.RoundCap,
                Qt.PenJoinStyle.RoundJoin,
            )
        )
        self._painter.drawPolyline(
            QPolygonF([QPointF(right + x * unit, middle + y * unit) for x, y in points])
        )

    def _paint_verdict(self, column: Column, row: QRectF) -> None:
        if column.wins:
            self._painter.setPen(Qt.PenStyle.NoPen)
            self._painter.setBrush(self._theme.colour("text"))
            self._painter.drawRoundedRect(row, row.height() / 3.5, row.height() / 3.5)
        part = "background" if column.wins else "muted"
        self._write(row, column.verdict, part, 1.1 if column.wins else 1.0, _CENTRE, bold=column.wins)

    def _write(
        self,
        cell: QRectF,
        text: str,
        part: str,
        size: float,
        align: Qt.AlignmentFlag | Qt.TextFlag = _LEFT,
        *,
        bold: bool = False,
    ) -> None:
        self._painter.setFont(text_font(self._scale * size, bold=bold))
        self._painter.setPen(QColor(self._theme.colour(part)))
        self._painter.drawText(cell, align, text)


class _Rows:
    """Hands out rows from the top of an area downwards."""

    def __init__(self, area: QRectF) -> None:
        self._area = area
        self.top = area.top()

    def take(self, height: float) -> QRectF:
        row = QRectF(self._area.left(), self.top, self._area.width(), height)
        self.top += height
        return row
