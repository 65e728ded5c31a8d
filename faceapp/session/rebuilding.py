"""A `session.json` that can't be read any more, made anew from the tables, which say most of it too."""

from __future__ import annotations

import csv
from collections.abc import Mapping
from datetime import timedelta
from pathlib import Path
from typing import Any

from engines.json_text import parse_json, read_json
from engines.whole_file import write_whole
from faceapp.session.about import About
from faceapp.session.clock import moment_of, utc_text
from faceapp.session.damaged_rows import DAMAGED
from faceapp.session.metadata import SESSION_FILE, folder_error, load_metadata, new_metadata, save_metadata
from faceapp.session.table import CSV_FILE, PARQUET_FILE

_ABOUT = ("participant", "session", "condition")
_KEPT = ("source", "started_utc", "smoothing", "filters", "changes", "models", *_ABOUT)


def require_session(folder: Path) -> None:
    """Make sure that a folder has a session's file, damaged or not.

    Raises:
        SessionError: It has none.
    """
    try:
        (folder / SESSION_FILE).stat()
    except OSError:
        load_metadata(folder)


def rebuilt_metadata(folder: Path) -> dict[str, Any] | None:
    """Return the content of a damaged `session.json` as far as the tables have it, in the state of an unfinished recording.

    Args:
        folder: A session folder that nobody records into.

    Returns:
        The content; None where the file can be read, or no table says what it held.
    """
    if not _is_damaged(folder / SESSION_FILE):
        return None
    known = _from_parquet(folder / PARQUET_FILE) or _from_csv(folder / CSV_FILE)
    if known is None:
        return None
    participant, session, condition = (str(known.get(name) or "") for name in _ABOUT)
    about = About(participant=participant, session=session, condition=condition)
    metadata = new_metadata(source=str(known.get("source") or ""), cards=(), settings={}, about=about)
    metadata |= {key: known[key] for key in _KEPT if known.get(key) is not None}
    metadata["errors"] = [f"{SESSION_FILE} was damaged and made anew: settings, notes and consent are lost"]
    return metadata


def replace_damaged(folder: Path, metadata: Mapping[str, Any]) -> None:
    """Keep the damaged `session.json` under another name and write it anew.

    Raises:
        SessionError: The folder can't be written.
    """
    path = folder / SESSION_FILE
    try:
        write_whole(path.with_name(f"{SESSION_FILE}{DAMAGED}"), path.read_bytes())
    except OSError as error:
        raise folder_error(folder, error) from error
    save_metadata(folder, metadata)


def _is_damaged(path: Path) -> bool:
    """Return whether there is a file that holds no JSON object with a schema; one of a newer program is not damaged."""
    if not path.is_file() or path.is_symlink():
        return False
    try:
        content = read_json(path)
    except (OSError, ValueError):
        return True
    return not (isinstance(content, dict) and "schema_version" in content)


def _from_parquet(path: Path) -> Mapping[str, Any] | None:
    """Return what travels inside the sealed table."""
    import pyarrow as pa
    from pyarrow import parquet

    try:
        found = (parquet.read_schema(path).metadata or {}).get(b"faceapp")
        content = parse_json(found) if found else None
    except (OSError, ValueError, pa.ArrowException):
        return None
    return content if isinstance(content, dict) else None


def _from_csv(path: Path) -> Mapping[str, Any] | None:
    """Return when a recording that was not sealed began: the first row has its time both ways."""
    try:
        with path.open(encoding="utf-8", errors="replace", newline="") as stream:
            first = next(csv.DictReader(stream), None) or {}
        utc = moment_of(str(first.get("utc")))
        return {"started_utc": utc_text(utc - timedelta(seconds=float(str(first.get("time_s")))))}
    except (OSError, ValueError, csv.Error, OverflowError):
        return None
