"""Decodes pictures on a thread of its own; of several wishes only the newest is fulfilled."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable
from pathlib import Path

from PySide6.QtCore import QObject, Signal

from faceapp.errors import SessionError
from faceapp.session.video_reader import VideoReader
from faceapp.types import Image

logger = logging.getLogger(__name__)

_PREVIEW_S = 0.06
"""A wish that takes longer gives way to a newer one, with the frame that was reached: scrubbing stays fluent."""


class PictureLoader(QObject):
    """Gives the frame of a time.

    Signals:
        ready: A picture can be taken.
        failed: The video can't be read; the sentence says what to do.

    Args:
        path: The video.
    """

    ready = Signal()
    failed = Signal(str)

    def __init__(self, path: Path, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._path = path
        self._changed = threading.Condition()
        self._wanted_s: float | None = None
        self._picture: tuple[float, Image] | None = None
        self._closed = False
        self._thread = threading.Thread(target=self._work, name="faceapp-player", daemon=True)

    def want(self, time_s: float) -> None:
        """Ask for the frame of a time; an older wish that was not begun is forgotten."""
        with self._changed:
            self._wanted_s = time_s
            self._changed.notify()
        if not self._thread.ident:  # only now: whoever asks has connected the signals
            self._thread.start()

    def take(self) -> tuple[float, Image] | None:
        """Return the newest picture with its own time in seconds, once; None when there is no new one."""
        with self._changed:
            picture, self._picture = self._picture, None
        return picture

    def close(self) -> None:
        """End the thread and release the file."""
        with self._changed:
            self._closed = True
            self._changed.notify()
        if self._thread.ident:
            self._thread.join()

    def _work(self) -> None:
        reader = None
        try:
            reader = VideoReader(self._path)
            while (wanted_s := self._next_wish()) is not None:
                self._give(reader.picture_at(wanted_s, self._interruption()))
        except SessionError as error:
            self._tell(str(error))
        except Exception as error:
            logger.exception("the video of a session can't be shown")
            self._tell(f"{self._path.name}: expected to show it, found {error}; open it again")
        finally:
            if reader is not None:
                reader.close()

    def _next_wish(self) -> float | None:
        with self._changed:
            self._changed.wait_for(lambda: self._closed or self._wanted_s is not None)
            wanted_s, self._wanted_s = self._wanted_s, None
            return None if self._closed else wanted_s

    def _interruption(self) -> Callable[[], bool]:
        until = time.perf_counter() + _PREVIEW_S
        return lambda: self._closed or (self._wanted_s is not None and time.perf_counter() > until)

    def _give(self, picture: tuple[float, Image]) -> None:
        with self._changed:
            self._picture = picture
        self._tell()

    def _tell(self, problem: str = "") -> None:
        """Say that a picture can be taken, or what went wrong."""
        try:
            if problem:
                self.failed.emit(problem)
            else:
                self.ready.emit()
        except RuntimeError:  # the window was destroyed meanwhile
            logger.debug("a picture came after the window had gone")
