"""One opening of a live device: its thread, the newest frame, and connecting again after a loss."""

from __future__ import annotations

import logging
import math
import threading
import time
from collections.abc import Callable
from typing import Protocol

from faceapp.errors import SourceError
from faceapp.sources.outage import Outage
from faceapp.types import Frame, Image, read_only

logger = logging.getLogger(__name__)

FIRST_RETRY_S = 0.5
LONGEST_RETRY_S = 8.0
_SILENT_AFTER_S = 2.0


class Device(Protocol):
    """An opened camera or stream, used by one thread."""

    def grab(self) -> tuple[Image, float] | None:
        """Wait for the next picture.

        Returns:
            uint8 (H, W, 3) RGB that nobody else writes to, and `time.perf_counter()` right after it was
            captured; None when none came for now.

        Raises:
            SourceError: The device is lost.
            RecordingEnded: It was a recording, and that is over.
        """

    def close(self) -> None:
        """Release the device; may take long."""


class RecordingEnded(Exception):
    """What was taken for live was a recording, which is over."""


class Capture:
    """One opening of a live source: its thread and the newest frame.

    An opening that is over can't disturb the next one: everything it changes is its own.
    """

    def __init__(self, name: str, connect: Callable[[], Device]) -> None:
        """Prepare the thread.

        Args:
            name: Name of the source.
            connect: Opens the device; raises `SourceError` where it can't.
        """
        self._name = name
        self._connect = connect
        self._stopping = threading.Event()
        self._news = threading.Condition()
        self._newest: Frame | None = None
        self._error: SourceError | None = None
        self._over = False
        self._count = 0
        self._first_s = math.nan
        self._last_s = math.nan
        self._retry_at_s: float | None = None
        self._why_lost = ""
        self._outages: tuple[Outage, ...] = ()
        self._thread = threading.Thread(target=self._run, name=f"source {name}", daemon=True)

    @property
    def ended(self) -> bool:
        """Whether what turned out to be a recording is over and its last frame was taken."""
        return self._over and self._newest is None

    @property
    def outages(self) -> tuple[Outage, ...]:
        """What was lost since the opening, in order, and what is now."""
        if self._retry_at_s is None or not self._count:
            return self._outages
        return (*self._outages, Outage(self._last_s - self._first_s, None, self._why_lost))

    def start(self) -> None:
        """Start the thread."""
        self._thread.start()

    def stop(self, wait_s: float) -> None:
        """Tell the thread to end and wait for it, but not for ever."""
        self._stopping.set()
        with self._news:
            self._news.notify_all()
        self._thread.join(wait_s)
        if self._thread.is_alive():
            logger.warning("%s: the driver hangs; it is released when it answers", self._name)

    def wait_for_first(self, wait_s: float) -> None:
        """Wait until the first frame is there or the device failed.

        Raises:
            SourceError: It failed.
        """
        with self._news:
            self._news.wait_for(self._has_news, wait_s)
            if self._error is not None:
                raise self._error

    def take(self, wait_s: float) -> Frame | None:
        """Return the newest frame, waiting for one if need be.

        Raises:
            SourceError: The device could not be opened the first time.
        """
        with self._news:
            self._news.wait_for(self._has_news, wait_s)
            if self._error is not None:
                raise self._error
            frame, self._newest = self._newest, None
            return frame

    def status(self) -> str:
        """Return what is wrong at the moment; empty when all is well."""
        now_s, retry_at_s = time.perf_counter(), self._retry_at_s
        if self._error is not None or self._over:
            return ""
        if retry_at_s is not None:
            left_s = math.ceil(retry_at_s - now_s)
            return f"lost: trying again in {left_s} s" if left_s > 0 else "lost: trying again now"
        if not self._count:
            return f"waiting for the first picture of {self._name}"
        silent_s = now_s - self._last_s
        return f"no picture for {silent_s:.0f} s" if silent_s > _SILENT_AFTER_S else ""

    def _has_news(self) -> bool:
        return self._newest is not None or self._error is not None or self._over or self._stopping.is_set()

    def _run(self) -> None:
        try:
            self._keep_capturing()
        except SourceError as error:
            self._fail(error)
        except Exception as error:
            logger.exception("%s: the capture thread failed", self._name)
            self._fail(
                SourceError(f"{self._name}: expected frames, found a fault of the program ({error!r})")
            )

    def _keep_capturing(self) -> None:
        """Capture until stopped, connecting again after every loss.

        Raises:
            SourceError: The device never gave a picture.
        """
        delay_s = FIRST_RETRY_S
        while not self._stopping.is_set():
            before = self._count
            try:
                self._capture_until_lost()
                return
            except SourceError as error:
                if not self._count:
                    raise
                if self._count > before:
                    delay_s = FIRST_RETRY_S
                    self._why_lost = str(error)
                    logger.warning("%s: lost (%s); trying again until it is back", self._name, error)
            self._retry_at_s = time.perf_counter() + delay_s
            self._stopping.wait(delay_s)
            delay_s = min(2 * delay_s, LONGEST_RETRY_S)

    def _capture_until_lost(self) -> None:
        device = self._connect()
        try:
            while not self._stopping.is_set():
                grabbed = device.grab()
                if grabbed is not None:
                    self._publish(*grabbed)
        except RecordingEnded:
            with self._news:
                self._over = True
                self._news.notify_all()
        finally:
            device.close()

    def _publish(self, image: Image, captured_s: float) -> None:
        read_only(image)
        if self._retry_at_s is not None:
            self._retry_at_s = None
            lost_s, back_s = self._last_s - self._first_s, captured_s - self._first_s
            self._outages += (Outage(lost_s, back_s, self._why_lost),)
            logger.info("%s: back", self._name)
        with self._news:
            if not self._count:
                self._first_s = captured_s
            elif captured_s <= self._last_s:
                captured_s = math.nextafter(self._last_s, math.inf)
            self._last_s = captured_s
            self._newest = Frame(self._count, captured_s - self._first_s, image, self._name, captured_s)
            self._count += 1
            self._news.notify_all()

    def _fail(self, error: SourceError) -> None:
        with self._news:
            self._error = error
            self._news.notify_all()
