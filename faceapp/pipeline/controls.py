"""What may change while a pipeline runs, and the record that carries one frame through it."""

from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, Protocol, runtime_checkable

from faceapp.analysis.face_reader import FaceReader
from faceapp.settings import Explained, OcclusionMode
from faceapp.settings.region import Region
from faceapp.types import FaceTrack, Frame, FrameResult, Tracker

NO_REGION = Region(0, 0, 0, 0)


class Recorder(Protocol):
    """Takes results to disk; `faceapp.session.writer.SessionWriter` is one."""

    def put(self, result: FrameResult) -> bool:
        """Take one result; False where it was dropped."""


@runtime_checkable
class FrameRecorder(Recorder, Protocol):
    """A recorder that also wants every captured frame, analysed or not, and what is changed meanwhile."""

    def put_frame(self, frame: Frame) -> bool:
        """Take one frame on the capture thread, before its result or without one; False where it was dropped."""

    def note_change(self, name: str, value: Any) -> None:
        """Take the name of a setting and its new value."""


@dataclass
class Controls:
    """Wishes of the window that every run of a pipeline obeys from its next frame on.

    Attributes:
        make_tracker: Makes the tracker, on the tracking thread.
        make_reader: Makes the reader, on the reading thread; another one takes over between two frames.
        smoothing: Strength for predictions; None leaves the reader's own.
        landmark_smoothing: Strength for landmarks; None leaves the tracker's own.
        occlusion: Occlusion mode of tracker and reader; None leaves their own.
        region: Fixed region of the tracker, `NO_REGION` to look for faces again; None leaves the tracker's own.
        movements: Whether movements are measured; None leaves the reader's own.
        second_opinion: Whether the second opinion is asked; None leaves the reader's own.
        explain: Which task is explained, or "off"; None leaves the reader's own.
        explained_id: The face that is explained; None takes the largest.
        recorder: Where results also go.
        listener: Where results go besides, the same from one source to the next; must not wait.
        swap_error: Why the last `make_reader` or the second opinion was refused; None when it was not.
        lock: Guards `recorder`, `listener`, and `make_reader` with `swap_error`.
    """

    make_tracker: Callable[[], Tracker]
    make_reader: Callable[[], FaceReader]
    smoothing: float | None = None
    landmark_smoothing: float | None = None
    occlusion: OcclusionMode | None = None
    region: Region | None = None
    movements: bool | None = None
    second_opinion: bool | None = None
    explain: Explained | None = None
    explained_id: int | None = None
    recorder: Recorder | None = None
    listener: Recorder | None = None
    swap_error: Exception | None = None
    lock: threading.Lock = field(default_factory=threading.Lock)


@dataclass(slots=True)
class Ticket:
    """One frame on its way through a run.

    Attributes:
        generation: Number of seeks before it; frames from before the newest seek are given up.
        frame: The picture; None marks the end of the source.
        decode_ms: Milliseconds of `Source.read`.
        faces: Filled by the tracking thread.
        track_ms: Filled by the tracking thread.
        error: At an end, why the source broke off.
    """

    generation: int
    frame: Frame | None
    decode_ms: float = 0.0
    faces: tuple[FaceTrack, ...] = ()
    track_ms: float = 0.0
    error: Exception | None = None
