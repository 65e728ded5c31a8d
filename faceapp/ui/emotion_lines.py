"""The eight lines of the timeline, drawn fast enough to scroll all day."""

from __future__ import annotations

import cv2
import numpy as np
import numpy.typing as npt
import pyqtgraph as pg
from PySide6.QtCore import QRectF
from PySide6.QtGui import QColor, QImage, QPainter
from PySide6.QtWidgets import QStyleOptionGraphicsItem, QWidget

from engines.card import EMOTIONS
from faceapp.ui.theme import EMOTION_QCOLOURS, Theme, blend

Doubles = npt.NDArray[np.float64]
_WIDTH_PX = 2.0
_SECOND_STROKE = 0.4  # two thin strokes, this share of the width apart, look smoother than OpenCV's thick one
_FRACTION_BITS = 4
_GRID = (0.0, 0.5, 1.0)
_NOTHING: Doubles = np.empty(0)


class EmotionLines(pg.GraphicsObject):  # type: ignore[misc]  # pyqtgraph has no types
    """Draws all lines into one picture with OpenCV.

    Eight smooth curves of 300 points, two pixels wide, take Qt 15.8 ms of processor time, of which the window has
    16 in all, and OpenCV 2.8 ms.
    """

    def __init__(self, theme: Theme) -> None:
        super().__init__()
        self.times_s: Doubles = _NOTHING
        self.values: Doubles = np.empty((0, len(EMOTIONS)))
        self._picture = np.empty((1, 1, 3), dtype=np.uint8)
        self.set_theme(theme)

    def set_theme(self, theme: Theme) -> None:
        """Change the ground and the grid; the emotions keep their colours."""
        ground = theme.colour("background")
        self._ground = _rgb(ground)
        self._grid = _rgb(blend(ground, theme.colour("line"), 0.7))
        self.update()

    def set_lines(self, times_s: Doubles, values: Doubles) -> None:
        """Show other lines.

        Args:
            times_s: (N,), seconds before now, rising.
            values: (N, 8), probabilities; NaN makes a gap.
        """
        self.times_s, self.values = times_s, values
        self.update()

    def clear(self) -> None:
        """Show no line."""
        self.set_lines(_NOTHING, np.empty((0, len(EMOTIONS))))

    def boundingRect(self) -> QRectF:
        """The whole chart."""
        return QRectF(self.viewRect())

    def viewRangeChanged(self) -> None:
        """Follow the chart when it grows."""
        self.prepareGeometryChange()

    def paint(
        self, painter: QPainter, option: QStyleOptionGraphicsItem, widget: QWidget | None = None
    ) -> None:
        """Draw the picture pixel for pixel."""
        area = self.getViewBox().sceneBoundingRect()
        ratio = painter.device().devicePixelRatioF()
        width, height = max(1, round(area.width() * ratio)), max(1, round(area.height() * ratio))
        picture = self.draw(width, height, _WIDTH_PX * ratio)
        image = QImage(picture.data, width, height, width * 3, QImage.Format.Format_RGB888)
        painter.save()
        painter.resetTransform()
        painter.drawImage(area, image)
        painter.restore()

    def draw(self, width: int, height: int, line_px: float) -> npt.NDArray[np.uint8]:
        """Return the lines as a picture, whose memory is used again at the next call.

        Args:
            width: Width in device pixels.
            height: Height in device pixels.
            line_px: Width of a line in device pixels.

        Returns:
            uint8 (height, width, 3) RGB.
        """
        if self._picture.shape[:2] != (height, width):
            self._picture = np.empty((height, width, 3), dtype=np.uint8)
        picture, view = self._picture, self.viewRect()
        picture[:] = self._ground
        x_scale, y_scale = width / view.width(), height / view.height()
        for value in _GRID:
            picture[min(int((view.bottom() - value) * y_scale), height - 1)] = self._grid
        scale = 1 << _FRACTION_BITS
        columns = np.rint((self.times_s - view.left()) * x_scale * scale)
        rows = np.rint((view.bottom() - self.values) * y_scale * scale)
        for start, stop in _runs(self.values):
            points = np.empty((len(EMOTIONS), stop - start, 2), dtype=np.int32)
            points[..., 0] = columns[start:stop]
            points[..., 1] = rows[start:stop].T
            lower = points + np.array((0, round(line_px * _SECOND_STROKE * scale)), dtype=np.int32)
            for strokes, colour in zip(zip(points, lower, strict=True), EMOTION_QCOLOURS, strict=True):
                cv2.polylines(
                    picture,
                    strokes,
                    False,
                    _rgb(colour),
                    max(1, round(line_px / 2)),
                    cv2.LINE_AA,
                    _FRACTION_BITS,
                )
        return picture


def _runs(values: Doubles) -> list[tuple[int, int]]:
    """Return start and stop of every stretch without a gap."""
    known = np.isfinite(values).all(axis=1)
    edges = np.flatnonzero(np.diff(known, prepend=False, append=False))
    return list(zip(edges[::2].tolist(), edges[1::2].tolist(), strict=True))


def _rgb(colour: QColor) -> tuple[int, int, int]:
    return colour.red(), colour.green(), colour.blue()
