"""Records that travel between the program's parts (numpy only; every array is read-only)."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import Any, Protocol, TypeVar, runtime_checkable

import numpy as np
import numpy.typing as npt

from engines.card import OCCLUSIONS as OCCLUSIONS
from engines.card import Occlusion as Occlusion
from engines.preprocess import LANDMARK_COUNT as LANDMARK_COUNT
from engines.second_opinion import Opinion as Opinion

Image = npt.NDArray[np.uint8]
Floats = npt.NDArray[np.float32]
Array = TypeVar("Array", bound=npt.NDArray[Any])


@dataclass(frozen=True, slots=True, eq=False)
class Frame:
    """One picture and when it was taken.

    Attributes:
        index: Number of the frame in its source, from 0; live sources count captured frames.
        time_s: Seconds on the source's own clock from its first frame: presentation time of a file, capture time of
            a live source. Strictly increasing within one opening of a source.
        image: uint8 (H, W, 3), RGB.
        source: Name shown to people ("demo", a file name, a camera's name).
        captured_s: `time.perf_counter()` right after the picture was captured or decoded; latency counts from here.
        clean: uint8 (H, W, 3), the picture before a headset or a mask was drawn on it for a demonstration; None where
            nothing was.
        drawn: What was: "headset", "mask", or "none".
    """

    index: int
    time_s: float
    image: Image
    source: str
    captured_s: float
    clean: Image | None = None
    drawn: str = "none"


@dataclass(frozen=True, slots=True, eq=False)
class FaceTrack:
    """One face in one frame, with an id that is stable over time.

    Attributes:
        id: From 1, never reused within one run.
        box: float32 (4,), x0 y0 x1 y1 in pixels; may reach outside the picture.
        landmarks: float32 (478, 3) in pixels; z is relative depth on the scale of x, smaller is nearer. NaN where no
            mesh is sought, as in a fixed region: the box is the face then.
        score: Confidence in [0, 1] that the mesh lies on a face.
        occlusion: Which half is hidden; "hidden": so much that nothing can be read.
        head_pose_deg: Yaw, pitch, roll in degrees; 0 faces the camera, positive yaw turns towards the right edge of
            the picture, positive pitch looks up, positive roll turns the head clockwise in the picture.
    """

    id: int
    box: Floats
    landmarks: Floats
    score: float
    occlusion: Occlusion = "none"
    head_pose_deg: tuple[float, float, float] = (float("nan"), float("nan"), float("nan"))


@dataclass(frozen=True, slots=True, eq=False)
class Prediction:
    """What one model says about one face; NaN where the model lacks the head.

    Attributes:
        track_id: The face's `FaceTrack.id`.
        emotion: float32 (8,), probabilities in the order of `engines.card.EMOTIONS`, sum 1.
        age_years: Expected age.
        age_std_years: Standard deviation of the age distribution.
        female: Probability in [0, 1].
        smile: Probability in [0, 1].
        model: Name of the model that said it; "" where none was asked because too little of the face is seen.
        movements: float32 (units,), how strongly each of `faceapp.tracking.action_units.MEASURED_UNITS` shows; None
            where nobody measured, NaN where the unit is hidden.
        second_opinion: What the movements say of a close call; None where they were not asked.
        labels: Name and probability of each of the person's own labels that are read; NaN where its network did not
            read the face.
    """

    track_id: int
    emotion: Floats
    age_years: float
    age_std_years: float
    female: float
    smile: float
    model: str
    movements: Floats | None = None
    second_opinion: Opinion | None = None
    labels: tuple[tuple[str, float], ...] = ()


@dataclass(frozen=True, slots=True, eq=False)
class Explanation:
    """What an answer for one face rests on.

    Attributes:
        track_id: The face's `FaceTrack.id`.
        task: "emotion", "age", "gender" or "smile".
        answer: The answer that is explained, a word of `engines.card` or a number of years.
        heat: float32 (size, size), 0 to 1: how much the answer falls, or the age moves, without that place of the chip.
        matrix: float32 (2, 3), map picture -> chip.
        largest: The largest fall, in log-odds; for the age in years. `heat` is relative to it.
    """

    track_id: int
    task: str
    answer: str
    heat: Floats
    matrix: Floats
    largest: float


@dataclass(frozen=True, slots=True, eq=False)
class FrameResult:
    """Everything known about one frame; holds its own frame, so picture and overlay always match.

    Attributes:
        frame: The analysed frame.
        faces: Tracks in this frame, ordered by id.
        predictions: Smoothed predictions, one per entry of `faces`, in the same order.
        raw_predictions: The same before smoothing over time.
        timing_ms: Milliseconds per stage: track, crop, infer, smooth, total (the stages' sum),
            capture_to_result (from `Frame.captured_s` until this record was made), and for recordings decode.
        explanation: What the answer for one face rests on; None where nobody asked.
    """

    frame: Frame
    faces: tuple[FaceTrack, ...]
    predictions: tuple[Prediction, ...]
    raw_predictions: tuple[Prediction, ...]
    timing_ms: dict[str, float] = field(default_factory=dict)
    explanation: Explanation | None = None


@runtime_checkable
class Source(Protocol):
    """Where frames come from; used by one thread at a time.

    `read()` returns within one second: the next frame, or None when none came in that time (`ended` tells whether
    one may still come). Problems raise `SourceError`.
    """

    @property
    def name(self) -> str:
        """Name shown to people."""

    @property
    def live(self) -> bool:
        """True: frames that nobody took are dropped. False: every frame is wanted."""

    @property
    def ended(self) -> bool:
        """True once no further frame will come (never for a live source)."""

    @property
    def status(self) -> str:
        """Empty when all is well, else one line for people: "lost: trying again in 3 s"."""

    def open(self) -> None:
        """Acquire the device or file."""

    def read(self) -> Frame | None:
        """Return the next frame, or None when none came within a second or the source has ended."""

    def close(self) -> None:
        """Release everything; may be called twice and from an unopened state."""


@runtime_checkable
class Tracker(Protocol):
    """Finds the faces of a frame and keeps their ids."""

    def update(self, frame: Frame) -> tuple[FaceTrack, ...]:
        """Return the faces of this frame ordered by id."""

    def reset(self) -> None:
        """Forget all tracks, as at the start of another video."""

    def close(self) -> None:
        """Release the models."""


NO_IMAGE: Image = np.zeros((0, 0, 3), dtype=np.uint8)


def without_picture(frame: Frame) -> Frame:
    """Return a frame whose picture, 2.8 MB at 1280x720, is let go, for what waits and is only counted or sent on."""
    return replace(frame, image=NO_IMAGE, clean=None)


def read_only(array: Array) -> Array:
    """Return the same array with its write flag off."""
    array.setflags(write=False)
    return array
