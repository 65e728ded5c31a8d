"""A detailed log as users of FaceReader expect it: tab-separated, a file a face, their names of emotions.

After the logs that readers of the format are tested with: a head of key and value lines, an empty line, then columns
from "Video Time" on; where nothing could be read stands FIND_FAILED (no face) or FIT_FAILED (a face, no values), which
readers turn into missing numbers.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from datetime import datetime
from pathlib import Path
from typing import Any

import numpy as np

from engines.card import EMOTIONS
from faceapp.session.annotations import Event
from faceapp.session.clock import moment_of
from faceapp.session.face_rows import (
    Doubles,
    analysed_times,
    emotion_columns,
    face_names,
    safe_name,
    safe_text,
)
from faceapp.session.reader import Session
from faceapp.session.regular import usual_rate_hz

ABOUT = "FaceReader-style detailed log: a text file a face"
_NAMES = {
    "neutral": "Neutral",
    "happiness": "Happy",
    "sadness": "Sad",
    "anger": "Angry",
    "surprise": "Surprised",
    "fear": "Scared",
    "disgust": "Disgusted",
    "contempt": "Contempt",
}
_NEGATIVE = frozenset(EMOTIONS) - {"neutral", "happiness", "surprise", "contempt"}
COLUMNS = (
    "Video Time",
    *_NAMES.values(),
    "Valence",
    "Arousal",
    "Stimulus",
    "Event Marker",
    "Participant Name",
)
_NO_FACE, _NO_VALUES = "FIND_FAILED", "FIT_FAILED"


def available() -> str:
    """Return why it can't be written; empty: it can."""
    return ""


def write(session: Session, folder: Path) -> list[Path]:
    """Write `Participant <code>_<face>_Analysis <n>_video_<time>_detailed.txt` for every face.

    Valence is FaceReader's: happiness minus the strongest of sadness, anger, fear and disgust. Arousal is not
    measured and stands as UNKNOWN.
    """
    started = moment_of(session.metadata["started_utc"])
    participant = safe_name(str(session.metadata.get("participant") or ""), "1")
    paths = []
    for number, (face, name) in enumerate(face_names(session).items(), 1):
        file_name = (
            f"Participant {participant}_{safe_name(name, f'face-{face}')}_"
            f"Analysis {number}_video_{started:%Y%m%d_%H%M%S}_detailed.txt"
        )
        lines = [*_head(session, started), "", "\t".join(COLUMNS), *_lines(session, face, name)]
        path = folder / file_name
        path.write_text("\n".join(lines) + "\n", encoding="utf-8")
        paths.append(path)
    return paths


def _head(session: Session, started: datetime) -> list[str]:
    entries = {
        "Face Model": "faceapp " + str(session.metadata.get("program_version", "")),
        "Calibration": "None",
        "Start time": f"{started:%m/%d/%Y %H:%M:%S}.{started.microsecond // 1000:03d}",
        "Filename": safe_text(session.metadata.get("source")),
        "Frame rate": f"{usual_rate_hz(session):.9f}",
    }
    return ["Video analysis detailed log", "", *(f"{key}\t{value}" for key, value in entries.items())]


def _lines(session: Session, face: int, name: str) -> Iterator[str]:
    rows = np.flatnonzero(session.column("face_id") == face)
    emotions = emotion_columns(session)[rows]
    values: dict[float, Any] = dict(zip(session.column("time_s")[rows].tolist(), emotions, strict=True))
    times_s = analysed_times(session)
    about = [event for event in session.events if event.face in (None, face)]
    points = _points(about, times_s)
    for number, time_s in enumerate(times_s.tolist()):
        cells = _cells(values.get(time_s))
        stimuli = [event.label or event.kind for event in about if event.start <= time_s < event.end]
        marks = (safe_text("; ".join(texts)) for texts in (stimuli, points.get(number, ())))
        yield "\t".join([_clock(time_s), *cells, *marks, safe_text(name)])


def _cells(emotions: Any) -> list[str]:
    if emotions is None:
        return [_NO_FACE] * (len(_NAMES) + 2)
    if not np.isfinite(emotions).all():
        return [_NO_VALUES] * (len(_NAMES) + 2)
    by_name = dict(zip(EMOTIONS, emotions.tolist(), strict=True))
    valence = by_name["happiness"] - max(by_name[name] for name in _NEGATIVE)
    return [*(f"{by_name[name]:.6f}" for name in _NAMES), f"{valence:.6f}", "UNKNOWN"]


def _points(events: Iterable[Event], times_s: Doubles) -> dict[int, list[str]]:
    """Return row -> the moments that belong to it: each stands once, in the row nearest to it."""
    found: dict[int, list[str]] = {}
    for event in events:
        if event.start == event.end and len(times_s):
            nearest = int(np.abs(times_s - event.start).argmin())
            found.setdefault(nearest, []).append(event.label or event.kind)
    return found


def _clock(time_s: float) -> str:
    milliseconds = max(0, round(time_s * 1000))
    seconds, rest = divmod(milliseconds, 1000)
    return f"{seconds // 3600:02d}:{seconds // 60 % 60:02d}:{seconds % 60:02d}.{rest:03d}"
