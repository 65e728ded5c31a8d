"""A BIDS folder: marks as events, every face's values as a physiological recording at a regular rate."""

from __future__ import annotations

import csv
import gzip
import hashlib
import io
import json
import re
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from engines.json_text import read_json
from faceapp.errors import SessionError
from faceapp.session.column_meanings import column_meanings
from faceapp.session.face_rows import face_names, safe_text
from faceapp.session.reader import Session
from faceapp.session.regular import RegularColumns, regular_columns, usual_rate_hz
from faceapp.session.table import PREDICTION_COLUMNS

PARTICIPANTS = "participants.tsv"
_RECORDED = "RecordedUTC"
"""Key in sidecars that tells recordings apart."""
ABOUT = "BIDS: behavioural events and physio, resampled to a regular rate"
_COLUMNS = (*PREDICTION_COLUMNS, "yaw_deg", "pitch_deg", "roll_deg", "score")


def available() -> str:
    """Return why it can't be written; empty: it can."""
    return ""


def write(session: Session, folder: Path) -> list[Path]:
    """Write a data set of one subject under `bids`."""
    root = folder / "bids"
    subject = _label(session.metadata.get("participant")) or _label(session.folder.resolve().name) or "01"
    visit = _label(session.metadata.get("session")) or _plain(session.metadata.get("started_utc")) or "01"
    place = root / f"sub-{subject}" / f"ses-{visit}" / "beh"
    place.mkdir(parents=True)
    stem = f"sub-{subject}_ses-{visit}_task-{_label(session.metadata.get('condition')) or 'faces'}"
    paths = [*_data_set(root, subject, session), *_events(session, place / f"{stem}_events")]
    made = regular_columns(session, _COLUMNS, usual_rate_hz(session))
    names = face_names(session)
    for face in made.faces:
        paths += _physio(
            made,
            face,
            names[face],
            session.metadata.get("started_utc"),
            place / f"{stem}_recording-face{face}_physio",
        )
    return paths


def join(new: Path, existing: Path) -> None:
    """Make a new file lose nothing of an existing one: participants are added, a description and a README stay.

    Args:
        new: Just written; changed in place.
        existing: Of the folder that it goes to.

    Raises:
        SessionError: It holds the values of another recording under the same names.
        OSError: A file can't be read or written.
    """
    if new.name == PARTICIPANTS:
        new.write_text(_joined(existing, new), encoding="utf-8")
    elif new.parent.name == "bids":
        new.write_bytes(existing.read_bytes())
    elif new.suffix == ".json" and _recording(new) != _recording(existing):
        raise SessionError(
            f"{existing}: expected a free name, found another recording of this participant, session and condition; "
            "give the sessions different names, or another folder"
        )


def _joined(existing: Path, new: Path) -> str:
    """Return a table of participants with the rows and columns of both; a row of the existing one stays as it is."""
    tables = [
        list(csv.DictReader(path.read_text(encoding="utf-8-sig").splitlines(), delimiter="\t", restval="n/a"))
        for path in (existing, new)
    ]
    columns = list(dict.fromkeys(name for table in tables for row in table for name in row if name))
    rows: dict[str, dict[str, str]] = {}
    for row in (row for table in tables for row in table):
        rows.setdefault(row.get("participant_id", ""), row)
    return _tsv([columns, *([row.get(name) or "n/a" for name in columns] for row in rows.values())])


def _recording(sidecar: Path) -> object:
    try:
        content = read_json(sidecar)
    except ValueError:
        return None
    return content.get(_RECORDED) if isinstance(content, dict) else None


def _data_set(root: Path, subject: str, session: Session) -> list[Path]:
    description = {"Name": "faceapp session", "BIDSVersion": "1.9.0", "DatasetType": "raw"}
    readme = "Values are estimates of appearance by a network, not of what a person feels or is.\n"
    contents = {
        "dataset_description.json": json.dumps(description, indent=1),
        PARTICIPANTS: _tsv(
            [["participant_id", "code"], [f"sub-{subject}", _cell(session.metadata.get("participant"))]]
        ),
        "README": readme,
    }
    for name, text in contents.items():
        (root / name).write_text(text, encoding="utf-8")
    return [root / name for name in contents]


def _events(session: Session, stem: Path) -> list[Path]:
    rows = [
        [
            f"{event.start:.6f}",
            f"{event.end - event.start:.6f}",
            *(
                _cell(text)
                for text in (event.label or event.kind, event.kind, event.face, event.note, event.author)
            ),
        ]
        for event in session.events
    ]
    table, sidecar = stem.with_suffix(".tsv"), stem.with_suffix(".json")
    header = ("onset", "duration", "trial_type", "kind", "face", "note", "author")
    table.write_text(_tsv([header, *rows]), encoding="utf-8")
    about = {
        _RECORDED: session.metadata.get("started_utc"),
        "onset": {"Description": "From the start of the session", "Units": "s"},
        "duration": {"Description": "0: a moment", "Units": "s"},
        "trial_type": {"Description": "Label of the mark"},
        "kind": {"Description": "What the mark is for; exclude: the stretch is left out of figures"},
        "face": {"Description": "Number of the face it is about; n/a: all"},
        "note": {"Description": "Free text"},
        "author": {"Description": "Who set it"},
    }
    sidecar.write_text(json.dumps(about, indent=1), encoding="utf-8")
    return [table, sidecar]


def _physio(made: RegularColumns, face: int, name: str, started: Any, stem: Path) -> list[Path]:
    """Write a table without a header, as the standard asks, and what its columns are beside it."""
    table, sidecar = stem.with_suffix(".tsv.gz"), stem.with_suffix(".json")
    rows = [[_number(value) for value in row] for row in made.faces[face].tolist()]
    with table.open("wb") as raw, gzip.GzipFile(fileobj=raw, mode="wb", mtime=0, filename="") as stream:
        stream.write(_tsv(rows).encode("utf-8"))
    meanings = {
        column: (unit, meaning) for kind, column, unit, meaning in column_meanings() if kind == "faces"
    }
    about: dict[str, Any] = {
        "SamplingFrequency": made.rate_hz,
        "StartTime": round(made.start_s, 6),
        "Columns": list(made.columns),
        "Resampling": made.resampling,
        "Face": name,
        _RECORDED: started,
    }
    for column in made.columns:
        unit, meaning = meanings[column]
        about[column] = {"Description": meaning, "Units": "1" if unit == "0..1" else unit}
    sidecar.write_text(json.dumps(about, indent=1, ensure_ascii=False), encoding="utf-8")
    return [table, sidecar]


def _number(value: float) -> str:
    return f"{value:.6g}" if np.isfinite(value) else "n/a"


def _tsv(rows: Sequence[Sequence[str]]) -> str:
    text = io.StringIO()
    csv.writer(text, delimiter="\t", lineterminator="\n").writerows(rows)
    return text.getvalue()


def _cell(value: Any) -> str:
    return safe_text(value).replace("\t", " ").replace('"', "'") or "n/a"


def _label(value: Any) -> str:
    """Return a BIDS label, letters and digits only; a text that loses others gets a hash, so that `P-1` is not `P1`."""
    text = str(value or "")
    plain = _plain(text)
    return (
        plain
        if plain == text
        else f"{plain}x{hashlib.sha256(text.encode('utf-8', 'replace')).hexdigest()[:6]}"
    )


def _plain(value: Any) -> str:
    return re.sub(r"[^A-Za-z0-9]", "", str(value or ""))[:40]
