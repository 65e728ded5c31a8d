"""One face as other programs want it: named values, None where nothing is known."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from engines.card import EMOTIONS
from faceapp.tracking.action_units import MEASURED_UNITS
from faceapp.types import FaceTrack, Floats, Occlusion, Prediction


@dataclass(frozen=True, slots=True, eq=False)
class Face:
    """What was seen and read of one face.

    Attributes:
        id: From 1; the same face keeps it through a video. In a single picture the faces are numbered.
        box: x0, y0, x1, y1 in pixels; may reach outside the picture.
        emotion: The most probable emotion, or None where too little of the face is seen to read it.
        probabilities: Name -> probability of each emotion, in the order of `engines.card.EMOTIONS`; empty where unread.
        age_years: Estimated age, or None.
        age_std_years: Standard deviation of that estimate, or None.
        female: Probability from 0 to 1, or None.
        smile: Probability from 0 to 1, or None.
        occlusion: What is hidden: "none", "headset", "mask", or "hidden" for too much to read anything.
        score: How sure it is that there is a face, 0 to 1.
        yaw_deg: Turned towards the right edge of the picture, or None.
        pitch_deg: Looking up, or None.
        roll_deg: Turned clockwise, or None.
        model: Name of the model that read it; "" where none did.
        movements: Column ("au01" and so on) -> strength from 0 of each action unit measured; empty where nobody asked.
        labels: Name -> probability of each of one's own labels; empty where nobody asked.
        landmarks: float32 (478, 3) in pixels; None in the results of whole videos, which would not fit into memory.
    """

    id: int
    box: tuple[float, float, float, float]
    emotion: str | None
    probabilities: Mapping[str, float]
    age_years: float | None
    age_std_years: float | None
    female: float | None
    smile: float | None
    occlusion: Occlusion
    score: float
    yaw_deg: float | None
    pitch_deg: float | None
    roll_deg: float | None
    model: str
    movements: Mapping[str, float] = field(default_factory=dict)
    labels: Mapping[str, float] = field(default_factory=dict)
    landmarks: Floats | None = field(default=None, repr=False)

    def to_dict(self) -> dict[str, Any]:
        """Return the values as plain Python, ready for JSON: None for what is missing, never NaN; no landmarks."""
        return {
            **{name: getattr(self, name) for name in _PLAIN},
            "box": list(self.box),
            "probabilities": dict(self.probabilities),
            "movements": dict(self.movements),
            "labels": dict(self.labels),
        }

    def to_row(self) -> dict[str, Any]:
        """Return the values as one flat row, under the names that the table of a session has."""
        corners = zip(("x0_px", "y0_px", "x1_px", "y1_px"), self.box, strict=True)
        return {
            "face_id": self.id,
            "emotion": self.emotion,
            **{f"p_{name}": self.probabilities.get(name) for name in EMOTIONS},
            "age_years": self.age_years,
            "age_std_years": self.age_std_years,
            "p_female": self.female,
            "p_smile": self.smile,
            **{name: getattr(self, name) for name in ("occlusion", "model", "score")},
            **dict(corners),
            **{name: getattr(self, name) for name in ("yaw_deg", "pitch_deg", "roll_deg")},
            **self.movements,
            **self.labels,
        }


_PLAIN = (
    *("id", "box", "emotion", "probabilities", "age_years", "age_std_years", "female", "smile", "occlusion"),
    *("score", "yaw_deg", "pitch_deg", "roll_deg", "model", "movements", "labels"),
)


def make_face(face: FaceTrack, said: Prediction, number: int | None = None, *, mesh: bool = True) -> Face:
    """Return the face as other programs want it.

    Args:
        face: Where it is.
        said: What was read in it.
        number: Its number; None takes the track's id.
        mesh: Whether the landmarks are kept.
    """
    emotions = said.emotion.tolist()
    known = not math.isnan(emotions[0])
    x0, y0, x1, y1 = face.box.tolist()
    yaw, pitch, roll = face.head_pose_deg
    return Face(
        id=face.id if number is None else number,
        box=(x0, y0, x1, y1),
        emotion=EMOTIONS[emotions.index(max(emotions))] if known else None,
        probabilities=dict(zip(EMOTIONS, emotions, strict=True)) if known else {},
        age_years=_known(said.age_years),
        age_std_years=_known(said.age_std_years),
        female=_known(said.female),
        smile=_known(said.smile),
        occlusion=face.occlusion,
        score=face.score,
        yaw_deg=_known(yaw),
        pitch_deg=_known(pitch),
        roll_deg=_known(roll),
        model=said.model,
        movements=_movements(said),
        labels=_finite(dict(said.labels)),
        landmarks=face.landmarks if mesh else None,
    )


def _movements(said: Prediction) -> Mapping[str, float]:
    if said.movements is None:
        return {}
    columns = (unit.column for unit in MEASURED_UNITS)
    return _finite(dict(zip(columns, said.movements.tolist(), strict=True)))


def _finite(values: Mapping[str, float]) -> Mapping[str, float]:
    return {name: value for name, value in values.items() if not math.isnan(value)}


def _known(value: float) -> float | None:
    return None if math.isnan(value) else float(value)
