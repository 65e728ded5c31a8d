"""Writes a session in formats that other programs read: CSV, Parquet, ELAN and WebVTT."""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from pathlib import Path

from faceapp.errors import SessionError
from faceapp.session.elan import write_elan
from faceapp.session.metadata import folder_error, parquet_metadata
from faceapp.session.reader import Session, read_session
from faceapp.session.segments import emotion_segments
from faceapp.session.table import arrow_schema
from faceapp.session.webvtt import write_webvtt

EXPORT_FOLDER = "export"


def export_session(folder: Path, formats: Sequence[str] | None = None, out: Path | None = None) -> list[Path]:
    """Write a session in the wanted formats; files of an earlier export are replaced, each atomically.

    Args:
        folder: A session folder.
        formats: Names from `EXPORTS`; None takes all.
        out: Folder for the files; None takes `export` in the session folder.

    Returns:
        The files written.

    Raises:
        SessionError: No session, an unknown format, or the folder can't be written.
    """
    names = list(EXPORTS) if formats is None else list(formats)
    unknown = [name for name in names if name not in EXPORTS]
    if unknown:
        raise SessionError(f"format: expected some of {', '.join(EXPORTS)}, found {unknown[0]!r}")
    session = read_session(folder)
    out = folder / EXPORT_FOLDER if out is None else out
    paths = []
    try:
        out.mkdir(parents=True, exist_ok=True)
        for name in names:
            file_name, write = EXPORTS[name]
            partial = out / f".{file_name}.part"
            write(session, partial)
            os.replace(partial, out / file_name)
            paths.append(out / file_name)
    except OSError as error:
        raise folder_error(out, error) from error
    return paths


def _write_csv(session: Session, path: Path) -> None:
    from pyarrow import csv

    csv.write_csv(session.table, path, csv.WriteOptions(quoting_style="needed"))


def _write_parquet(session: Session, path: Path) -> None:
    from pyarrow import parquet

    metadata = arrow_schema(parquet_metadata(session.metadata)).metadata
    parquet.write_table(session.table.replace_schema_metadata(metadata), path, compression="zstd")


def _write_elan(session: Session, path: Path) -> None:
    media = None
    if session.video is not None:
        media = Path(os.path.relpath(session.video.resolve(), path.parent.resolve())).as_posix()
    write_elan(path, emotion_segments(session), session.events, media)


def _write_webvtt(session: Session, path: Path) -> None:
    write_webvtt(path, emotion_segments(session), session.events)


EXPORTS: dict[str, tuple[str, Callable[[Session, Path], None]]] = {
    "csv": ("faces.csv", _write_csv),
    "parquet": ("faces.parquet", _write_parquet),
    "elan": ("annotations.eaf", _write_elan),
    "webvtt": ("captions.vtt", _write_webvtt),
}
"""Name of a format -> its file and its writer."""
