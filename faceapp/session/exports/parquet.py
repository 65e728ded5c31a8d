"""Parquet: the table as recorded, with session and models in its metadata."""

from __future__ import annotations

from pathlib import Path

from faceapp.session.metadata import parquet_metadata
from faceapp.session.reader import Session, read_frames
from faceapp.session.table import arrow_schema

ABOUT = "Parquet: the tables as recorded"


def available() -> str:
    """Return why Parquet can't be written; empty: it can."""
    return ""


def write(session: Session, folder: Path) -> list[Path]:
    """Write `faces.parquet` and `frames.parquet`."""
    from pyarrow import parquet

    metadata = arrow_schema(parquet_metadata(session.metadata)).metadata
    faces, frames = folder / "faces.parquet", folder / "frames.parquet"
    parquet.write_table(session.table.replace_schema_metadata(metadata), faces, compression="zstd")
    parquet.write_table(read_frames(session.folder), frames, compression="zstd")
    return [faces, frames]
