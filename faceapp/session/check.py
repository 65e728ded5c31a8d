"""Verifies a session folder and repairs what a killed program or a full disk left behind."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from typing import Any

from engines.whole_file import rename, write_whole
from faceapp.errors import SessionError
from faceapp.session.annotations import EVENTS_FILE, end_last_line
from faceapp.session.clock import moment_of, utc_text
from faceapp.session.counts import count_frames, count_problems, lost_rows
from faceapp.session.damaged_rows import DAMAGED
from faceapp.session.fitting_marks import fitting_marks
from faceapp.session.frame_log import FRAME_COLUMNS, FRAMES_CSV, FRAMES_PARQUET, frame_schema
from faceapp.session.last_row import end_last_row, last_row_is_whole
from faceapp.session.liveness import LOCK_FILE, beats, held_still
from faceapp.session.metadata import SESSION_FILE, file_inside, load_metadata, parquet_metadata, save_metadata
from faceapp.session.numbers import counted
from faceapp.session.own_files import open_own, refuse_links
from faceapp.session.reader import read_frames, read_parquet_table, read_table, table_span_s
from faceapp.session.rebuilding import rebuilt_metadata, replace_damaged, require_session
from faceapp.session.sealing import cut_incomplete_row, seal
from faceapp.session.seals import SEALS, broken_seals, seals_of
from faceapp.session.table import COLUMNS, CSV_FILE, PARQUET_FILE, arrow_schema, label_columns
from faceapp.session.table_times import times_going_back
from faceapp.session.video_encoder import VIDEO_FILE
from faceapp.session.video_repair import rewrite_video, video_frames

_FIRST_CLUSTER_S = 1.0
"""By then a video holds whole pictures; one that can't be read later is damaged."""


@dataclass(slots=True)
class CheckResult:
    """What was found.

    Attributes:
        repairs: What was repaired, or would be.
        problems: What can't be repaired.
        rows: Rows of the table.
        frames_in_video: Frames in the video, None without one.
    """

    repairs: list[str] = field(default_factory=list)
    problems: list[str] = field(default_factory=list)
    rows: int = 0
    frames_in_video: int | None = None


def check_session(folder: Path, repair: bool = True) -> CheckResult:
    """Verify a session folder and, unless told otherwise, repair it.

    Args:
        folder: A session folder that is not being recorded.
        repair: False only says what would be done.

    Returns:
        Findings; the session is sound when there are no problems.

    Raises:
        SessionError: No session, still being recorded, or a file can't be written.
    """
    refuse_links(folder)
    require_session(folder)  # no lock is looked for where there is no session
    with held_still(folder):
        result = CheckResult()
        if rebuilt := rebuilt_metadata(folder):
            result.repairs.append(
                f"{SESSION_FILE}: could not be read, made anew from the tables; what it held is in {SESSION_FILE}{DAMAGED}"
            )
            if not repair:
                return result
            replace_damaged(folder, rebuilt)
        _check(folder, repair, result)
    if repair and (folder / LOCK_FILE).exists():  # after it was let go: Windows removes no open file
        (folder / LOCK_FILE).unlink(missing_ok=True)
    return result


def _check(folder: Path, repair: bool, result: CheckResult) -> None:
    metadata = load_metadata(folder)
    unfinished = metadata["state"] == "recording"
    if unfinished and not (folder / LOCK_FILE).exists() and beats(folder):
        raise SessionError(
            f"{folder}: expected a finished session, found one that is being recorded; "
            "stop the recording first"
        )
    _check_leftovers(folder, repair, result)
    _check_events(folder, repair, result)
    table = _check_table(folder, metadata, repair, result)
    _check_marks(folder, metadata, table, result)
    _check_video(folder, metadata, repair and unfinished, unfinished, result)
    if table is not None and unfinished:
        result.repairs.append(f"{SESSION_FILE}: the counts and the state were brought up to date")
        result.problems += lost_rows(metadata, result.rows)
        if repair:
            _update(folder, metadata, table, result)
    elif table is not None:
        result.problems += count_problems(metadata, result.rows, result.frames_in_video)
        result.problems += broken_seals(folder, metadata)


def _check_leftovers(folder: Path, repair: bool, result: CheckResult) -> None:
    for path in sorted(folder.glob(".*.part")):
        result.repairs.append(f"{path.name}: an unfinished file was removed")
        if repair:
            path.unlink(missing_ok=True)


def _check_events(folder: Path, repair: bool, result: CheckResult) -> None:
    path = folder / EVENTS_FILE
    if not path.exists():
        result.repairs.append(f"{EVENTS_FILE}: the missing file was made anew, empty")
        if repair:
            open_own(path, "xb").close()
        return
    if said := end_last_line(path, write=repair):
        result.repairs.append(f"{EVENTS_FILE}: {said}")


def _check_marks(folder: Path, metadata: dict[str, Any], table: Any, result: CheckResult) -> None:
    """Name marks that do not fit the session; they are never changed."""
    whole = {**metadata, "state": "repaired"} if metadata["state"] == "recording" else metadata
    try:
        span_s = (0.0, 0.0) if table is None else table_span_s(folder, metadata, table)
        marks = fitting_marks(folder, whole, lambda: span_s)
    except SessionError as error:
        result.problems.append(str(error))
        return
    result.problems += marks.problems if table is not None else ()


def _check_table(folder: Path, metadata: dict[str, Any], repair: bool, result: CheckResult) -> Any:
    """Return the table of faces, both tables being sealed where that was still to do, or None when it can't be read."""
    unfinished = metadata["state"] == "recording"
    schema = arrow_schema(parquet_metadata(metadata), label_columns(metadata.get("settings")))
    try:
        _check_sealed(
            folder, Sealed(CSV_FILE, PARQUET_FILE, COLUMNS, schema), unfinished and repair, repair, result
        )
        frames = Sealed(FRAMES_CSV, FRAMES_PARQUET, FRAME_COLUMNS, frame_schema())
        _check_sealed(folder, frames, False, repair, result)
        table = read_table(folder)
        read_frames(folder)
    except SessionError as error:
        result.problems.append(str(error))
        return None
    result.rows = table.num_rows
    result.problems += times_going_back(table)
    return table


@dataclass(frozen=True, slots=True)
class Sealed:
    """One table of a session: its file while recording, its file afterwards, its columns and its schema."""

    csv_file: str
    parquet_file: str
    columns: Sequence[str]
    schema: Any


def _check_sealed(folder: Path, table: Sealed, make: bool, repair: bool, result: CheckResult) -> None:
    csv_path, parquet_path = folder / table.csv_file, folder / table.parquet_file
    if csv_path.exists() and parquet_path.exists():
        read_parquet_table(parquet_path, table.columns)
        result.repairs.append(f"{table.csv_file}: removed, {table.parquet_file} holds its rows already")
        if repair:
            csv_path.unlink()
    elif csv_path.exists():
        _seal_csv(folder, table, repair, result)
    elif make and not parquet_path.exists():
        write_whole(csv_path, ",".join(table.columns) + "\n")
        _seal_csv(folder, table, repair, result)


def _seal_csv(folder: Path, table: Sealed, repair: bool, result: CheckResult) -> None:
    csv_path, parquet_path = folder / table.csv_file, folder / table.parquet_file
    if last_row_is_whole(csv_path):
        result.repairs.append(f"{table.csv_file}: the last row got its line end")
        if repair:
            end_last_row(csv_path)
    elif cut := cut_incomplete_row(csv_path, cut=repair):
        result.repairs.append(f"{table.csv_file}: an incomplete last row of {cut} bytes was cut off")
    if not repair:
        result.repairs.append(f"{table.csv_file}: to be sealed to {table.parquet_file}")
        return
    if not csv_path.stat().st_size:  # killed before its header was written
        write_whole(csv_path, ",".join(table.columns) + "\n")
    rows, skipped = seal(csv_path, parquet_path, table.schema)
    result.repairs.append(f"{table.csv_file}: {counted(rows, 'row')} sealed to {table.parquet_file}")
    if skipped:
        result.problems.append(
            f"{table.csv_file}: {counted(skipped, 'damaged row')} left out, kept in {table.csv_file}{DAMAGED}"
        )


def _check_video(
    folder: Path, metadata: dict[str, Any], repair: bool, unfinished: bool, result: CheckResult
) -> None:
    path = folder / VIDEO_FILE
    entry = metadata.get("video")
    try:
        file_inside(folder, str(entry.get("file")) if isinstance(entry, dict) else VIDEO_FILE)
    except SessionError as error:
        result.problems.append(str(error))
        return
    if not path.exists():
        if entry:
            result.problems.append(
                f"{VIDEO_FILE}: expected the video that {SESSION_FILE} names, found none; restore it"
            )
        return
    try:
        frames = video_frames(path)
    except SessionError as error:
        if unfinished and (metadata.get("last_time_s") or 0.0) < _FIRST_CLUSTER_S:
            _set_aside_video(path, metadata, repair, result)
        else:
            result.problems.append(str(error))
        return
    if unfinished and frames:
        result.repairs.append(
            f"{VIDEO_FILE}: the index was rebuilt, {counted(frames, 'frame')} can be played"
        )
        if repair:
            frames = rewrite_video(path)
    result.frames_in_video = frames
    if repair and not metadata.get("video"):
        metadata["video"] = {"file": VIDEO_FILE, "codec": "", "frame_sizes": []}


def _set_aside_video(path: Path, metadata: dict[str, Any], repair: bool, result: CheckResult) -> None:
    """A program killed in its first moments leaves a video's header without one picture."""
    result.repairs.append(f"{VIDEO_FILE}: holds no picture yet, set aside as {VIDEO_FILE}{DAMAGED}")
    if repair:
        rename(path, path.with_name(f"{VIDEO_FILE}{DAMAGED}"))
        metadata["video"] = None


def _update(folder: Path, metadata: dict[str, Any], table: Any, result: CheckResult) -> None:
    import pyarrow.compute as pc

    frames = metadata["frames"]
    frames["faces"] = table.num_rows
    frames["with_faces"] = len(pc.unique(table.column("frame")))
    frames["in_video"] = result.frames_in_video or 0
    count_frames(folder, frames)
    times = [
        value
        for value in (metadata.get("last_time_s"), pc.max(table.column("time_s")).as_py())
        if value is not None
    ]
    metadata["last_time_s"] = max(times, default=None)
    if metadata.get("first_time_s") is None:
        metadata["first_time_s"] = pc.min(table.column("time_s")).as_py()
    if metadata.get("ended_utc") is None:
        started = moment_of(metadata["started_utc"])
        metadata["ended_utc"] = utc_text(started + timedelta(seconds=metadata["last_time_s"] or 0.0))
    metadata["unexplained_frames"] = 0
    metadata["state"] = "repaired"
    metadata[SEALS] = seals_of(folder)
    save_metadata(folder, metadata)
