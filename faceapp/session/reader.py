"""Opens a session folder, sealed or not."""

from __future__ import annotations

import logging
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from faceapp.errors import SessionError
from faceapp.session.annotations import Event
from faceapp.session.fitting_marks import fitting_marks, session_span_s
from faceapp.session.frame_log import FRAME_COLUMNS, FRAMES_CSV, FRAMES_PARQUET, frame_schema
from faceapp.session.metadata import file_inside, load_metadata
from faceapp.session.sealing import read_csv_table
from faceapp.session.table import (
    COLUMNS,
    CSV_FILE,
    MOVEMENT_COLUMNS,
    PARQUET_FILE,
    arrow_schema,
    label_columns,
)

if TYPE_CHECKING:
    import pyarrow


logger = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True, eq=False)
class Session:
    """One session in memory, without its pictures.

    Attributes:
        folder: Where it lies.
        metadata: Content of `session.json`.
        table: One row per frame and face, the columns of `faceapp.session.table.COLUMNS`.
        events: Marks ordered by start, cut to the session.
        video: The clean video, or None when there is none.
        problems: One line for every mark that does not fit the session and was cut or left out.
    """

    folder: Path
    metadata: dict[str, Any]
    table: pyarrow.Table
    events: tuple[Event, ...]
    video: Path | None
    problems: tuple[str, ...] = ()

    def column(self, name: str) -> npt.NDArray[np.float64]:
        """Return a column of numbers as float64; missing values are NaN."""
        return np.asarray(self.table.column(name).to_numpy(zero_copy_only=False), dtype=np.float64)


def read_session(folder: Path, *, tell: bool = True) -> Session:
    """Open a session; one that was not sealed (still recording, or killed) is read from its CSV.

    Args:
        folder: A session folder.
        tell: Log what is wrong with marks; False where the caller tells `Session.problems`.

    Raises:
        SessionError: No session, or a file of it is missing or malformed.
    """
    metadata = load_metadata(folder)
    entry = metadata.get("video")
    video = file_inside(folder, str(entry.get("file"))) if isinstance(entry, dict) else None
    table = read_table(folder)
    marks = fitting_marks(folder, metadata, lambda: table_span_s(folder, metadata, table))
    for problem in marks.problems if tell else ():
        logger.warning("%s: %s", folder, problem)
    return Session(
        folder=folder,
        metadata=metadata,
        table=table,
        events=marks.events,
        video=video if video is not None and video.is_file() else None,
        problems=marks.problems,
    )


def table_span_s(folder: Path, metadata: Mapping[str, Any], table: pyarrow.Table) -> tuple[float, float]:
    """Return the first and last time of a session in seconds, from both its tables.

    Raises:
        SessionError: The table of frames is malformed.
    """
    import pyarrow.compute as pc

    ends = [pc.min_max(each.column("time_s")).as_py() for each in (table, read_frames(folder))]
    return session_span_s(metadata, *([value for value in end.values() if value is not None] for end in ends))


def read_table(folder: Path) -> pyarrow.Table:
    """Read the table of a session, sealed or not.

    Raises:
        SessionError: It is missing or malformed.
    """
    path = folder / PARQUET_FILE
    if path.exists():
        return read_parquet_table(path)
    if (folder / CSV_FILE).exists():
        labels = label_columns(load_metadata(folder).get("settings"))
        return read_csv_table(folder / CSV_FILE, arrow_schema(labels=labels))
    if load_metadata(folder)["state"] == "recording":  # killed before it had made the table
        return arrow_schema().empty_table()
    raise SessionError(
        f"{folder}: expected {PARQUET_FILE} or {CSV_FILE}, found neither; restore it from a copy"
    )


def read_frames(folder: Path) -> pyarrow.Table:
    """Read what became of every captured frame, ordered by time; empty for sessions of version 0.1.0.

    Returns:
        One row per captured frame, the columns of `faceapp.session.frame_log.FRAME_COLUMNS`.

    Raises:
        SessionError: It is malformed.
    """
    if (folder / FRAMES_PARQUET).exists():
        table = read_parquet_table(folder / FRAMES_PARQUET, FRAME_COLUMNS)
    elif (folder / FRAMES_CSV).exists():
        table = read_csv_table(folder / FRAMES_CSV, frame_schema())
    else:
        return frame_schema().empty_table()
    return table.sort_by("time_s")


def read_parquet_table(path: Path, columns: Sequence[str] = COLUMNS) -> pyarrow.Table:
    """Read a sealed table and check its columns.

    Raises:
        SessionError: The file is no Parquet file of a session.
    """
    import pyarrow as pa
    from pyarrow import parquet

    try:
        table = parquet.ParquetFile(path, page_checksum_verification=True).read()
    except (pa.ArrowException, OSError, ValueError) as error:  # a column name of it may be no UTF-8
        raise SessionError(
            f"{path}: expected a sealed table, found {' '.join(str(error).split())[:160]}; "
            "restore it from a copy"
        ) from error
    missing = [name for name in columns if name not in (*table.column_names, *MOVEMENT_COLUMNS)]
    if missing:
        raise SessionError(
            f"{path}: expected the columns of a session, found no {missing[0]}; restore it from a copy"
        )
    return _with_movements(table) if columns is COLUMNS else table


def _with_movements(table: pyarrow.Table) -> pyarrow.Table:
    """Return the table with empty columns of movements where an older version knew none."""
    import pyarrow as pa

    for field in arrow_schema():
        if field.name in MOVEMENT_COLUMNS and field.name not in table.column_names:
            table = table.append_column(field, pa.nulls(table.num_rows, field.type))
    return table
