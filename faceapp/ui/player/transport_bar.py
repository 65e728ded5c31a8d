"""The bar below the picture: play, steps, speed, the scrub bar, the time and the zoom."""

from __future__ import annotations

from PySide6.QtCore import QSignalBlocker, Qt, Signal
from PySide6.QtGui import QMouseEvent
from PySide6.QtWidgets import QComboBox, QHBoxLayout, QLabel, QSlider, QStyle, QToolButton, QWidget

from faceapp.ui.icons import icon
from faceapp.ui.player.strip import exact_clock_text
from faceapp.ui.player.time_view import TimeView
from faceapp.ui.player.transport import SPEEDS, Transport
from faceapp.ui.theme import Theme, text_font

_STEPS_PER_S = 1000
_ZOOM = 2.0


class TransportBar(QWidget):
    """Buttons and slider over a transport; follows it.

    Args:
        transport: What plays.
        view: Where it is.
        theme: The colours.
    """

    def __init__(
        self, transport: Transport, view: TimeView, theme: Theme, parent: QWidget | None = None
    ) -> None:
        super().__init__(parent)
        self._transport, self._view = transport, view
        self.play = _button("Play or pause (Space)", "", transport.toggle)
        self.back = _button("One frame back (←)", "‹", lambda: transport.step(-1))
        self.on = _button("One frame on (→)", "›", lambda: transport.step(1))
        self.speed = QComboBox()
        self.speed.setAccessibleName("Speed")
        self.speed.setToolTip("Speed (↓ slower, ↑ faster)")
        self.speed.setFocusPolicy(Qt.FocusPolicy.TabFocus)
        for speed in SPEEDS:
            self.speed.addItem(f"{speed:g}×", speed)
        self.speed.activated.connect(lambda _: transport.set_speed(self.speed.currentData()))
        self.slider = ScrubSlider()
        self.slider.sought.connect(view.move_to)
        self.time = QLabel()
        self.time.setFont(text_font(1.0))
        self.zoom_out = _button("Zoom out (−)", "−", lambda: view.zoom(1 / _ZOOM))
        self.zoom_in = _button("Zoom in (+)", "+", lambda: view.zoom(_ZOOM))
        self.all = _button("Show the whole session (0)", "All", view.show_all)
        row = QHBoxLayout(self)
        row.setContentsMargins(12, 5, 12, 5)
        row.setSpacing(6)
        for widget in (self.back, self.play, self.on, self.speed):
            row.addWidget(widget)
        row.addWidget(self.slider, 1)
        row.addWidget(self.time)
        for widget in (self.zoom_out, self.zoom_in, self.all):
            row.addWidget(widget)
        transport.changed.connect(self._show_state)
        view.moved.connect(self.follow)
        self.set_theme(theme)

    def set_theme(self, theme: Theme) -> None:
        """Change the colours."""
        self._theme = theme
        self._show_state()

    def show_session(self) -> None:
        """Take over the view's span and the transport's frames."""
        self.slider.show_span(self._view.span_s)
        widest = f"{exact_clock_text(self._view.span_s[1])} / {exact_clock_text(self._view.span_s[1])}"
        frames = f"   frame {len(self._transport.frames)}"
        self.time.setMinimumWidth(self.time.fontMetrics().horizontalAdvance(widest + frames) + 8)
        self.follow()

    def follow(self) -> None:
        """Show where the position is."""
        position_s = self._view.position_s
        self.slider.show_time(position_s)
        frames = self._transport.frames
        number = f"   frame {frames.number_at(position_s) + 1}" if len(frames) else ""
        text = f"{exact_clock_text(position_s)} / {exact_clock_text(self._view.span_s[1])}{number}"
        self.time.setText(text)

    def _show_state(self) -> None:
        self.play.setIcon(icon("pause" if self._transport.playing else "play", self._theme))
        self.play.setAccessibleName("Pause" if self._transport.playing else "Play")
        self.speed.setCurrentIndex(max(self.speed.findData(self._transport.speed), 0))


class ScrubSlider(QSlider):
    """A slider over the whole session that jumps to where it is clicked."""

    sought = Signal(float)

    def __init__(self) -> None:
        super().__init__(Qt.Orientation.Horizontal)
        self._start_s = 0.0
        self.setAccessibleName("Position in the session")
        self.setFocusPolicy(Qt.FocusPolicy.TabFocus)
        self.setSingleStep(_STEPS_PER_S)
        self.setPageStep(10 * _STEPS_PER_S)
        self.setMinimumWidth(80)
        self.valueChanged.connect(lambda value: self.sought.emit(self._start_s + value / _STEPS_PER_S))

    def show_span(self, span_s: tuple[float, float]) -> None:
        """Run from the start to the end of a session."""
        self._start_s = span_s[0]
        with QSignalBlocker(self):
            self.setRange(0, round((span_s[1] - span_s[0]) * _STEPS_PER_S))

    def show_time(self, time_s: float) -> None:
        """Follow the position, unless the slider is being dragged."""
        if not self.isSliderDown():
            with QSignalBlocker(self):
                self.setValue(round((time_s - self._start_s) * _STEPS_PER_S))
            self.update()

    def mousePressEvent(self, event: QMouseEvent) -> None:
        """Jump to the pointer and let it be dragged on."""
        if event.button() == Qt.MouseButton.LeftButton:
            span = max(self.width() - 14, 1)
            place = round(event.position().x()) - 7
            self.setValue(QStyle.sliderValueFromPosition(self.minimum(), self.maximum(), place, span))
        super().mousePressEvent(event)


def _button(what: str, text: str, act: object) -> QToolButton:
    button = QToolButton()
    button.setText(text)
    button.setToolTip(what)
    button.setAccessibleName(what.partition(" (")[0])
    button.setProperty("compact", True)
    button.setFocusPolicy(Qt.FocusPolicy.TabFocus)
    button.clicked.connect(act)
    return button
