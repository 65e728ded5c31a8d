"""What is streamed of every face: the numbers of the session's table, under the same names."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from faceapp.session.column_meanings import column_meanings
from faceapp.session.table import PREDICTION_COLUMNS
from faceapp.types import OCCLUSIONS, FaceTrack, FrameResult, Prediction

NO_FACE = 0.0
"""`face_id` of the one row that a frame without a face gets."""
_BOX = ("x0_px", "y0_px", "x1_px", "y1_px")
_POSE = ("yaw_deg", "pitch_deg", "roll_deg")
NAMES = (
    "frame",
    "face_id",
    "faces",
    "occlusion",
    "score",
    *_BOX,
    *_POSE,
    *PREDICTION_COLUMNS,
    "capture_to_result_ms",
)
"""Channels in their order."""


@dataclass(frozen=True, slots=True)
class Channel:
    """What a channel holds.

    Attributes:
        label: As in `NAMES`.
        unit: As the session's data dictionary has it.
        meaning: One line.
    """

    label: str
    unit: str
    meaning: str


def channels() -> tuple[Channel, ...]:
    """Return the channels in their order."""
    known = {name: (unit, meaning) for table, name, unit, meaning in column_meanings() if table == "faces"}
    codes = ", ".join(f"{code} {name}" for code, name in enumerate(OCCLUSIONS))
    known["faces"] = ("", "faces in the frame; 0: the other values are missing")
    known["face_id"] = ("", "id of the face, stable over time; 0 where the frame has no face")
    known["occlusion"] = (
        "code",
        f"what hides the face: {codes}; at hidden too little is visible, the values are missing",
    )
    return tuple(Channel(name, *known[name]) for name in NAMES)


def value_rows(result: FrameResult) -> npt.NDArray[np.float32]:
    """Return a row a face; a frame without a face gets one row that says so.

    Returns:
        float32 (N, len(NAMES)), NaN where a value is missing or the program abstained.
    """
    delay_ms = result.timing_ms.get("capture_to_result", math.nan)
    rows = [
        [result.frame.index, face.id, len(result.faces), *_of_face(face), *prediction_values(said), delay_ms]
        for face, said in zip(result.faces, result.predictions, strict=True)
    ]
    if not rows:
        missing = [math.nan] * (len(NAMES) - 4)
        rows = [[result.frame.index, NO_FACE, 0, *missing, delay_ms]]
    return np.array(rows, dtype=np.float32)


def prediction_values(prediction: Prediction) -> list[float]:
    """Return a prediction in the order of `PREDICTION_COLUMNS`."""
    scalars = (prediction.age_years, prediction.age_std_years, prediction.female, prediction.smile)
    return [*prediction.emotion.tolist(), *scalars]


def _of_face(face: FaceTrack) -> list[float]:
    code = OCCLUSIONS.index(face.occlusion)
    return [code, face.score, *face.box.tolist(), *face.head_pose_deg]
