"""Where a video is, and how to go elsewhere: a slider with the times and a loop switch."""

from __future__ import annotations

from PySide6.QtCore import Qt, Signal
from PySide6.QtGui import QMouseEvent
from PySide6.QtWidgets import QHBoxLayout, QLabel, QSlider, QStyle, QToolButton, QWidget

from faceapp.ui.icons import icon
from faceapp.ui.theme import Theme, text_font

_STEPS_PER_S = 100


class SeekBar(QWidget):
    """Follows the video; dragging asks for another time.

    Signals:
        sought: The wanted time in seconds.
        loop_toggled: Whether the video shall start again at its end.
    """

    sought = Signal(float)
    loop_toggled = Signal(bool)

    def __init__(self, theme: Theme, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._duration_s = 0.0
        self._slider = _ClickSlider(Qt.Orientation.Horizontal)
        self._slider.setAccessibleName("Position in the video")
        self._slider.setPageStep(5 * _STEPS_PER_S)
        self._slider.setSingleStep(_STEPS_PER_S)
        self._slider.actionTriggered.connect(
            lambda _: self.sought.emit(self._slider.sliderPosition() / _STEPS_PER_S)
        )
        self._times = QLabel()
        self._times.setFont(text_font(0.92))
        self._times.setProperty("muted", True)
        self._loop = QToolButton()
        self._loop.setCheckable(True)
        self._loop.setToolTip("Start again at the end")
        self._loop.setAccessibleName("Loop the video")
        self._loop.setFocusPolicy(Qt.FocusPolicy.TabFocus)
        self._loop.toggled.connect(self.loop_toggled)
        row = QHBoxLayout(self)
        row.setContentsMargins(14, 4, 10, 4)
        row.setSpacing(12)
        row.addWidget(self._slider, 1)
        row.addWidget(self._times)
        row.addWidget(self._loop)
        self.set_theme(theme)
        self.hide()

    @property
    def loops(self) -> bool:
        """Whether the video shall start again at its end."""
        return bool(self._loop.isChecked())

    def set_theme(self, theme: Theme) -> None:
        """Change the colours."""
        self._loop.setIcon(icon("loop", theme))

    def set_duration(self, duration_s: float | None) -> None:
        """Show the bar for a video of this length, or hide it."""
        if (duration_s or 0.0) == self._duration_s:
            return
        self._duration_s = duration_s or 0.0
        self._slider.setRange(0, round(self._duration_s * _STEPS_PER_S))
        self.setVisible(self._duration_s > 0)

    def set_time(self, time_s: float) -> None:
        """Follow the video, unless the slider is being dragged."""
        if self.isHidden():
            return
        if not self._slider.isSliderDown():
            self._slider.setValue(round(time_s * _STEPS_PER_S))
        self._times.setText(f"{clock_text(time_s)} / {clock_text(self._duration_s)}")


class _ClickSlider(QSlider):
    """A slider that jumps to where it is clicked."""

    def mousePressEvent(self, event: QMouseEvent) -> None:
        if event.button() == Qt.MouseButton.LeftButton:
            span = max(self.width() - 14, 1)
            value = QStyle.sliderValueFromPosition(
                self.minimum(), self.maximum(), round(event.position().x()) - 7, span
            )
            self.setSliderPosition(value)
            self.triggerAction(QSlider.SliderAction.SliderMove)
        super().mousePressEvent(event)


def clock_text(time_s: float) -> str:
    """Return a time as minutes and seconds, with hours from one hour on: "3:07", "1:02:03"."""
    minutes, seconds = divmod(max(0, int(time_s)), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02}:{seconds:02}" if hours else f"{minutes}:{seconds:02}"
