"""Writes a session in formats that other programs read, see `faceapp.session.exports`."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Sequence
from pathlib import Path

from engines.whole_file import put_in_place
from faceapp.errors import SessionError
from faceapp.session.exports import export_format, export_names
from faceapp.session.face_rows import with_face_edits
from faceapp.session.metadata import folder_error
from faceapp.session.reader import Session, read_session
from faceapp.session.recorded_files import holds_session

EXPORT_FOLDER = "export"


def export_session(folder: Path, formats: Sequence[str] | None = None, out: Path | None = None) -> list[Path]:
    """Write a session in the wanted formats; files of an earlier export are replaced, each atomically.

    Faces that people merged count as one, those they excluded are left out; `parquet` alone keeps what was recorded.

    Args:
        folder: A session folder.
        formats: Names from `export_names()`; None takes all that can be written here.
        out: Folder for the files; None takes `export` in the session folder.

    Returns:
        The files written.

    Raises:
        SessionError: No session, an unknown format, one whose library is missing, or the folder can't be written.
    """
    names = _wanted(formats)
    session = read_session(folder)
    out = folder / EXPORT_FOLDER if out is None else out
    if holds_session(out):
        raise SessionError(
            f"{out}: expected a folder for exports, found a recorded session, whose tables would be replaced; "
            "give another folder"
        )
    paths = []
    try:
        out.mkdir(parents=True, exist_ok=True)
        for name in names:
            made = _export(session, name, out)
            if formats is not None and not made:
                raise SessionError(
                    f"{folder}: expected a session with what {name} is made from, found none (no video, or no face)"
                )
            paths += made
    except OSError as error:
        raise folder_error(out, error) from error
    return paths


def missing_formats() -> dict[str, str]:
    """Return the formats that can't be written here, each with the reason."""
    reasons = {name: export_format(name).available() for name in export_names()}
    return {name: reason for name, reason in reasons.items() if reason}


def _wanted(formats: Sequence[str] | None) -> list[str]:
    names = export_names()
    missing = missing_formats()
    if formats is None:
        return [name for name in names if name not in missing]
    for name in formats:
        if name not in names:
            raise SessionError(f"format: expected some of {', '.join(names)}, found {name!r}")
        if name in missing:
            raise SessionError(f"format {name}: expected its library, found none: {missing[name]}")
    return list(dict.fromkeys(formats))


def _require_inside(folder: Path, out: Path) -> None:
    if not folder.resolve().is_relative_to(out.resolve()):
        raise SessionError(
            f"{folder}: expected a folder of the export, found a link that leads elsewhere; remove it"
        )


def _export(session: Session, name: str, out: Path) -> list[Path]:
    """Write one format in a folder of its own, then move its files to their places."""
    partial = Path(tempfile.mkdtemp(prefix=f".{name}.", suffix=".part", dir=out))
    try:
        format_ = export_format(name)
        made = format_.write(session if name == "parquet" else with_face_edits(session), partial)
        paths = [out / path.relative_to(partial) for path in made]
        join = getattr(format_, "join", None)
        for path, place in zip(made, paths, strict=True):
            if join is not None and place.is_file():
                join(path, place)
        for path, place in zip(made, paths, strict=True):
            place.parent.mkdir(parents=True, exist_ok=True)
            _require_inside(place.parent, out)
            put_in_place(path, place)
    finally:
        shutil.rmtree(partial, ignore_errors=True)
    return paths
