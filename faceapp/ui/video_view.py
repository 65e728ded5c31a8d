"""The live picture: letterboxed, sharp on every screen, with the overlay, a hint and a recording dot."""

from __future__ import annotations

import cv2
from PySide6.QtCore import QPointF, QRectF, QSize, Qt, Signal
from PySide6.QtGui import QColor, QImage, QKeyEvent, QMouseEvent, QPainter, QPaintEvent
from PySide6.QtWidgets import QSizePolicy, QWidget

from faceapp.types import FrameResult, Image
from faceapp.ui.heat import paint_heat, paint_legend
from faceapp.ui.overlay import Overlay, PictureMap
from faceapp.ui.readout import Readouts
from faceapp.ui.region_tool import DRAW_HINT, RegionTool
from faceapp.ui.theme import RECORD_RED, Theme, text_font
from faceapp.ui.wrinkle_inset import WrinkleInset

_REDUCE_BELOW = 0.5
"""Bilinear sampling alone flickers below half size, so larger pictures are averaged down first."""


class VideoView(QWidget):
    """Shows the newest result and keeps it, because the image that is drawn is the frame's own memory.

    Signals:
        face_chosen: Id of a face that was clicked.
        region_drawn: `faceapp.settings.region.Region` that was drawn with the mouse.
    """

    face_chosen = Signal(int)
    region_drawn = Signal(object)

    def __init__(self, theme: Theme, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.overlay, self.region_tool, self.wrinkles = Overlay(theme), RegionTool(), WrinkleInset()
        self._theme = theme
        self._result: FrameResult | None = None
        self._readouts = Readouts()
        self._hint = ""
        self._note = ""
        self._recording = False
        self.setMinimumSize(QSize(280, 200))
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Expanding)
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        self.setAttribute(Qt.WidgetAttribute.WA_OpaquePaintEvent)
        self.setAccessibleName("Live picture")

    def set_theme(self, theme: Theme) -> None:
        """Change the colours."""
        self._theme = self.overlay.theme = theme
        self.update()

    def show_result(self, result: FrameResult | None, readouts: Readouts) -> None:
        """Show a result, or nothing.

        Args:
            result: The picture with its faces.
            readouts: What is said about the faces.
        """
        self._result, self._readouts = result, readouts
        self.update()

    def show_wrinkles(self, shown: bool) -> None:
        """Show the chosen face with wrinkles enhanced in a corner, or no more."""
        self.wrinkles.on = shown
        self.update()

    def set_hint(self, text: str) -> None:
        """Show a quiet sentence at the foot of the picture, such as how to find a face; "" hides it."""
        if text != self._hint:
            self._hint = text
            self.update()

    def set_note(self, text: str) -> None:
        """Dim the picture and show a state in its middle, for example "paused"; "" hides it."""
        if text != self._note:
            self._note = text
            self.update()

    def set_recording(self, recording: bool) -> None:
        """Show the red dot in the corner, for when the toolbar is hidden."""
        self._recording = recording
        self.update()

    def draw_region(self, drawing: bool) -> None:
        """Let the mouse draw a region, or no more."""
        (self.region_tool.begin if drawing else self.region_tool.cancel)()
        self.setCursor(Qt.CursorShape.CrossCursor if drawing else Qt.CursorShape.ArrowCursor)
        self.update()

    def picture_map(self) -> PictureMap | None:
        """Return where the picture lies in the view, or None while there is none."""
        if self._result is None:
            return None
        height, width = self._result.frame.image.shape[:2]
        scale = min(self.width() / width, self.height() / height)
        offset = QPointF((self.width() - width * scale) / 2, (self.height() - height * scale) / 2)
        return PictureMap(scale, offset)

    def snapshot(self) -> QImage | None:
        """Return the shown picture in its own size with the overlay, or None while there is none."""
        if self._result is None:
            return None
        picture: QImage = _wrap(self._result.frame.image).convertToFormat(QImage.Format.Format_RGB32)
        painter = QPainter(picture)
        bounds = QRectF(picture.rect()).adjusted(4, 4, -4, -4)
        where = PictureMap(1.0, QPointF(0, 0))
        if self._result.explanation is not None:
            paint_heat(painter, self._result.explanation, where)
            paint_legend(painter, self._result.explanation, bounds, self._theme)
        self.overlay.paint(painter, self._result.faces, self._readouts, where, bounds)
        painter.end()
        return picture

    def paintEvent(self, event: QPaintEvent) -> None:
        """Paint the picture, scaled once, and everything over it."""
        painter = QPainter(self)
        painter.fillRect(self.rect(), self._theme.colour("background"))
        where = self.picture_map()
        if where is not None and self._result is not None:
            self._paint_picture(painter, self._result.frame.image, where)
            bounds = QRectF(self.rect()).adjusted(6, 6, -6, -6)
            explanation = self._result.explanation
            self.region_tool.paint(painter, self._picture_place(where), self._theme)  # below labels of faces
            if not self.region_tool.drawing:
                if explanation is not None:
                    paint_heat(painter, explanation, where)
                    paint_legend(painter, explanation, self._picture_place(where) & bounds, self._theme)
                self.overlay.paint(painter, self._result.faces, self._readouts, where, bounds)
                self.wrinkles.paint(painter, self._result, self.overlay.chosen_id, bounds, self._theme)
        if self._note:
            painter.fillRect(self.rect(), QColor(0, 0, 0, 110))
            self._paint_sentence(painter, self._note, self.height() / 2, 1.3)
        hint = DRAW_HINT if self.region_tool.drawing else self._hint
        if hint:
            self._paint_sentence(painter, hint, self.height() - 34, 1.0)
        if self._recording:
            painter.setRenderHint(QPainter.RenderHint.Antialiasing)
            painter.setPen(Qt.PenStyle.NoPen)
            painter.setBrush(QColor(RECORD_RED))
            painter.drawEllipse(QPointF(self.width() - 24, 24), 8, 8)

    def mousePressEvent(self, event: QMouseEvent) -> None:
        """Choose the clicked face."""
        where = self.picture_map()
        if where is None or self._result is None:
            return
        if self.region_tool.drawing:
            self.region_tool.press(event.position())
            return
        hit = [face for face in self._result.faces if where.box(face).contains(event.position())]
        if hit:
            smallest = min(hit, key=lambda face: where.box(face).width())
            self.face_chosen.emit(smallest.id)

    def mouseMoveEvent(self, event: QMouseEvent) -> None:
        """Stretch the region that is being drawn."""
        if self.region_tool.drawing:
            self.region_tool.move(event.position())
            self.update()

    def mouseReleaseEvent(self, event: QMouseEvent) -> None:
        """Take the region that was drawn; a slip of the mouse is none."""
        where = self.picture_map()
        if where is None or not self.region_tool.drawing:
            return
        region = self.region_tool.release(self._picture_place(where))
        if region is not None:
            self.draw_region(False)
            self.region_drawn.emit(region)
        self.update()

    def keyPressEvent(self, event: QKeyEvent) -> None:
        """Leave every key to the window."""
        event.ignore()

    def _paint_picture(self, painter: QPainter, image: Image, where: PictureMap) -> None:
        height, width = image.shape[:2]
        target = self._picture_place(where)
        device_scale = where.scale * self.devicePixelRatioF()
        if device_scale < _REDUCE_BELOW:
            size = (max(1, round(width * device_scale)), max(1, round(height * device_scale)))
            image = cv2.resize(image, size, interpolation=cv2.INTER_AREA)
        painter.setRenderHint(QPainter.RenderHint.SmoothPixmapTransform)
        painter.drawImage(target, _wrap(image))

    def _picture_place(self, where: PictureMap) -> QRectF:
        """Return where the picture lies in the view."""
        assert self._result is not None
        height, width = self._result.frame.image.shape[:2]
        return QRectF(where.offset.x(), where.offset.y(), width * where.scale, height * where.scale)

    def _paint_sentence(self, painter: QPainter, text: str, centre_y: float, scale: float) -> None:
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        painter.setFont(text_font(scale))
        flags = Qt.AlignmentFlag.AlignCenter | Qt.TextFlag.TextWordWrap
        room = QRectF(0, 0, max(self.width() - 60, 100), self.height())
        needed = painter.boundingRect(room, flags, text)
        chip = QRectF(0, 0, needed.width() + 32, needed.height() + 16)
        chip.moveCenter(QPointF(self.width() / 2, min(centre_y, self.height() - chip.height() / 2 - 12)))
        painter.setPen(Qt.PenStyle.NoPen)
        painter.setBrush(self._theme.colour("chip"))
        painter.drawRoundedRect(chip, 10, 10)
        painter.setPen(self._theme.colour("chip_text"))
        painter.drawText(chip, flags, text)


def _wrap(image: Image) -> QImage:
    """Return an image over the array's own memory, which the caller keeps alive while it is drawn."""
    height, width = image.shape[:2]
    return QImage(image.data, width, height, image.strides[0], QImage.Format.Format_RGB888)
