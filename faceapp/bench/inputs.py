"""What a benchmark reads: a file for as many frames as wanted, or delivered as a camera would."""

from __future__ import annotations

import time
from dataclasses import replace
from pathlib import Path

import cv2

from faceapp.errors import SourceError
from faceapp.sources import make_source
from faceapp.types import Frame, Image, Source, read_only

_PICTURE_SUFFIXES = frozenset({".jpg", ".jpeg", ".png", ".bmp", ".tif", ".tiff", ".webp"})
_PICTURE_RATE_HZ = 30.0


def is_picture(text: str) -> bool:
    """Return whether an input is one picture, which is then repeated."""
    return Path(text).suffix.lower() in _PICTURE_SUFFIXES


def read_picture(text: str) -> Image:
    """Return a picture file as uint8 (H, W, 3) RGB, read-only.

    Raises:
        SourceError: No picture can be read there.
    """
    picture = cv2.imread(text, cv2.IMREAD_COLOR)
    if picture is None:
        raise SourceError(f"{text}: expected a picture, found none that can be read; check the path")
    image: Image = cv2.cvtColor(picture, cv2.COLOR_BGR2RGB)
    read_only(image)
    return image


def endless(text: str) -> Source:
    """Return a source that repeats a video or a picture for ever, as fast as it is read.

    Raises:
        SourceError: The input is neither.
    """
    source = RepeatedPicture(text) if is_picture(text) else make_source(text, loop=True)
    if source.live:
        raise SourceError(f"{text}: expected a video or a picture to measure with, found a live source")
    return source


class RepeatedPicture:
    """One picture, decoded once, as an endless video of 30 frames a second."""

    live = False
    ended = False
    status = ""

    def __init__(self, text: str) -> None:
        self.name = Path(text).name
        self._text = text
        self._image: Image | None = None
        self._next = 0

    def open(self) -> None:
        """Decode the picture.

        Raises:
            SourceError: No picture can be read there.
        """
        self._image, self._next = read_picture(self._text), 0

    def read(self) -> Frame | None:
        """Return the picture as the next frame."""
        if self._image is None:
            raise SourceError(f"{self.name}: expected an open source; call open() first")
        index, self._next = self._next, self._next + 1
        return Frame(index, index / _PICTURE_RATE_HZ, self._image, self.name, time.perf_counter())

    def close(self) -> None:
        """Let the picture go."""
        self._image = None


class PacedCamera:
    """A file whose frames come by the wall clock, like a camera's: stamped when due, missed when not fetched.

    Args:
        inner: An endless file source.
        rate_hz: Frames a second.

    Attributes:
        missed: Frames that nobody fetched in time (the capture thread was late by a whole period).
    """

    live = True
    status = ""

    def __init__(self, inner: Source, rate_hz: float) -> None:
        self.name = inner.name
        self.ended = False
        self.missed = 0
        self._inner = inner
        self._period_s = 1 / rate_hz
        self._next = 0
        self._started_s: float | None = None

    def open(self) -> None:
        """Open the file; the clock starts at the first read."""
        self._inner.open()
        self._next, self.missed, self.ended, self._started_s = 0, 0, False, None

    def read(self) -> Frame | None:
        """Decode the next frame, wait until it is due and return it with the time of now."""
        frame = self._inner.read()
        if frame is None:
            self.ended = self._inner.ended
            return None
        now_s = time.perf_counter()
        if self._started_s is None:
            self._started_s = now_s
        late = max(0, int((now_s - self._started_s) / self._period_s) - self._next)
        self.missed += late
        index = self._next + late
        self._next = index + 1
        time.sleep(max(0.0, self._started_s + index * self._period_s - time.perf_counter()))
        return replace(frame, index=index, time_s=index * self._period_s, captured_s=time.perf_counter())

    def close(self) -> None:
        """Close the file."""
        self._inner.close()
