"""A corner of the live picture with the chosen face beside its Gabor-enhanced chip, where wrinkles stand out."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
from PySide6.QtCore import QPointF, QRectF, Qt
from PySide6.QtGui import QImage, QPainter, QPainterPath

from engines.card import InputSpec
from engines.gabor import enhanced, enhancing_kernel
from engines.preprocess import cut_chip, face_matrix
from faceapp.types import FaceTrack, FrameResult
from faceapp.ui.theme import ROUNDING_PX, Theme, text_font

_SPEC = InputSpec(size=112, crop="aligned_face")
_STRENGTH = 2.0
"""Of the fixed fusion; twice the filters' unit gain is seen at a glance without drowning the face in noise."""
_TITLES = ("face", "Gabor")
_PAD_PX, _TITLE_PX, _MARGIN_PX = 8.0, 20.0, 14.0
_SMALLEST_PX, _LARGEST_PX = 84.0, 168.0


class WrinkleInset:
    """Cuts the face as the networks do and filters it; once for each picture, however often it is painted.

    Attributes:
        on: Whether it is shown.
    """

    def __init__(self) -> None:
        self.on = False
        self._kernel = enhancing_kernel("jet", 3, _STRENGTH)
        self._of: tuple[FrameResult, int] | None = None
        self._chips: tuple[npt.NDArray[np.uint8], ...] = ()

    def paint(
        self, painter: QPainter, result: FrameResult, chosen_id: int | None, bounds: QRectF, theme: Theme
    ) -> None:
        """Paint the inset into the lower left corner; nothing where it is off or no face is there.

        Args:
            painter: Open on the view, in logical pixels.
            result: What is shown; a picture whose faces are covered gives covered chips.
            chosen_id: The face; the first one where it is None or gone.
            bounds: The view.
            theme: The colours.
        """
        if not self.on or not result.faces:
            return
        chips = self.chips(result, chosen_id)
        side = min(max(min(bounds.width() / 6, bounds.height() / 4), _SMALLEST_PX), _LARGEST_PX)
        place = QRectF(0, 0, 2 * side + 3 * _PAD_PX, side + 2 * _PAD_PX + _TITLE_PX)
        place.moveBottomLeft(QPointF(bounds.left() + _MARGIN_PX, bounds.bottom() - _MARGIN_PX))
        painter.save()
        painter.setRenderHints(QPainter.RenderHint.Antialiasing | QPainter.RenderHint.SmoothPixmapTransform)
        painter.setPen(Qt.PenStyle.NoPen)
        painter.setBrush(theme.colour("chip"))
        painter.drawRoundedRect(place, ROUNDING_PX, ROUNDING_PX)
        for number, (chip, title) in enumerate(zip(chips, _TITLES, strict=True)):
            left = place.left() + _PAD_PX + number * (side + _PAD_PX)
            _paint_tile(painter, chip, QRectF(left, place.top() + _PAD_PX, side, side))
            painter.setPen(theme.colour("chip_text"))
            painter.setFont(text_font(0.85))
            words = QRectF(left, place.bottom() - _TITLE_PX - _PAD_PX / 2, side, _TITLE_PX)
            painter.drawText(words, Qt.AlignmentFlag.AlignCenter, title)
        painter.restore()

    def chips(self, result: FrameResult, chosen_id: int | None) -> tuple[npt.NDArray[np.uint8], ...]:
        """Return the face as the networks get it, and enhanced, uint8 (112, 112) each.

        Args:
            result: Has a face at least.
            chosen_id: The face; the first one where it is None or gone.
        """
        face = next((face for face in result.faces if face.id == chosen_id), result.faces[0])
        if self._of is None or self._of[0] is not result or self._of[1] != face.id:
            chip = _cut(result, face)
            self._chips, self._of = (chip, enhanced(chip, self._kernel)), (result, face.id)
        return self._chips


def _cut(result: FrameResult, face: FaceTrack) -> npt.NDArray[np.uint8]:
    return cut_chip(result.frame.image, face_matrix(_SPEC, face.landmarks, face.box), _SPEC)


def _paint_tile(painter: QPainter, chip: npt.NDArray[np.uint8], place: QRectF) -> None:
    side = chip.shape[0]
    outline = QPainterPath()
    outline.addRoundedRect(place, 4, 4)
    painter.save()
    painter.setClipPath(outline)
    painter.drawImage(place, QImage(chip.data, side, side, chip.strides[0], QImage.Format.Format_Grayscale8))
    painter.restore()
