"""A session in a few lines: frames, faces, dominant emotions, age."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from engines.card import EMOTIONS
from faceapp.session.numbers import counted
from faceapp.session.reader import Session


@dataclass(frozen=True, slots=True)
class Summary:
    """Counts and means of one session.

    Attributes:
        frames: Analysed frames.
        frames_with_face: Those with at least one face.
        faces: Different ids.
        duration_s: From the first analysed frame to the last.
        emotion_shares: Emotion -> share of face rows where it is the most probable; largest first.
        mean_age_years: Mean over face rows; NaN where no model gave an age.
        mean_age_std_years: Mean of the age distributions' deviations.
        mean_female: Mean probability; NaN where no model gave one.
        mean_smile: Mean probability; NaN where no model gave one.
        dropped: Frames that could not be recorded.
    """

    frames: int
    frames_with_face: int
    faces: int
    duration_s: float
    emotion_shares: dict[str, float]
    mean_age_years: float
    mean_age_std_years: float
    mean_female: float
    mean_smile: float
    dropped: int


def summarise(session: Session) -> Summary:
    """Return the summary of a session."""
    frames = session.metadata["frames"]
    first_s, last_s = session.metadata.get("first_time_s"), session.metadata.get("last_time_s")
    return Summary(
        frames=int(frames.get("analysed", 0)),
        frames_with_face=int(frames.get("with_faces", 0)),
        faces=len(np.unique(session.column("face_id"))),
        duration_s=0.0 if first_s is None or last_s is None else last_s - first_s,
        emotion_shares=_emotion_shares(session),
        mean_age_years=_mean(session, "age_years"),
        mean_age_std_years=_mean(session, "age_std_years"),
        mean_female=_mean(session, "p_female"),
        mean_smile=_mean(session, "p_smile"),
        dropped=int(frames.get("dropped", 0)),
    )


def format_summary(summary: Summary) -> list[str]:
    """Return the summary as lines of text; what no model gave is left out."""
    share = summary.frames_with_face / summary.frames if summary.frames else 0.0
    lines = [
        f"{counted(summary.frames, 'frame')} in {summary.duration_s:.1f} s, "
        f"a face in {summary.frames_with_face} ({share:.0%}), "
        f"{counted(summary.faces, 'face')}"
    ]
    if summary.emotion_shares:
        shares = [f"{name} {share:.0%}" for name, share in list(summary.emotion_shares.items())[:3]]
        lines.append(f"most often: {', '.join(shares)}")
    means = [
        ("apparent age {:.0f} years", summary.mean_age_years),
        ("woman {:.2f}", summary.mean_female),
        ("smile {:.2f}", summary.mean_smile),
    ]
    texts = [text.format(value) for text, value in means if math.isfinite(value)]
    if texts:
        lines.append(f"on average: {', '.join(texts)}")
    if summary.dropped:
        lines.append(f"not recorded: {counted(summary.dropped, 'frame')}, because the disk was behind")
    return lines


def _emotion_shares(session: Session) -> dict[str, float]:
    probabilities = np.stack([session.column(f"p_{name}") for name in EMOTIONS], axis=1)
    known = probabilities[np.isfinite(probabilities[:, 0])]
    if not len(known):
        return {}
    counts = np.bincount(known.argmax(axis=1), minlength=len(EMOTIONS)) / len(known)
    return {
        EMOTIONS[index]: float(counts[index]) for index in np.argsort(-counts, kind="stable") if counts[index]
    }


def _mean(session: Session, name: str) -> float:
    values = session.column(name)
    values = values[np.isfinite(values)]
    return float(values.mean()) if len(values) else math.nan
