"""A BIDS folder: marks as events, every face's values as a physiological recording at a regular rate."""

from __future__ import annotations

import csv
import gzip
import io
import json
import re
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from faceapp.session.column_meanings import column_meanings
from faceapp.session.face_rows import face_names, safe_text
from faceapp.session.reader import Session
from faceapp.session.regular import RegularColumns, regular_columns, usual_rate_hz
from faceapp.session.table import PREDICTION_COLUMNS

ABOUT = "BIDS: behavioural events and physio, resampled to a regular rate"
_COLUMNS = (*PREDICTION_COLUMNS, "yaw_deg", "pitch_deg", "roll_deg", "score")


def available() -> str:
    """Return why it can't be written; empty: it can."""
    return ""


def write(session: Session, folder: Path) -> list[Path]:
    """Write a data set of one subject under `bids`."""
    root = folder / "bids"
    subject = _label(session.metadata.get("participant"), "01")
    visit = _label(session.metadata.get("session"), "01")
    place = root / f"sub-{subject}" / f"ses-{visit}" / "beh"
    place.mkdir(parents=True)
    stem = f"sub-{subject}_ses-{visit}_task-{_label(session.metadata.get('condition'), 'faces')}"
    paths = [*_data_set(root, subject), *_events(session, place / f"{stem}_events")]
    made = regular_columns(session, _COLUMNS, usual_rate_hz(session))
    names = face_names(session)
    for face in made.faces:
        paths += _physio(made, face, names[face], place / f"{stem}_recording-face{face}_physio")
    return paths


def _data_set(root: Path, subject: str) -> list[Path]:
    description = {"Name": "faceapp session", "BIDSVersion": "1.9.0", "DatasetType": "raw"}
    readme = "Values are estimates of appearance by a network, not of what a person feels or is.\n"
    contents = {
        "dataset_description.json": json.dumps(description, indent=1),
        "participants.tsv": f"participant_id\nsub-{subject}\n",
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


def _physio(made: RegularColumns, face: int, name: str, stem: Path) -> list[Path]:
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


def _label(value: Any, otherwise: str) -> str:
    """Return a BIDS label: letters and digits only."""
    return re.sub(r"[^A-Za-z0-9]", "", str(value or ""))[:40] or otherwise
