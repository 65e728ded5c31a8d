"""The badge that says how much of a face is visible: an icon and a word, the same on the picture and in cards."""

from __future__ import annotations

from PySide6.QtCore import QRectF, QSizeF, Qt
from PySide6.QtGui import QColor, QFont, QFontMetricsF, QPainter, QPen

from faceapp.types import Occlusion
from faceapp.ui.icons import icon_pixmap


class Badge:
    """A pill with an icon and a word; full faces get it without the frame, since they are nothing to notice.

    Args:
        occlusion: Which icon.
        word: Text beside it; "" shows the icon alone.
        font: Its font.
    """

    def __init__(self, occlusion: Occlusion, word: str, font: QFont) -> None:
        self._occlusion, self._word, self._font = occlusion, word, font
        metrics = QFontMetricsF(font)
        self._unit = metrics.height()
        text = metrics.horizontalAdvance(word) + 0.35 * self._unit if word else 0.0
        self.size = QSizeF(text + 1.75 * self._unit, 1.15 * self._unit)

    def paint(self, painter: QPainter, place: QRectF, colour: QColor, frame: QColor) -> None:
        """Paint it, cut at the right edge of its place.

        Args:
            painter: Open, in logical pixels.
            place: Where, at least as high as `size`.
            colour: Of icon and word.
            frame: Of the pill's edge.
        """
        pill = QRectF(place.left(), place.center().y() - self.size.height() / 2, 0, self.size.height())
        pill.setWidth(min(self.size.width(), place.width()))
        if self._occlusion != "none":
            painter.setPen(QPen(frame, 1))
            painter.setBrush(Qt.BrushStyle.NoBrush)
            painter.drawRoundedRect(pill, pill.height() / 3, pill.height() / 3)
        side = round(self._unit)
        scale = painter.device().devicePixelRatioF()
        pixmap = icon_pixmap(f"seen-{self._occlusion}", colour.name(), side, scale)
        left = pill.left() + 0.4 * self._unit
        painter.drawPixmap(
            QRectF(left, pill.center().y() - side / 2, side, side), pixmap, QRectF(pixmap.rect())
        )
        if self._word:
            cell = QRectF(left + side + 0.3 * self._unit, pill.top(), 0, pill.height())
            cell.setRight(pill.right())
            painter.setFont(self._font)
            painter.setPen(colour)
            painter.drawText(cell, Qt.AlignmentFlag.AlignLeft | Qt.AlignmentFlag.AlignVCenter, self._word)
