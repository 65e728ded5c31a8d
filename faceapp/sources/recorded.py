"""What all recordings share: clip, every N-th frame, loop, seek, times that keep rising."""

from __future__ import annotations

import time
from abc import ABC, abstractmethod
from dataclasses import dataclass, replace
from typing import Any, NamedTuple

from faceapp.errors import SourceError
from faceapp.sources.options import Clip
from faceapp.types import Frame, Image, read_only

# read() gives back control within a second, however many frames it has to skip.
_SKIPPING_S = 0.5
TIME_TOLERANCE_S = 1e-6
"""Times that differ by less are the same: they went through sums of float64."""


@dataclass(frozen=True, slots=True, eq=False)
class Entry:
    """A frame of a recording that has not been made a picture yet.

    Attributes:
        index: Its number in the recording, from 0.
        time_s: Its time from the recording's first frame.
        content: Whatever `_picture` makes the picture from.
    """

    index: int
    time_s: float
    content: Any


class _Shift(NamedTuple):
    """What is added to a round of a loop so that numbers and times keep rising."""

    frames: int = 0
    time_s: float = 0.0


class RecordedSource(ABC):
    """A recording of which every frame is wanted.

    A subclass positions (`_rewind`), steps (`_advance`) and makes pictures of wanted frames (`_picture`).

    Attributes:
        name: Shown to people.
        duration_s: Length of the whole recording, None when unknown.
        frame_count: How many frames `read` will give without looping, None when unknown.
    """

    live = False
    status = ""

    def __init__(self, name: str, clip: Clip | None = None) -> None:
        """Remember what is wanted; nothing is opened.

        Args:
            name: Shown to people.
            clip: Which frames are wanted; None: all, once.
        """
        self.name = name
        self.ended = False
        self.duration_s: float | None = None
        self.frame_count: int | None = None
        self._clip = clip or Clip()
        self._open = False
        self._first_index: int | None = None
        self._last: Entry | None = None
        self._period_s = 1 / 30
        self._shift = _Shift()

    def open(self) -> None:
        """Open the recording at the clip's start.

        Raises:
            SourceError: It can't be opened, or the clip begins after its end.
        """
        self.close()
        start_s = self._clip.start_s or 0.0
        try:
            self._acquire()
            if self.duration_s is not None and start_s >= self.duration_s > 0:
                end = f"{self.duration_s:.3f} s"
                raise SourceError(
                    f"{self.name}: expected a start before its end at {end}, found {start_s:g} s"
                )
            self._rewind(start_s)
        except BaseException:
            self._release()
            raise
        self._open = True
        self._begin()

    def read(self) -> Frame | None:
        """Return the next wanted frame, or None at the end (or after half a second of skipping).

        Raises:
            SourceError: The source is not open.
        """
        if not self._open:
            raise SourceError(f"{self.name}: expected an open source, found a closed one; call open() first")
        give_up_s = time.perf_counter() + _SKIPPING_S
        while not self.ended and time.perf_counter() < give_up_s:
            entry = self._advance()
            if entry is None or self._is_past_clip(entry):
                self._finish_round()
            elif self._is_wanted(entry):
                image = self._picture(entry.content)
                if image is not None:
                    return self._frame(entry, image)
        return None

    def seek(self, time_s: float) -> None:
        """Continue with the first frame at or after a time of the recording; also after the end.

        Args:
            time_s: Seconds from the recording's first frame; not before the clip's start.

        Raises:
            SourceError: The source is not open or can't be positioned.
        """
        if not self._open:
            raise SourceError(f"{self.name}: expected an open source, found a closed one; call open() first")
        self._rewind(max(time_s, self._clip.start_s or 0.0))
        self._begin()

    def close(self) -> None:
        """Release everything; may be called twice and from an unopened state."""
        self._open = False
        self._release()

    @abstractmethod
    def _acquire(self) -> None:
        """Open the recording and set `duration_s` and `frame_count`."""

    @abstractmethod
    def _rewind(self, time_s: float) -> None:
        """Let the next `_advance` give the first frame at or after a time."""

    @abstractmethod
    def _advance(self) -> Entry | None:
        """Step to the next frame; None at the end."""

    @abstractmethod
    def _picture(self, content: Any) -> Image | None:
        """Return the picture of a frame, an array nobody else writes to; None where it can't be read."""

    @abstractmethod
    def _release(self) -> None:
        """Close the recording; may be called at any time."""

    def _begin(self) -> None:
        self.ended = False
        self._last = None
        self._shift = _Shift()

    def _is_past_clip(self, entry: Entry) -> bool:
        return self._clip.end_s is not None and entry.time_s >= self._clip.end_s - TIME_TOLERANCE_S

    def _is_wanted(self, entry: Entry) -> bool:
        if self._first_index is None:
            self._first_index = entry.index
        if self._last is not None and entry.time_s > self._last.time_s:
            self._period_s = entry.time_s - self._last.time_s
        elif self._last is not None:  # the first frame of another round
            next_time_s = self._last.time_s + self._shift.time_s + self._period_s
            next_index = self._last.index + self._shift.frames + 1
            self._shift = _Shift(next_index - entry.index, next_time_s - entry.time_s)
        self._last = replace(entry, content=None)
        return (entry.index - self._first_index) % self._clip.every == 0

    def _frame(self, entry: Entry, image: Image) -> Frame:
        captured_s = time.perf_counter()
        read_only(image)
        index, time_s = entry.index + self._shift.frames, entry.time_s + self._shift.time_s
        return Frame(index, time_s, image, self.name, captured_s)

    def _finish_round(self) -> None:
        if self._clip.loop and self._last is not None:
            self._rewind(self._clip.start_s or 0.0)
        else:
            self.ended = True
