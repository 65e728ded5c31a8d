"""What can be asked of a source besides which one it is."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace

from faceapp.errors import SourceError


@dataclass(frozen=True, slots=True)
class CameraSettings:
    """What is asked of a camera; the driver gives the nearest it has. None takes the driver's own choice.

    Attributes:
        width_px: Width of the picture.
        height_px: Height of the picture.
        rate_hz: Frames a second.
    """

    width_px: int | None = None
    height_px: int | None = None
    rate_hz: float | None = None

    def __post_init__(self) -> None:
        for name in ("width_px", "height_px", "rate_hz"):
            value = getattr(self, name)
            if value is not None and not (math.isfinite(value) and value > 0):
                raise SourceError(f"camera {name}: expected a number above 0 or nothing, found {value!r}")


@dataclass(frozen=True, slots=True)
class Clip:
    """Which frames of a recording are wanted.

    Attributes:
        start_s: First time on the recording's clock; None is the beginning.
        end_s: Frames from this time on are left out; None is the end.
        every: Take every N-th frame, counted from the clip's first.
        loop: Begin again at the end; times and frame numbers keep rising.
        for_s: So many seconds from the start; None: to the end. A live source is ended by whoever reads it.
    """

    start_s: float | None = None
    end_s: float | None = None
    every: int = 1
    loop: bool = False
    for_s: float | None = None

    def __post_init__(self) -> None:
        for name in ("start_s", "end_s"):
            value = getattr(self, name)
            if value is not None and not (math.isfinite(value) and value >= 0):
                raise SourceError(f"clip {name}: expected seconds from 0, found {value!r}")
        if self.end_s is not None and self.end_s <= (self.start_s or 0.0):
            raise SourceError(
                f"clip: expected an end after the start {self.start_s or 0:g} s, found {self.end_s:g} s"
            )
        if self.for_s is not None and not (math.isfinite(self.for_s) and self.for_s > 0):
            raise SourceError(f"clip for_s: expected seconds above 0, found {self.for_s!r}")
        if self.every < 1:
            raise SourceError(f"clip every: expected a whole number from 1, found {self.every!r}")

    @property
    def whole(self) -> bool:
        """Whether every frame is wanted, but perhaps not for ever."""
        return self.start_s is None and self.end_s is None and self.every == 1

    @property
    def of_recording(self) -> Clip:
        """The same for a recording, which ends by itself: with `end_s` where `for_s` ends it earlier."""
        if self.for_s is None:
            return self
        end_s = (self.start_s or 0.0) + self.for_s
        return replace(self, end_s=end_s if self.end_s is None else min(end_s, self.end_s), for_s=None)


@dataclass(frozen=True, slots=True)
class Options:
    """Everything a source may be asked for.

    Attributes:
        camera: For cameras.
        clip: For recordings.
    """

    camera: CameraSettings = CameraSettings()
    clip: Clip = Clip()

    def refuse_clip(self, name: str) -> None:
        """Raise for a live source, which has neither a start nor an end to cut at.

        Raises:
            SourceError: A part of it was asked for.
        """
        if not self.clip.whole:
            raise SourceError(
                f"{name}: expected a recording to take a part of, found a live source; leave out start, end and every "
                "(--for ends it after so many seconds)"
            )
