"""Rows of a session as people corrected them, and arrays of one face."""

from __future__ import annotations

import unicodedata
from dataclasses import replace
from typing import Any

import numpy as np
import numpy.typing as npt

from engines.card import EMOTIONS
from faceapp.session.annotation_faces import load_face_edits
from faceapp.session.reader import Session, read_frames

Doubles = npt.NDArray[np.float64]
Bools = npt.NDArray[np.bool_]


def with_face_edits(session: Session) -> Session:
    """Return the session with merged faces under one id and without excluded ones.

    Raises:
        SessionError: The file of corrections is damaged.
    """
    import pyarrow as pa

    edits = load_face_edits(session.folder)
    if not (edits.merged or edits.excluded) or not session.table.num_rows:
        return session
    persons = edits.persons(session.table.column("face_id").to_numpy())
    position = session.table.column_names.index("face_id")
    table = session.table.set_column(position, "face_id", pa.array(persons, pa.int32()))
    excluded = {edits.person_of(face) for face in edits.excluded}
    return replace(session, table=table.filter(~np.isin(persons, list(excluded))))


def face_names(session: Session) -> dict[int, str]:
    """Return the name of every face of the table: given by people, or "face N"."""
    edits = load_face_edits(session.folder)
    return {face: edits.name_of(face) for face in face_ids(session)}


def face_ids(session: Session) -> list[int]:
    """Return the ids of the table in rising order."""
    return [int(face) for face in np.unique(session.column("face_id"))]


def emotion_columns(session: Session) -> Doubles:
    """Return the smoothed probabilities, (N, 8) float64 in the order of `EMOTIONS`; NaN where none were given."""
    return np.stack([session.column(f"p_{name}") for name in EMOTIONS], axis=1)


def abstained(session: Session) -> Bools:
    """Return for every row whether the program abstained: too little of the face to see, no value at all."""
    from faceapp.session.table import PREDICTION_COLUMNS

    values = np.stack([session.column(name) for name in PREDICTION_COLUMNS], axis=1)
    result: Bools = ~np.isfinite(values).any(axis=1)
    return result


def analysed_times(session: Session) -> Doubles:
    """Return the times of all analysed frames in rising order, also of those without a face.

    Sessions of version 0.1.0 know only those with a face.
    """
    frames = read_frames(session.folder)
    if not frames.num_rows:
        return np.unique(session.column("time_s"))
    times_s: Doubles = frames.filter(frames["analysed"])["time_s"].to_numpy()
    return times_s


def texts(session: Session, name: str) -> list[str]:
    """Return a column of texts; a missing one is empty."""
    return [value or "" for value in session.table.column(name).to_pylist()]


def safe_text(value: Any) -> str:
    """Return a text for a cell of a table that no spreadsheet takes for a formula.

    A text that begins with =, +, -, @, their full-width forms, a tab or a line break gets an apostrophe in front, whatever
    spaces and invisible characters stand before; line breaks become spaces.
    """
    text = "" if value is None else str(value)
    begins = next((letter for letter in text if letter in "\t\r\n" or not _is_invisible(letter)), "")
    dangerous = unicodedata.normalize("NFKC", begins) in ("=", "+", "-", "@", "\t", "\r", "\n", "−")
    return " ".join(f"'{text}".splitlines()) if dangerous else " ".join(text.splitlines())


def _is_invisible(letter: str) -> bool:
    """Return whether spreadsheets pass over a character at the beginning of a cell: spaces, format and control characters."""
    return letter.isspace() or unicodedata.category(letter) in ("Cf", "Cc", "Cs")


def safe_name(text: str, otherwise: str) -> str:
    """Return a part of a file name made of letters, digits, "-" and "_" only, at most 60 long."""
    kept = "".join(letter if letter.isalnum() or letter in "-_" else "-" for letter in text)
    return kept.strip("-")[:60] or otherwise
