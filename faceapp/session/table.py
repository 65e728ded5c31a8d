"""The table of a session: its columns, a row per frame and face, and sealing the CSV into Parquet."""

from __future__ import annotations

import json
import math
import os
from collections.abc import Mapping
from contextlib import suppress
from datetime import datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

from engines.card import EMOTIONS
from faceapp.errors import SessionError
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
COLUMNS = (
    *("frame", "face_id", "time_s", "utc", "score", "occlusion", "model"),
    *("x0_px", "y0_px", "x1_px", "y1_px", "yaw_deg", "pitch_deg", "roll_deg"),
    *PREDICTION_COLUMNS,
    *(f"{name}_raw" for name in PREDICTION_COLUMNS),
    "capture_to_result_ms",
)
_TEXT_COLUMNS = ("occlusion", "model")
_BLOCK_BYTES = 4 << 20


def number_text(value: float, digits: int) -> str:
    """Return a number with a fixed count of digits after the point, or nothing where it is not finite."""
    return f"{value:.{digits}f}" if math.isfinite(value) else ""


def utc_text(moment: datetime) -> str:
    """Return a moment in UTC as ISO 8601 with milliseconds, for example 2026-01-31T09:15:02.040Z."""
    return f"{moment:%Y-%m-%dT%H:%M:%S}.{moment.microsecond // 1000:03d}Z"


def prediction_cells(prediction: Prediction) -> list[str]:
    """Return one prediction in the order of `PREDICTION_COLUMNS`; a head the model lacks is empty."""
    cells = [number_text(value, 6) for value in prediction.emotion.tolist()]
    cells += [number_text(prediction.age_years, 3), number_text(prediction.age_std_years, 3)]
    cells += [number_text(prediction.female, 6), number_text(prediction.smile, 6)]
    return cells


def face_rows(result: FrameResult, time_s: float, started: datetime) -> list[list[str]]:
    """Return the rows of one analysed frame in the order of `COLUMNS`.

    Args:
        result: The analysed frame.
        time_s: Seconds of the frame on the session's clock.
        started: UTC at 0 s on the session's clock.

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
        rows.append(row)
    return rows


def arrow_schema(metadata: Mapping[str, Any] | None = None) -> pyarrow.Schema:
    """Return the Parquet schema; `metadata` is stored in it as JSON under the key `faceapp`."""
    import pyarrow as pa

    kinds = {
        "frame": pa.int64(),
        "face_id": pa.int32(),
        "time_s": pa.float64(),
        "utc": pa.timestamp("ms", tz="UTC"),
    }
    kinds |= dict.fromkeys(_TEXT_COLUMNS, pa.string())
    fields = [pa.field(name, kinds.get(name, pa.float32())) for name in COLUMNS]
    return pa.schema(fields, metadata={"faceapp": json.dumps(metadata or {}, default=str)})


def cut_incomplete_row(path: Path, cut: bool = True) -> int:
    """Remove what follows the last line end of a text file: the half row of a program that was killed.

    Args:
        path: The file.
        cut: False only counts.

    Returns:
        Bytes after the last line end.

    Raises:
        SessionError: The file can't be read or shortened.
    """
    try:
        with path.open("r+b" if cut else "rb") as stream:
            size = end = stream.seek(0, os.SEEK_END)
            found = -1
            while end > 0 and found < 0:
                start = max(0, end - 65536)
                stream.seek(start)
                found = stream.read(end - start).rfind(b"\n")
                found, end = (start + found if found >= 0 else -1), start
            if cut and found + 1 < size:
                stream.truncate(found + 1)
    except OSError as error:
        raise SessionError(
            f"{path}: expected a file that can be repaired, found {error.strerror}; check its rights"
        ) from error
    return size - (found + 1)


def seal(csv_path: Path, parquet_path: Path, metadata: Mapping[str, Any]) -> tuple[int, int]:
    """Turn the CSV of a session into Parquet and remove it; atomic, block by block so that memory stays flat.

    Args:
        csv_path: Existing CSV with a header of `COLUMNS`.
        parquet_path: File to make.
        metadata: Stored in the schema.

    Returns:
        Rows sealed, and lines left out because their count of cells was wrong.

    Raises:
        SessionError: The CSV is malformed or the Parquet file can't be written; the CSV then stays.
    """
    import pyarrow as pa
    from pyarrow import parquet

    schema = arrow_schema(metadata)
    partial = parquet_path.with_name(f".{parquet_path.name}.{os.getpid()}.part")
    rows, skipped = 0, [0]
    try:
        with parquet.ParquetWriter(partial, schema, compression="zstd") as writer:
            for batch in _csv_batches(csv_path, schema, skipped):
                writer.write_batch(batch)
                rows += batch.num_rows
        os.replace(partial, parquet_path)
        csv_path.unlink(missing_ok=True)
    except (pa.ArrowInvalid, pa.ArrowKeyError) as error:
        raise SessionError(
            f"{csv_path}: expected the columns of a session, found {_one_line(error)}; the CSV is kept"
        ) from error
    except OSError as error:
        raise SessionError(
            f"{parquet_path}: expected to seal {csv_path.name}, found {_one_line(error)}; "
            "free some space and run `faceapp session check`"
        ) from error
    finally:
        with suppress(OSError):
            partial.unlink()
    return rows, skipped[0]


def read_csv_table(csv_path: Path) -> pyarrow.Table:
    """Return the rows of a CSV that was not sealed yet; an incomplete last line is left out.

    Raises:
        SessionError: The file is missing or malformed.
    """
    import pyarrow as pa

    schema = arrow_schema()
    try:
        return pa.Table.from_batches(list(_csv_batches(csv_path, schema, [0])), schema=schema)
    except (pa.ArrowInvalid, pa.ArrowKeyError, OSError) as error:
        raise SessionError(
            f"{csv_path}: expected the columns of a session, found {_one_line(error)}"
        ) from error


def _csv_batches(csv_path: Path, schema: pyarrow.Schema, skipped: list[int]) -> Any:
    from pyarrow import csv

    def skip(_row: object) -> str:
        skipped[0] += 1
        return "skip"

    stream = csv.open_csv(
        csv_path,
        read_options=csv.ReadOptions(block_size=_BLOCK_BYTES),
        parse_options=csv.ParseOptions(invalid_row_handler=skip),
        convert_options=csv.ConvertOptions(
            column_types={field.name: field.type for field in schema},
            include_columns=list(COLUMNS),
            null_values=[""],
            strings_can_be_null=True,
        ),
    )
    for batch in stream:
        yield batch.replace_schema_metadata(schema.metadata)


def _one_line(error: Exception) -> str:
    return " ".join(str(error).split())[:200]
