"""OpenFace's CSV: the columns its readers look for, ours behind them; what is not measured is empty, never 0."""

from __future__ import annotations

import csv
from collections.abc import Iterator
from pathlib import Path

import numpy as np

from faceapp.session.numbers import number_text
from faceapp.session.reader import Session, read_frames
from faceapp.session.table import PREDICTION_COLUMNS
from faceapp.tracking.action_units import MEASURED_UNITS

ABOUT = "OpenFace 2 CSV: frame, face_id, timestamp, confidence, success, pose; gaze, position and action units empty"
_GAZE = (*(f"gaze_{eye}_{axis}" for eye in (0, 1) for axis in "xyz"), "gaze_angle_x", "gaze_angle_y")
_POSE = ("pose_Tx", "pose_Ty", "pose_Tz", "pose_Rx", "pose_Ry", "pose_Rz")
_UNITS = (1, 2, 4, 5, 6, 7, 9, 10, 12, 14, 15, 17, 20, 23, 25, 26, 45)
_ACTION_UNITS = (
    *(f"AU{unit:02d}_r" for unit in _UNITS),
    *(f"AU{unit:02d}_c" for unit in sorted([*_UNITS, 28])),
)
_MOVEMENTS = tuple(unit.column for unit in MEASURED_UNITS)
COLUMNS = (
    *("frame", "face_id", "timestamp", "confidence", "success"),
    *(*_GAZE, *_POSE, *_ACTION_UNITS),
    *(f"faceapp_{name}" for name in (*PREDICTION_COLUMNS, *_MOVEMENTS)),
)


def available() -> str:
    """Return why it can't be written; empty: it can."""
    return ""


def write(session: Session, folder: Path) -> list[Path]:
    """Write `openface.csv`: a row a face and frame, and one with success 0 for an analysed frame without a face.

    OpenFace numbers frames from 1 and turns heads the other way: positive pose_Rx looks down, positive pose_Ry turns
    towards the picture's left edge, in radians (its axes are right, down and away).

    AU01_r and its like stay empty: they are intensities from 0 to 5 as FACS coders give them, learned from coders, while
    ours are distances on the mesh from a calm face; ours follow as faceapp_au01 and so on.
    """
    path = folder / "openface.csv"
    with path.open("w", newline="", encoding="utf-8") as stream:
        writer = csv.writer(stream, lineterminator="\n")
        writer.writerow(COLUMNS)
        writer.writerows(_rows(session))
    return [path]


def openface_angles(yaw_deg: float, pitch_deg: float, roll_deg: float) -> tuple[float, float, float]:
    """Return pose_Rx, pose_Ry and pose_Rz of a head pose.

    Our rotation is Ry(-yaw) Rx(-pitch) Rz(roll) over the axes right, down and away; OpenFace takes the same rotation
    apart as Rx Ry Rz.

    Args:
        yaw_deg: Positive towards the picture's right edge.
        pitch_deg: Positive looks up.
        roll_deg: Positive clockwise in the picture.

    Returns:
        Radians; NaN where the pose is.
    """
    turn, nod, tilt = np.radians(-yaw_deg), np.radians(-pitch_deg), np.radians(roll_deg)
    away = np.array([np.sin(turn) * np.cos(nod), -np.sin(nod), np.cos(turn) * np.cos(nod)])
    right_x = np.cos(turn) * np.cos(tilt) + np.sin(turn) * np.sin(nod) * np.sin(tilt)
    down_x = -np.cos(turn) * np.sin(tilt) + np.sin(turn) * np.sin(nod) * np.cos(tilt)
    return (
        float(np.arctan2(-away[1], away[2])),
        float(np.arcsin(np.clip(away[0], -1, 1))),
        float(np.arctan2(-down_x, right_x)),
    )


def _rows(session: Session) -> Iterator[list[str]]:
    names = (
        *("frame", "face_id", "time_s", "score", "pitch_deg", "yaw_deg", "roll_deg"),
        *(*PREDICTION_COLUMNS, *_MOVEMENTS),
    )
    columns = np.stack([session.column(name) for name in names], axis=1)
    rows = [(float(row[2]), float(row[1]), _face_row(row)) for row in columns]
    rows += [(time_s, 0.0, row) for time_s, row in _empty_rows(session)]
    for _time, _face, row in sorted(rows, key=lambda each: each[:2]):
        yield row


def _face_row(row: np.ndarray[tuple[int], np.dtype[np.float64]]) -> list[str]:
    frame, face, time_s, score, pitch_deg, yaw_deg, roll_deg, *predictions = row.tolist()
    start = [str(int(frame) + 1), str(int(face)), f"{time_s:.4f}", number_text(score, 4), "1"]
    turns = [number_text(angle, 4) for angle in openface_angles(yaw_deg, pitch_deg, roll_deg)]
    missing = [""] * (len(_GAZE) + 3), [""] * len(_ACTION_UNITS)
    return [*start, *missing[0], *turns, *missing[1], *(number_text(value, 6) for value in predictions)]


def _empty_rows(session: Session) -> Iterator[tuple[float, list[str]]]:
    frames = read_frames(session.folder)
    for frame, time_s, faces in zip(
        frames["frame"].to_pylist(), frames["time_s"].to_pylist(), frames["faces"].to_pylist(), strict=True
    ):
        if faces == 0:  # None: not analysed
            row = [str(frame + 1), "0", f"{time_s:.4f}", "0", "0"]
            yield time_s, row + [""] * (len(COLUMNS) - len(row))
