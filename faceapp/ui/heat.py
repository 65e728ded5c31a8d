"""Paints what an answer rests on over the face, with a legend."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
from PySide6.QtCore import QPointF, QRectF, Qt
from PySide6.QtGui import QColor, QImage, QLinearGradient, QPainter, QTransform

from faceapp.analysis.explaining import LEAST_LARGEST
from faceapp.types import Explanation
from faceapp.ui.overlay import PictureMap
from faceapp.ui.theme import ROUNDING_PX, Theme, text_font

_STOPS = (
    (0.0, (72, 190, 255, 0)),
    (0.35, (72, 150, 255, 130)),
    (0.7, (160, 60, 255, 190)),
    (1.0, (255, 24, 190, 225)),
)
"""Share of the largest part in the answer -> red, green, blue, opacity: clear, blue, violet, pink, which no skin has."""
_PAD_PX, _MARGIN_PX, _BAR_PX = 10.0, 14.0, 8.0


def _colours() -> npt.NDArray[np.uint8]:
    """Return 256 premultiplied colours in Qt's order of bytes, uint8 (256, 4) blue, green, red, opacity."""
    shares = np.linspace(0, 1, 256)
    stops = [stop for stop, _ in _STOPS]
    red, green, blue, alpha = (
        np.interp(shares, stops, [colour[part] for _, colour in _STOPS]) for part in range(4)
    )
    layers = [blue * alpha / 255, green * alpha / 255, red * alpha / 255, alpha]
    colours: npt.NDArray[np.uint8] = np.stack(layers, axis=1).round().astype(np.uint8)
    return colours


_COLOURS = _colours()


def paint_heat(painter: QPainter, explanation: Explanation, where: PictureMap) -> None:
    """Paint the heat where the face's chip lies in the picture.

    Args:
        painter: Open on the view, in logical pixels.
        explanation: Of the shown frame.
        where: Where the picture lies.
    """
    pixels = _COLOURS[(np.clip(explanation.heat, 0, 1) * 255).astype(np.uint8)]
    size = pixels.shape[0]
    image = QImage(pixels.data, size, size, pixels.strides[0], QImage.Format.Format_ARGB32_Premultiplied)
    painter.save()
    painter.setRenderHint(QPainter.RenderHint.SmoothPixmapTransform)
    painter.setTransform(_chip_to_view(explanation, where), combine=True)
    painter.drawImage(QPointF(-0.5, -0.5), image)  # pixel centres are at whole numbers
    painter.restore()


def paint_legend(painter: QPainter, explanation: Explanation, bounds: QRectF, theme: Theme) -> None:
    """Paint what the colours mean into the lower right corner.

    Args:
        painter: Open on the view, in logical pixels.
        explanation: What is shown.
        bounds: The view.
        theme: The colours.
    """
    title, part = legend_words(explanation)
    font = text_font(0.95)
    painter.save()
    painter.setRenderHint(QPainter.RenderHint.Antialiasing)
    painter.setFont(font)
    metrics = painter.fontMetrics()
    width = max(metrics.horizontalAdvance(title), metrics.horizontalAdvance(part)) + 2 * _PAD_PX
    place = QRectF(0, 0, width, 2 * metrics.height() + _BAR_PX + 3 * _PAD_PX)
    place.moveBottomRight(QPointF(bounds.right() - _MARGIN_PX, bounds.bottom() - _MARGIN_PX))
    painter.setPen(Qt.PenStyle.NoPen)
    painter.setBrush(theme.colour("chip"))
    painter.drawRoundedRect(place, ROUNDING_PX, ROUNDING_PX)
    inner = place.adjusted(_PAD_PX, _PAD_PX, -_PAD_PX, -_PAD_PX)
    bar = QRectF(inner.left(), inner.top() + metrics.height() + _PAD_PX / 2, inner.width(), _BAR_PX)
    painter.setBrush(_gradient(bar))
    painter.drawRoundedRect(bar, _BAR_PX / 2, _BAR_PX / 2)
    painter.setPen(theme.colour("chip_text"))
    painter.drawText(
        QRectF(inner.left(), inner.top(), inner.width(), metrics.height()), Qt.AlignmentFlag.AlignLeft, title
    )
    below = QRectF(inner.left(), bar.bottom() + _PAD_PX / 2, inner.width(), metrics.height())
    painter.drawText(below, Qt.AlignmentFlag.AlignLeft, part)
    painter.restore()


def legend_words(explanation: Explanation) -> tuple[str, str]:
    """Return what is explained, and how much the pinkest place matters."""
    title = f"What “{explanation.answer}” rests on"
    if explanation.largest < LEAST_LARGEST[explanation.task]:
        return title, "no single place matters"
    if explanation.task == "age":
        return title, f"pink: covered, it moves by {explanation.largest:.0f} years"
    return title, f"pink: covered, its odds fall to 1/{_short(np.exp(explanation.largest))}"


def _short(number: float) -> str:
    """Return 2.7, 24 or "100 or less"."""
    if number >= 100:
        return "100 or less"
    return f"{number:.1f}" if number < 10 else f"{number:.0f}"


def _chip_to_view(explanation: Explanation, where: PictureMap) -> QTransform:
    square = np.vstack([explanation.matrix.astype(np.float64), [0, 0, 1]])
    (a, b, x), (c, d, y), _ = np.linalg.inv(square).tolist()
    chip_to_view: QTransform = QTransform(a, c, b, d, x, y) * QTransform(
        where.scale, 0, 0, where.scale, where.offset.x(), where.offset.y()
    )
    return chip_to_view


def _gradient(bar: QRectF) -> QLinearGradient:
    gradient = QLinearGradient(bar.topLeft(), bar.topRight())
    for stop, (red, green, blue, alpha) in _STOPS:
        gradient.setColorAt(stop, QColor(red, green, blue, max(alpha, 40)))
    return gradient
