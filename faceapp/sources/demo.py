"""The demo: the astronaut portrait, moving and turning in changing light, alone, disguised or in company."""

from __future__ import annotations

import math
import time

from faceapp.errors import SourceError
from faceapp.sources.demo_scene import VARIANTS, DemoScene, Variant
from faceapp.sources.options import Clip, Options
from faceapp.sources.recorded import TIME_TOLERANCE_S, Entry, RecordedSource
from faceapp.types import Frame, Image, read_only

RANK = 10
ACCEPTS = "demo, demo:headset, demo:mask or demo:two"
RATE_HZ = 30.0
# read() waits for its frame's time; a late reader gets the newest frame, as a camera's would.
_NAP_S = 0.5


def available() -> str:
    """Return why the demo can't run; empty when it can."""
    return ""


def from_text(text: str, options: Options) -> LiveDemo | RecordedDemo | None:
    """Return the demo a text asks for; with an end it is a recording, of which every frame is wanted.

    Raises:
        SourceError: There is no such demo.
    """
    kind, _, variant = text.strip().lower().partition(":")
    if kind != "demo":
        return None
    chosen: Variant | None = next((known for known in VARIANTS if known == (variant or "plain")), None)
    if chosen is None:
        raise SourceError(f"{text}: expected {ACCEPTS}, found no demo of that name; choose one of these")
    clip = options.clip.of_recording
    if clip.end_s is not None:
        return RecordedDemo(chosen, clip.end_s, clip)
    options.refuse_clip(f"{text} without an end")
    return LiveDemo(chosen)


def _name(variant: Variant) -> str:
    return "demo" if variant == "plain" else f"demo:{variant}"


class LiveDemo:
    """The demo as a camera: 30 frames a second by the clock, frames that nobody took are missed.

    Attributes:
        scene: What is shown; also tells where the faces truly are. None until opened.
    """

    live = True
    ended = False
    status = ""

    def __init__(self, variant: Variant = "plain") -> None:
        """Choose what is shown; nothing is read yet.

        Args:
            variant: "plain", "headset", "mask" or "two".
        """
        self.name = _name(variant)
        self.scene: DemoScene | None = None
        self._variant = variant
        self._started_s: float | None = None
        self._next = 0

    def open(self) -> None:
        """Read the portrait; the clock starts at the first read.

        Raises:
            SourceError: A file of the demo is missing or damaged.
        """
        self.scene = DemoScene(self._variant)
        self._started_s = None
        self._next = 0

    def read(self) -> Frame | None:
        """Wait until the next frame is due and paint it.

        Raises:
            SourceError: The demo is not open.
        """
        if self.scene is None:
            raise SourceError(f"{self.name}: expected an open source, found a closed one; call open() first")
        now_s = time.perf_counter()
        if self._started_s is None:
            self._started_s = now_s
        index = max(self._next, math.floor((now_s - self._started_s) * RATE_HZ))
        time.sleep(min(_NAP_S, max(0.0, self._started_s + index / RATE_HZ - now_s)))
        self._next = index + 1
        image = self.scene.render(index / RATE_HZ)
        captured_s = time.perf_counter()
        read_only(image)
        return Frame(index, index / RATE_HZ, image, self.name, captured_s)

    def close(self) -> None:
        """Let the portrait go; may be called twice."""
        self.scene = None


class RecordedDemo(RecordedSource):
    """The demo as a recording of a given length, as fast as it is read.

    Attributes:
        scene: What is shown; also tells where the faces truly are. None until opened.
    """

    def __init__(
        self, variant: Variant = "plain", duration_s: float = 10.0, clip: Clip | None = None
    ) -> None:
        """Choose what is shown; nothing is read yet.

        Args:
            variant: "plain", "headset", "mask" or "two".
            duration_s: Length of the recording.
            clip: Which of its frames are wanted; None: all, once.

        Raises:
            SourceError: The length is not above zero.
        """
        super().__init__(_name(variant), clip)
        if not (math.isfinite(duration_s) and duration_s > 0):
            raise SourceError(f"{self.name}: expected a length above 0 s, found {duration_s!r}")
        self.scene: DemoScene | None = None
        self._variant = variant
        self._length_s = duration_s
        self._count = _frames_before(duration_s)
        self._next = 0

    def _acquire(self) -> None:
        self.scene = DemoScene(self._variant)
        self.duration_s = self._length_s
        first = _frames_before(self._clip.start_s or 0.0)
        last = self._count if self._clip.end_s is None else min(self._count, _frames_before(self._clip.end_s))
        self.frame_count = math.ceil(max(0, last - first) / self._clip.every)

    def _rewind(self, time_s: float) -> None:
        self._next = _frames_before(time_s)

    def _advance(self) -> Entry | None:
        index = self._next
        if index >= self._count:
            return None
        self._next = index + 1
        return Entry(index, index / RATE_HZ, index / RATE_HZ)

    def _picture(self, content: float) -> Image | None:
        return None if self.scene is None else self.scene.render(content)

    def _release(self) -> None:
        self.scene = None


def _frames_before(time_s: float) -> int:
    """Return the number of frames before a time, which is the index of the first at or after it."""
    return max(0, math.ceil((time_s - TIME_TOLERANCE_S) * RATE_HZ))
