"""What became of every captured frame: a row each, analysed or not, in the video or not, and the times it took."""

from __future__ import annotations

import math
from collections import deque
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from faceapp.session.clock import utc_text
from faceapp.session.numbers import number_text
from faceapp.types import Frame, FrameResult

if TYPE_CHECKING:
    import pyarrow

FRAMES_CSV = "frames.csv"
FRAMES_PARQUET = "frames.parquet"
STAGES = ("decode", "track", "crop", "infer", "smooth", "capture_to_result")
FRAME_COLUMNS = (
    *(
        "frame",
        "time_s",
        "utc",
        "captured_s",
        "in_video",
        "not_in_video",
        "analysed",
        "not_analysed",
        "faces",
    ),
    *(f"{stage}_ms" for stage in STAGES),
)
NEWER, STOPPED, REFUSED = "newer frame taken", "recording stopped", "disk behind"
"""Why a frame was not analysed: the analysis took a newer one, it was still on its way at the end, or its result
found the writer's queue full."""
NO_VIDEO, VIDEO_FAILED, NOT_LATER = "no video wanted", "video failed", "not later than the frame before"
"""Further reasons why a frame is not in the video; `REFUSED` is one too."""


@dataclass(slots=True)
class _Entry:
    index: int
    time_s: float
    captured_s: float
    not_in_video: str
    not_analysed: str = ""
    result: FrameResult | None = None


class FrameLog:
    """Pairs captured frames with their results, in the order of time; used by one thread.

    A frame waits until its own result or that of a later one comes, for results come in the order of capture.
    """

    def __init__(self) -> None:
        self._waiting: deque[_Entry] = deque()
        self._refused: dict[int, float] = {}
        self.counts: dict[str, int] = {}

    def captured(self, frame: Frame, time_s: float, not_in_video: str = "") -> None:
        """Note one captured frame.

        Args:
            frame: The frame.
            time_s: Seconds on the session's clock.
            not_in_video: Why it is not in the video; empty when it is.
        """
        entry = _Entry(frame.index, time_s, frame.captured_s, not_in_video)
        if frame.index in self._refused:
            del self._refused[frame.index]
            entry.not_analysed = REFUSED
        if self._waiting and self._waiting[-1].time_s > time_s:  # one refused earlier is told later
            self._waiting = deque(sorted([*self._waiting, entry], key=lambda each: each.time_s))
        else:
            self._waiting.append(entry)

    def refused(self, result: FrameResult) -> None:
        """Note that a result was lost because the writer was behind."""
        for entry in self._waiting:
            if entry.index == result.frame.index:
                entry.not_analysed = REFUSED
                return
        self._refused[result.frame.index] = result.frame.time_s

    def analysed(self, result: FrameResult, time_s: float) -> list[_Entry]:
        """Note a result; return the frames whose fate is thereby known, in order."""
        known = []
        while self._waiting and self._waiting[0].time_s <= time_s:
            entry = self._waiting.popleft()
            if entry.index == result.frame.index:
                entry.result, entry.not_analysed = result, ""
            else:
                entry.not_analysed = entry.not_analysed or NEWER
            known.append(entry)
        return self._count(known)

    def rest(self) -> list[_Entry]:
        """Return the frames that are still on their way when the recording ends."""
        known = list(self._waiting)
        self._waiting.clear()
        for entry in known:
            entry.not_analysed = entry.not_analysed or STOPPED
        return self._count(known)

    def _count(self, entries: list[_Entry]) -> list[_Entry]:
        for entry in entries:
            if entry.not_analysed:
                self.counts[entry.not_analysed] = self.counts.get(entry.not_analysed, 0) + 1
        return entries


def frame_row(entry: _Entry, started: datetime) -> list[str]:
    """Return the cells of one frame in the order of `FRAME_COLUMNS`.

    Args:
        entry: The frame.
        started: UTC at 0 s on the session's clock.
    """
    result = entry.result
    timing_ms = result.timing_ms if result is not None else {}
    return [
        str(entry.index),
        number_text(entry.time_s, 6),
        utc_text(started + timedelta(seconds=entry.time_s)),
        number_text(entry.captured_s, 6),
        "0" if entry.not_in_video else "1",
        entry.not_in_video,
        "0" if result is None else "1",
        entry.not_analysed,
        "" if result is None else str(len(result.faces)),
        *(number_text(timing_ms.get(stage, math.nan), 3) for stage in STAGES),
    ]


def frame_schema() -> pyarrow.Schema:
    """Return the Parquet schema of the frames' table."""
    import pyarrow as pa

    kinds = {"frame": pa.int64(), "time_s": pa.float64(), "utc": pa.timestamp("ms", tz="UTC")}
    kinds |= {"captured_s": pa.float64(), "in_video": pa.bool_(), "analysed": pa.bool_(), "faces": pa.int32()}
    kinds |= {"not_in_video": pa.string(), "not_analysed": pa.string()}
    return pa.schema([pa.field(name, kinds.get(name, pa.float32())) for name in FRAME_COLUMNS])
