"""The table of a session: its columns, and a row per frame and face."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

from engines.card import EMOTIONS
from faceapp.session.clock import utc_text
from faceapp.session.numbers import number_text
from faceapp.session.sealing import OPTIONAL
from faceapp.settings.label_names import column_name, label_list
from faceapp.tracking.action_units import MEASURED_UNITS
from faceapp.types import FrameResult, Prediction

if TYPE_CHECKING:
    import pyarrow

CSV_FILE = "faces.csv"
PARQUET_FILE = "faces.parquet"

PREDICTION_COLUMNS = (
    *(f"p_{name}" for name in EMOTIONS),
    "age_years",
    "age_std_years",
    "p_female",
    "p_smile",
)
MOVEMENT_COLUMNS = (*(unit.column for unit in MEASURED_UNITS), "second_opinion")
"""Movements of the face; sessions recorded before there were any lack these columns, and are read as if they were empty."""
COLUMNS = (
    *("frame", "face_id", "time_s", "utc", "score", "occlusion", "model"),
    *("x0_px", "y0_px", "x1_px", "y1_px", "yaw_deg", "pitch_deg", "roll_deg"),
    *PREDICTION_COLUMNS,
    *(f"{name}_raw" for name in PREDICTION_COLUMNS),
    "capture_to_result_ms",
    *MOVEMENT_COLUMNS,
)
_TEXT_COLUMNS = ("occlusion", "model", "second_opinion")


def label_columns(settings: object) -> tuple[str, ...]:
    """Return the columns of people's own labels in a session, from the settings in its `session.json`."""
    names = settings.get("labels") if isinstance(settings, Mapping) else None
    return tuple(dict.fromkeys(column_name(name) for name in label_list(names)))


def label_cells(prediction: Prediction, columns: Sequence[str]) -> list[str]:
    """Return one prediction's labels in the order of `columns`; empty where they were not read."""
    values = {column_name(name): value for name, value in prediction.labels}
    return [number_text(values.get(column, math.nan), 6) for column in columns]


def prediction_cells(prediction: Prediction) -> list[str]:
    """Return one prediction in the order of `PREDICTION_COLUMNS`; a head the model lacks is empty."""
    cells = [number_text(value, 6) for value in prediction.emotion.tolist()]
    cells += [number_text(prediction.age_years, 3), number_text(prediction.age_std_years, 3)]
    cells += [number_text(prediction.female, 6), number_text(prediction.smile, 6)]
    return cells


def movement_cells(prediction: Prediction) -> list[str]:
    """Return one prediction's movements in the order of `MOVEMENT_COLUMNS`; empty where they were not measured."""
    opinion = "" if prediction.second_opinion is None else prediction.second_opinion.emotion
    if prediction.movements is None:
        return [""] * len(MEASURED_UNITS) + [opinion]
    return [*(number_text(value, 3) for value in prediction.movements.tolist()), opinion]


def face_rows(
    result: FrameResult, time_s: float, started: datetime, labels: Sequence[str] = ()
) -> list[list[str]]:
    """Return the rows of one analysed frame in the order of `COLUMNS`, then of `labels`.

    Args:
        result: The analysed frame.
        time_s: Seconds of the frame on the session's clock.
        started: UTC at 0 s on the session's clock.
        labels: Columns of people's own labels, see `label_columns`.

    Returns:
        One list of cells per face; none for a frame without a face.
    """
    if not result.faces:
        return []
    start = [str(result.frame.index), number_text(time_s, 6), utc_text(started + timedelta(seconds=time_s))]
    latency = number_text(result.timing_ms.get("capture_to_result", math.nan), 3)
    rows = []
    for face, smoothed, raw in zip(result.faces, result.predictions, result.raw_predictions, strict=True):
        row = [
            start[0],
            str(face.id),
            start[1],
            start[2],
            number_text(face.score, 4),
            face.occlusion,
            smoothed.model,
        ]
        row += [number_text(value, 2) for value in face.box.tolist()]
        row += [number_text(value, 2) for value in face.head_pose_deg]
        row += prediction_cells(smoothed)
        row += prediction_cells(raw)
        row.append(latency)
        row += movement_cells(smoothed)
        row += label_cells(smoothed, labels)
        rows.append(row)
    return rows


def arrow_schema(metadata: Mapping[str, Any] | None = None, labels: Sequence[str] = ()) -> pyarrow.Schema:
    """Return the Parquet schema, with columns of own labels; `metadata` is stored in it as JSON under `faceapp`."""
    import pyarrow as pa

    kinds = {
        "frame": pa.int64(),
        "face_id": pa.int32(),
        "time_s": pa.float64(),
        "utc": pa.timestamp("ms", tz="UTC"),
    }
    kinds |= dict.fromkeys(_TEXT_COLUMNS, pa.string())
    later = {OPTIONAL: "true"}
    fields = [
        pa.field(name, kinds.get(name, pa.float32()), metadata=later if name in MOVEMENT_COLUMNS else None)
        for name in COLUMNS
    ]
    fields += [pa.field(name, pa.float32(), metadata=later) for name in labels]
    return pa.schema(fields, metadata={"faceapp": json.dumps(metadata or {}, default=str)})
