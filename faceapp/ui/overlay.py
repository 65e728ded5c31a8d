"""Paints what was read over the picture: boxes, labels, occlusion badges and the mesh."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from PySide6.QtCore import QPointF, QRectF, QSizeF, Qt
from PySide6.QtGui import QColor, QFont, QFontMetricsF, QPainter, QPen

from faceapp.types import FaceTrack
from faceapp.ui.badge import Badge
from faceapp.ui.label_places import LabelPlaces
from faceapp.ui.mesh_lines import CONTOURS
from faceapp.ui.readout import Readout, Readouts
from faceapp.ui.theme import EMOTION_QCOLOURS, Theme, blend, text_font

_UNKNOWN = QColor("#9AA0A6")
_UNREAD = QColor("#F4F5F6")
"""Of the dashed box around a face that is not read."""
_CORNER_PX = 8.0
_NAME_LETTERS = 12
"""Widest name in a chip, in wide letters; a longer one is cut, the list of faces has it whole."""


@dataclass(frozen=True, slots=True)
class PictureMap:
    """Where the picture lies in the view: `view = picture * scale + offset`.

    Attributes:
        scale: View pixels per picture pixel.
        offset: Top left corner of the picture in the view.
    """

    scale: float
    offset: QPointF

    def box(self, face: FaceTrack) -> QRectF:
        """Return a face's box in the view."""
        x0, y0, x1, y1 = (float(value) * self.scale for value in face.box)
        return QRectF(x0 + self.offset.x(), y0 + self.offset.y(), x1 - x0, y1 - y0)


class Overlay:
    """Draws boxes and labels; keeps each label on its side of the face from frame to frame.

    Attributes:
        theme: The colours.
        show_mesh: Whether the mesh is drawn over each face.
        chosen_id: Face whose box is drawn thicker.
        names: Id -> name that a person has given, shown in place of the id.
    """

    def __init__(self, theme: Theme) -> None:
        self.theme = theme
        self.names: Mapping[int, str] = {}
        self.show_mesh = False
        self.chosen_id: int | None = None
        self._places = LabelPlaces()

    def paint(
        self,
        painter: QPainter,
        faces: Sequence[FaceTrack],
        readouts: Readouts,
        where: PictureMap,
        bounds: QRectF,
    ) -> None:
        """Paint everything over one picture.

        Args:
            painter: Open on the view, in logical pixels.
            faces: The faces of the shown frame.
            readouts: What is said about them.
            where: Where the picture lies.
            bounds: Where labels may be.
        """
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        known = [(face, readout) for face in faces if (readout := readouts.get(face.id)) is not None]
        boxes = [where.box(face) for face, _ in known]
        for (face, readout), box in zip(known, boxes, strict=True):
            if self.show_mesh and face.landmarks[0, 0] == face.landmarks[0, 0]:  # no mesh in a fixed region
                _paint_mesh(painter, face, where)
            self._paint_box(painter, box, readout)
        font = text_font(round(min(max(min(bounds.height() / 560, bounds.width() / 760), 1.0), 2.2), 1))
        ids = [face.id for face, _ in known]
        chips = [
            _Chip(readout, font, self.names.get(face, ""))
            for face, (_, readout) in zip(ids, known, strict=True)
        ]
        places = self._places.place(ids, boxes, [chip.size for chip in chips], bounds)
        for chip, place in zip(chips, places, strict=True):
            if place is not None:
                chip.paint(painter, place, self.theme)

    def _paint_box(self, painter: QPainter, box: QRectF, readout: Readout) -> None:
        colour = QColor(_UNREAD if readout.abstains else face_colour(readout))
        if readout.label is not None:
            colour.setAlphaF(0.55 + 0.45 * readout.confidence)
        width = 3.0 if readout.track_id == self.chosen_id else 1.6
        painter.setBrush(Qt.BrushStyle.NoBrush)
        painter.setPen(QPen(QColor(0, 0, 0, 90), width + 2))
        painter.drawRoundedRect(box, _CORNER_PX, _CORNER_PX)
        style = Qt.PenStyle.SolidLine if readout.label is not None else Qt.PenStyle.DashLine
        painter.setPen(QPen(colour, width, style))
        painter.drawRoundedRect(box, _CORNER_PX, _CORNER_PX)


class _Chip:
    """One label: the id or name, a dot in the emotion's colour, the word with its number, a badge of what is visible.

    A full face has the badge's icon alone; a face that is not read has the reason alone.
    """

    def __init__(self, readout: Readout, font: QFont, name: str) -> None:
        self._readout = readout
        self._font = font
        self._bold = QFont(font)
        self._bold.setWeight(QFont.Weight.DemiBold)
        plain, bold = QFontMetricsF(font), QFontMetricsF(self._bold)
        self._unit = plain.height()
        longest = bold.averageCharWidth() * _NAME_LETTERS
        self._id = bold.elidedText(name or str(readout.track_id), Qt.TextElideMode.ElideRight, longest)
        self._word = readout.emotion_word
        self._number = "" if readout.label is None else f"{readout.numbers[readout.label]:.2f}"
        word = "" if readout.abstains or readout.occlusion == "none" else readout.badge
        self._badge = Badge("hidden" if readout.abstains else readout.occlusion, word, font)
        self._id_width = max(bold.horizontalAdvance(self._id), self._unit * 0.6) + self._unit * 0.9
        self._word_width = (bold if self._number else plain).horizontalAdvance(self._word)
        self._number_width = plain.horizontalAdvance("0.00") if self._number else 0.0
        self._badge_width = self._badge.size.width()
        dot_and_gaps = self._unit * (2.4 if self._number else 0.9)
        width = self._id_width + dot_and_gaps + self._word_width + self._number_width + self._badge_width
        self.size = QSizeF(width, self._unit * 1.55)

    def paint(self, painter: QPainter, place: QRectF, theme: Theme) -> None:
        ground, text = theme.colour("chip"), theme.colour("chip_text")
        radius, unit = place.height() / 3.2, self._unit
        painter.setPen(Qt.PenStyle.NoPen)
        painter.setBrush(ground)
        painter.drawRoundedRect(place, radius, radius)
        cell = QRectF(place.left(), place.top(), self._id_width, place.height())
        self._write(painter, cell, self._id, text, self._bold, Qt.AlignmentFlag.AlignCenter)
        x = cell.right()
        faded = blend(blend(ground, text, 0.62), text, self._readout.confidence)
        if self._number:
            painter.setPen(Qt.PenStyle.NoPen)
            painter.setBrush(face_colour(self._readout))
            painter.drawEllipse(QPointF(x + unit * 0.3, place.center().y()), unit * 0.28, unit * 0.28)
            x += unit * 0.9
        cell = QRectF(x, place.top(), self._word_width + 1, place.height())
        self._write(painter, cell, self._word, faded, self._bold if self._number else self._font)
        if self._number:
            cell = QRectF(cell.right() + unit * 0.6, place.top(), self._number_width + 1, place.height())
            self._write(painter, cell, self._number, faded, self._font)
        badge = QRectF(cell.right() + unit * 0.6, place.top(), self._badge_width, place.height())
        self._badge.paint(painter, badge, text, blend(ground, text, 0.6))

    @staticmethod
    def _write(
        painter: QPainter,
        cell: QRectF,
        text: str,
        colour: QColor,
        font: QFont,
        align: Qt.AlignmentFlag = Qt.AlignmentFlag.AlignLeft | Qt.AlignmentFlag.AlignVCenter,
    ) -> None:
        painter.setFont(font)
        painter.setPen(colour)
        painter.drawText(cell, align, text)


def face_colour(readout: Readout) -> QColor:
    """Return the colour of a face: that of its shown emotion, gray when the program abstains."""
    return _UNKNOWN if readout.label is None else EMOTION_QCOLOURS[readout.label]


def _paint_mesh(painter: QPainter, face: FaceTrack, where: PictureMap) -> None:
    """Draw the mesh: every point as a dot, the contours as lines."""
    xy = (face.landmarks[:, :2] + 0.5) * where.scale
    points = [QPointF(x, y) for x, y in xy.tolist()]
    painter.save()
    painter.translate(where.offset)
    painter.setBrush(Qt.BrushStyle.NoBrush)
    painter.setPen(QPen(QColor(255, 255, 255, 130), 1.6))
    painter.drawPoints(points)
    painter.setPen(QPen(QColor(255, 255, 255, 190), 1.1))
    for contour in CONTOURS:
        painter.drawPolyline([points[index] for index in contour.tolist()])
    painter.restore()
