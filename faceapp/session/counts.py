"""The counts in `session.json` against what is on the disk."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

from faceapp.session.metadata import SESSION_FILE
from faceapp.session.numbers import counted
from faceapp.session.reader import read_frames
from faceapp.session.table import CSV_FILE, PARQUET_FILE
from faceapp.session.video_encoder import VIDEO_FILE


def count_problems(metadata: dict[str, Any], rows: int, frames_in_video: int | None) -> Iterator[str]:
    """Yield one line about each count of a closed session that does not hold.

    Args:
        metadata: Content of `session.json`.
        rows: Of the table of faces.
        frames_in_video: None without a video.
    """
    frames = metadata["frames"]
    if metadata.get("unexplained_frames"):
        yield (
            f"{SESSION_FILE}: expected every captured frame to be accounted for, found "
            f"{metadata['unexplained_frames']} that are not; please report this"
        )
    if frames.get("faces") != rows:
        yield f"{PARQUET_FILE}: expected {counted(frames.get('faces'), 'row')}, found {rows}; restore it"
    if frames_in_video is not None and frames.get("in_video") != frames_in_video:
        yield (
            f"{VIDEO_FILE}: expected {frames.get('in_video')} frames, found {frames_in_video}; "
            "restore it from a copy"
        )


def lost_rows(metadata: dict[str, Any], rows: int) -> list[str]:
    """Return which rows a killed recording had counted and the disk does not have; `metadata["errors"]` gets it too.

    Args:
        metadata: Content of `session.json`; changed.
        rows: Of the table of faces.
    """
    expected = metadata["frames"].get("faces")
    if not isinstance(expected, int) or expected <= rows:
        return []
    lost = f"{CSV_FILE}: {expected - rows} of {counted(expected, 'row')} that were counted are lost"
    metadata["errors"] = [*metadata.get("errors", []), lost]
    return [lost]


def count_frames(folder: Path, frames: dict[str, Any]) -> None:
    """Count again from the table of frames; frames that were still on their way have no row there."""
    import pyarrow.compute as pc

    log = read_frames(folder)
    if not log.num_rows:
        frames["analysed"] = max(frames.get("analysed", 0), frames["with_faces"])
        frames["captured"] = max(frames.get("captured", 0), frames["analysed"], frames["in_video"])
        frames["not_analysed"] = {"lost when the program ended": frames["captured"] - frames["analysed"]}
        return
    # A kill between the two tables leaves faces of frames that have no row of their own yet.
    frames["analysed"] = max(pc.sum(log.column("analysed")).as_py(), frames["with_faces"])
    reasons = pc.value_counts(log.column("not_analysed").drop_null()).to_pylist()
    frames["not_analysed"] = {reason["values"]: reason["counts"] for reason in reasons}
    known = frames["analysed"] + sum(frames["not_analysed"].values())
    frames["captured"] = max(known, log.num_rows, frames["in_video"])
    if frames["captured"] > known:
        frames["not_analysed"]["lost when the program ended"] = frames["captured"] - known
