"""The rectangle that a person draws on the picture around the one place where a face is."""

from __future__ import annotations

from PySide6.QtCore import QPointF, QRectF, Qt
from PySide6.QtGui import QColor, QFontMetricsF, QPainter, QPen

from faceapp.settings.region import Region, make_region
from faceapp.ui.theme import Theme, text_font

DRAW_HINT = "Draw a rectangle around the place of the face. Esc leaves it as it was."
LABEL = "fixed region"
SMALLEST_SHARE = 0.05
"""A rectangle narrower or lower than this share of the picture is a slip of the mouse."""


class RegionTool:
    """Keeps the rectangle, draws it dashed, and turns a drag of the mouse into another one.

    Attributes:
        region: What is shown; None shows nothing.
        drawing: Whether the mouse draws.
    """

    def __init__(self) -> None:
        self.region: Region | None = None
        self.drawing = False
        self._drag: tuple[QPointF, QPointF] | None = None

    def begin(self) -> None:
        """Let the next drag draw."""
        self.drawing, self._drag = True, None

    def cancel(self) -> None:
        """Leave the rectangle as it was."""
        self.drawing, self._drag = False, None

    def press(self, position: QPointF) -> None:
        """Start at a corner, in the view's pixels."""
        if self.drawing:
            self._drag = (position, position)

    def move(self, position: QPointF) -> None:
        """Stretch to the opposite corner."""
        if self._drag is not None:
            self._drag = (self._drag[0], position)

    def release(self, picture: QRectF) -> Region | None:
        """End the drag.

        Args:
            picture: Where the picture lies in the view.

        Returns:
            The rectangle in shares of the picture, cut at its edges; None when it is too small to be meant, and
            drawing goes on.
        """
        if self._drag is None:
            return None
        drawn = QRectF(*self._drag).normalized().intersected(picture)
        self._drag = None
        shares = (
            (drawn.left() - picture.left()) / picture.width(),
            (drawn.top() - picture.top()) / picture.height(),
            drawn.width() / picture.width(),
            drawn.height() / picture.height(),
        )
        if min(shares[2:]) < SMALLEST_SHARE:
            return None
        self.drawing = False
        return make_region(shares)

    def paint(self, painter: QPainter, picture: QRectF, theme: Theme) -> None:
        """Paint the rectangle, or the one being drawn.

        Args:
            painter: Open on the view.
            picture: Where the picture lies in the view.
            theme: The colours.
        """
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        if self._drag is not None:
            shade, drawn = QColor(0, 0, 0, 90), QRectF(*self._drag).normalized().intersected(picture)
            for part in _around(picture, drawn):
                painter.fillRect(part, shade)
            _dashed(painter, drawn)
        elif self.region is not None:
            x0, y0, x1, y1 = self.region.box_px(1, 1)
            place = QRectF(
                QPointF(picture.left() + x0 * picture.width(), picture.top() + y0 * picture.height()),
                QPointF(picture.left() + x1 * picture.width(), picture.top() + y1 * picture.height()),
            )
            _dashed(painter, place)
            _label(painter, place, theme)


def _dashed(painter: QPainter, place: QRectF) -> None:
    """Draw a white dashed frame on a dark one, so that it is seen on every picture."""
    painter.setBrush(Qt.BrushStyle.NoBrush)
    painter.setPen(QPen(QColor(0, 0, 0, 130), 3.6))
    painter.drawRect(place)
    pen = QPen(QColor("#FFFFFF"), 1.8)
    pen.setDashPattern([5, 4])
    painter.setPen(pen)
    painter.drawRect(place)


def _label(painter: QPainter, place: QRectF, theme: Theme) -> None:
    font = text_font(0.85)
    metrics = QFontMetricsF(font)
    chip = QRectF(0, 0, metrics.horizontalAdvance(LABEL) + metrics.height() * 0.9, metrics.height() * 1.3)
    chip.moveBottomLeft(place.bottomLeft() + QPointF(4, -4))
    painter.setPen(Qt.PenStyle.NoPen)
    painter.setBrush(theme.colour("chip"))
    painter.drawRoundedRect(chip, chip.height() / 3, chip.height() / 3)
    painter.setFont(font)
    painter.setPen(theme.colour("chip_text"))
    painter.drawText(chip, Qt.AlignmentFlag.AlignCenter, LABEL)


def _around(outer: QRectF, inner: QRectF) -> tuple[QRectF, ...]:
    """Return the four parts of a rectangle that another one inside it leaves."""
    return (
        QRectF(outer.left(), outer.top(), outer.width(), inner.top() - outer.top()),
        QRectF(outer.left(), inner.bottom(), outer.width(), outer.bottom() - inner.bottom()),
        QRectF(outer.left(), inner.top(), inner.left() - outer.left(), inner.height()),
        QRectF(inner.right(), inner.top(), outer.right() - inner.right(), inner.height()),
    )
