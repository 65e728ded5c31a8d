"""Play, pause, speed and single steps."""

from __future__ import annotations

import time
from collections.abc import Callable

from PySide6.QtCore import QObject, Qt, QTimer, Signal

from faceapp.ui.player.frame_times import FrameTimes
from faceapp.ui.player.time_view import TimeView

SPEEDS = (0.25, 0.5, 1.0, 2.0, 4.0)
_TICK_MS = 15


class Transport(QObject):
    """Moves the position of a view.

    Signals:
        changed: It plays now or has stopped, or the speed is another.

    Args:
        view: What is moved.
        clock: Seconds of a steady clock.

    Attributes:
        frames: Times of the frames to step through.
        playing: Whether it plays.
        speed: Seconds of the session a second.
    """

    changed = Signal()

    def __init__(
        self,
        view: TimeView,
        parent: QObject | None = None,
        clock: Callable[[], float] = time.perf_counter,
    ) -> None:
        super().__init__(parent)
        self.frames = FrameTimes([])  # type: ignore[arg-type]
        self.playing = False
        self.speed = 1.0
        self._view = view
        self._clock = clock
        self._last = 0.0
        self._timer = QTimer(self, interval=_TICK_MS, timerType=Qt.TimerType.PreciseTimer)
        self._timer.timeout.connect(self.tick)

    def toggle(self) -> None:
        """Play or pause; at the end it starts again from the beginning."""
        if not self.playing and self._view.position_s >= self._view.span_s[1]:
            self._view.move_to(self._view.span_s[0])
        self._set(not self.playing)

    def pause(self) -> None:
        """Stop playing."""
        self._set(False)

    def set_speed(self, speed: float) -> None:
        """Play at 0.25 to 4 times the speed of the session."""
        self.speed = min(max(speed, SPEEDS[0]), SPEEDS[-1])
        self.changed.emit()

    def change_speed(self, steps: int) -> None:
        """Take a faster or slower one of `SPEEDS`."""
        nearest = min(range(len(SPEEDS)), key=lambda place: abs(SPEEDS[place] - self.speed))
        self.set_speed(SPEEDS[min(max(nearest + steps, 0), len(SPEEDS) - 1)])

    def step(self, frames: int) -> None:
        """Pause and show the frame some frames on (or back)."""
        self.pause()
        self._view.move_to(self.frames.stepped(self._view.position_s, frames))

    def jump(self, seconds: float) -> None:
        """Go on or back by some seconds; playing goes on."""
        self._view.move_to(self._view.position_s + seconds)

    def tick(self) -> None:
        """Move on by the time that has passed."""
        if not self.playing:
            return
        now = self._clock()
        passed_s, self._last = (now - self._last) * self.speed, now
        self._view.move_to(self._view.position_s + passed_s)
        if self._view.position_s >= self._view.span_s[1]:
            self._set(False)

    def _set(self, playing: bool) -> None:
        if playing == self.playing:
            return
        self.playing = playing
        self._last = self._clock()
        if playing:
            self._timer.start()
        else:
            self._timer.stop()
        self.changed.emit()
