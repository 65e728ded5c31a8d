"""What charts, lanes and ruler have in common: a gutter on the left, time from left to right, a line at the position."""

from __future__ import annotations

from PySide6.QtCore import QPointF, QRectF, Qt
from PySide6.QtGui import QColor, QMouseEvent, QPainter, QPaintEvent, QPen, QPixmap, QResizeEvent, QWheelEvent
from PySide6.QtWidgets import QSizePolicy, QWidget

from faceapp.ui.player.time_view import TimeView
from faceapp.ui.theme import Theme, text_font

GUTTER_PX = 168
MARGIN_PX = 6
_ZOOM_STEP = 1.2
_STEPS_S = (0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 1200, 1800, 3600, 7200)
_TICK_PX = 84


class Strip(QWidget):
    """A band of the time view; a click seeks, the wheel zooms, with Shift it scrolls.

    Args:
        view: What is in sight.
        theme: The colours.
    """

    def __init__(self, view: TimeView, theme: Theme, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._view = view
        self._theme = theme
        self._content: QPixmap | None = None
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Preferred)
        view.moved.connect(self.update)
        view.range_changed.connect(self._range_changed)

    def set_theme(self, theme: Theme) -> None:
        """Change the colours."""
        self._theme = theme
        self._range_changed()

    @property
    def area(self) -> QRectF:
        """Where time runs, in the widget's pixels."""
        return QRectF(GUTTER_PX, 0, max(self.width() - GUTTER_PX - MARGIN_PX, 1), self.height())

    def x_of(self, time_s: float) -> float:
        """Return where a time lies."""
        area = self.area
        return area.left() + (time_s - self._view.range_s[0]) / self._view.length_s * area.width()

    def time_of(self, x: float) -> float:
        """Return the time at a place."""
        area = self.area
        return self._view.range_s[0] + (x - area.left()) / area.width() * self._view.length_s

    def ticks(self) -> list[tuple[float, str]]:
        """Return the times to write on, with their texts."""
        wanted_s = self._view.length_s * _TICK_PX / self.area.width()
        step_s = next((step for step in _STEPS_S if step >= wanted_s), _STEPS_S[-1])
        first = int(self._view.range_s[0] / step_s)
        times = (step_s * number for number in range(first, first + int(self._view.length_s / step_s) + 3))
        return [
            (time_s, tick_text(time_s, step_s))
            for time_s in times
            if self._view.range_s[0] - 1e-9 <= time_s <= self._view.range_s[1] + 1e-9
        ]

    def paintEvent(self, event: QPaintEvent) -> None:
        """Paint the band, and the position over it."""
        painter = QPainter(self)
        painter.drawPixmap(0, 0, self._painted_content())
        painter.setFont(text_font(0.85))
        self.paint_over(painter)
        if self._view.range_s[0] <= self._view.position_s <= self._view.range_s[1]:
            x = round(self.x_of(self._view.position_s)) + 0.5
            painter.setRenderHint(QPainter.RenderHint.Antialiasing, False)
            painter.setPen(QPen(self._theme.colour("text"), 1))
            painter.drawLine(QPointF(x, 0), QPointF(x, self.height()))

    def paint_content(self, painter: QPainter) -> None:
        """Paint what this band shows; kept until `content_changed`, so that scrubbing moves the line only."""

    def paint_over(self, painter: QPainter) -> None:
        """Paint what changes with the pointer."""

    def content_changed(self) -> None:
        """Paint the content anew."""
        self._content = None
        self.update()

    def _painted_content(self) -> QPixmap:
        ratio = self.devicePixelRatioF()
        if self._content is None or self._content.devicePixelRatio() != ratio:
            self._content = QPixmap(round(self.width() * ratio), round(self.height() * ratio))
            self._content.setDevicePixelRatio(ratio)
            self._content.fill(self._theme.colour("background"))
            painter = QPainter(self._content)
            painter.setFont(text_font(0.85))
            self.paint_content(painter)
            painter.end()
        return self._content

    def mousePressEvent(self, event: QMouseEvent) -> None:
        """Seek."""
        if event.button() == Qt.MouseButton.LeftButton and event.position().x() >= GUTTER_PX:
            self._view.move_to(self.time_of(event.position().x()))

    def mouseMoveEvent(self, event: QMouseEvent) -> None:
        """Scrub while the button is held."""
        if event.buttons() & Qt.MouseButton.LeftButton:
            area = self.area
            self._view.move_to(self.time_of(min(max(event.position().x(), area.left()), area.right())))

    def wheelEvent(self, event: QWheelEvent) -> None:
        """Zoom around the pointer, or scroll with Shift or a sideways wheel."""
        turned = event.angleDelta()
        if event.modifiers() & Qt.KeyboardModifier.ShiftModifier or abs(turned.x()) > abs(turned.y()):
            self._view.scroll(-(turned.x() or turned.y()) / 1200)
        else:
            self._view.zoom(_ZOOM_STEP ** (turned.y() / 120), self.time_of(event.position().x()))
        event.accept()

    def resizeEvent(self, event: QResizeEvent) -> None:
        """Draw anew at the new size."""
        self._range_changed()

    def _range_changed(self) -> None:
        self.content_changed()


class Ruler(Strip):
    """The times above charts and lanes."""

    def __init__(self, view: TimeView, theme: Theme, parent: QWidget | None = None) -> None:
        super().__init__(view, theme, parent)
        self.setFixedHeight(24)
        self.setAccessibleName("Times")

    def paint_content(self, painter: QPainter) -> None:
        """Paint the ticks."""
        painter.setPen(self._theme.colour("muted"))
        flags = Qt.AlignmentFlag.AlignHCenter | Qt.AlignmentFlag.AlignVCenter
        for time_s, text in self.ticks():
            place = QRectF(self.x_of(time_s) - 60, 0, 120, self.height() - 5)
            if place.center().x() + 30 < self.width():
                painter.drawText(place, flags, text)
            painter.drawLine(
                QPointF(place.center().x(), self.height() - 4), QPointF(place.center().x(), self.height())
            )


def tick_text(time_s: float, step_s: float) -> str:
    """Return a time as precisely as the ticks need: "1:02:00", "3:07", "3:07.25"."""
    decimals = 0 if step_s >= 1 else 1 if step_s >= 0.1 else 2
    return exact_clock_text(time_s, decimals)


def exact_clock_text(time_s: float, decimals: int = 2) -> str:
    """Return a time as minutes and seconds with decimals: "3:07.25"; with hours from one hour on."""
    sign, time_s = ("-", -time_s) if round(time_s, decimals) < 0 else ("", max(time_s, 0.0))
    whole = round(time_s * 10**decimals)
    seconds, part = divmod(whole, 10**decimals)
    minutes, seconds = divmod(seconds, 60)
    hours, minutes = divmod(minutes, 60)
    clock = f"{hours}:{minutes:02}:{seconds:02}" if hours else f"{minutes}:{seconds:02}"
    return sign + clock + (f".{part:0{decimals}}" if decimals else "")


def translucent(colour: str, alpha: float) -> QColor:
    """Return a colour that lets its ground show through."""
    mixed = QColor(colour)
    mixed.setAlphaF(alpha)
    return mixed
