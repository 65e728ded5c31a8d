"""Stretches of time in which one face shows one emotion most: the tiers of an export."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from engines.card import EMOTIONS
from faceapp.session.reader import Session

GAP_S = 0.5
"""A face that was away for longer starts a new stretch; the tracker keeps an id as long."""
_GAP_STEPS = 2.5


@dataclass(frozen=True, slots=True)
class Segment:
    """One stretch.

    Attributes:
        face_id: The face.
        start_s: Time of its first frame.
        end_s: Time at which its last frame gave way to the next one.
        emotion: The most probable emotion in every frame of it.
        probability: Mean probability of that emotion.
    """

    face_id: int
    start_s: float
    end_s: float
    emotion: str
    probability: float


def emotion_segments(session: Session) -> list[Segment]:
    """Return the stretches of every face, ordered by face and time; frames without emotions give none."""
    times_s = session.column("time_s")
    faces = session.column("face_id")
    probabilities = np.stack([session.column(f"p_{name}") for name in EMOTIONS], axis=1)
    frame_s, gap_s = _frame_duration_s(times_s), gap_of(times_s)
    segments: list[Segment] = []
    for face_id in np.unique(faces):
        rows = np.flatnonzero((faces == face_id) & np.isfinite(probabilities[:, 0]))
        segments += _face_segments(int(face_id), times_s[rows], probabilities[rows], frame_s, gap_s)
    return segments


def _face_segments(
    face_id: int,
    times_s: npt.NDArray[np.float64],
    probabilities: npt.NDArray[np.float64],
    frame_s: float,
    gap_s: float,
) -> list[Segment]:
    if not len(times_s):
        return []
    emotions = probabilities.argmax(axis=1)
    gaps = np.diff(times_s) > gap_s
    starts = np.flatnonzero(np.concatenate([[True], (np.diff(emotions) != 0) | gaps]))
    ends = np.append(starts[1:], len(times_s))
    segments = []
    for start, end in zip(starts, ends, strict=True):
        last_s = times_s[end - 1] + frame_s
        end_s = min(last_s, times_s[end]) if end < len(times_s) else last_s
        if end < len(times_s) and not gaps[end - 1]:
            end_s = times_s[end]
        emotion = int(emotions[start])
        mean = float(probabilities[start:end, emotion].mean())
        segments.append(Segment(face_id, float(times_s[start]), float(end_s), EMOTIONS[emotion], mean))
    return segments


def gap_of(times_s: npt.NDArray[np.float64]) -> float:
    """Return how long nothing may have been analysed before it counts as a gap.

    Args:
        times_s: (N,) of the rows of a session, or of one face, rising.

    Returns:
        `GAP_S`; more where frames were analysed less than five times a second, such as every 30th of a file.
    """
    return max(GAP_S, _GAP_STEPS * _frame_duration_s(times_s))


def _frame_duration_s(times_s: npt.NDArray[np.float64]) -> float:
    """Return the usual time between frames, for how long the last frame of a stretch lasts."""
    steps = np.diff(np.unique(times_s))
    return float(np.median(steps)) if len(steps) else 0.04
