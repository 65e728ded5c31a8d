"""Pause, seek and pace of a pipeline: given by the window's thread, obeyed by the capture thread."""

from __future__ import annotations

import threading
import time

_LATE_S = 0.5


class Playback:
    """What the capture thread shall do next; safe to use from several threads."""

    def __init__(self) -> None:
        self._changed = threading.Condition()
        self._paused = False
        self._closed = False
        self._seek_s: float | None = None
        self._ahead_s: float | None = None

    @property
    def paused(self) -> bool:
        """Whether new frames are held back."""
        return self._paused

    def pause(self, paused: bool) -> None:
        """Hold new frames back, or let them come again."""
        with self._changed:
            self._paused = paused
            self._changed.notify_all()

    def seek(self, time_s: float) -> None:
        """Ask for a jump; a newer wish replaces one that was not yet obeyed."""
        with self._changed:
            self._seek_s = time_s
            self._changed.notify_all()

    def close(self) -> None:
        """Wake the capture thread for good."""
        with self._changed:
            self._closed = True
            self._changed.notify_all()

    def take_seek(self) -> float | None:
        """Return the time to jump to, once, or None."""
        with self._changed:
            wanted_s, self._seek_s = self._seek_s, None
        return wanted_s

    def hold(self, *, ended: bool) -> None:
        """Wait on the capture thread until a seek, the close, or a resume of a source that has not ended."""
        with self._changed:
            self._changed.wait_for(
                lambda: self._closed or self._seek_s is not None or not (ended or self._paused)
            )
        self.restart_pace()

    def restart_pace(self) -> None:
        """Let the next frame be due at once, after a jump or a pause."""
        self._ahead_s = None

    def wait_until_due(self, time_s: float) -> None:
        """Wait until a frame of this time is due at the recording's own speed, or another wish comes.

        A player that falls more than half a second behind goes on from there instead of hurrying after.
        """
        now_s = time.perf_counter()
        if self._ahead_s is None or now_s - self._ahead_s - time_s > _LATE_S:
            self._ahead_s = now_s - time_s
        due_s = self._ahead_s + time_s
        with self._changed:
            while (left_s := due_s - time.perf_counter()) > 0:
                if self._seek_s is not None or self._closed or self._paused:
                    return
                self._changed.wait(left_s)
