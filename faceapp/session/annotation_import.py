"""Marks from other programs: CSV (also BIDS events and BORIS-like tables) and ELAN (.eaf)."""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Callable, Collection, Iterable, Iterator
from dataclasses import replace
from pathlib import Path

from faceapp.errors import SessionError
from faceapp.session.annotation_elan import read_elan
from faceapp.session.annotation_states import StateRow, paired
from faceapp.session.annotations import KINDS, Event, outside_problem

LARGEST_BYTES = 64 << 20
_MOST_FACES_TOLD = 8
_MOST_LINES_BEFORE = 40
_COLUMNS = {
    "start": (
        *("start", "start_s", "onset", "time", "time_s", "begin", "begin time", "start (s)"),
        *("begin time - ss.msec", "begin time - hh:mm:ss.ms"),
    ),
    "end": (
        "end",
        "end_s",
        "offset",
        "stop",
        "stop (s)",
        "end time",
        "end (s)",
        "end time - ss.msec",
        "end time - hh:mm:ss.ms",
    ),
    "duration": ("duration", "duration_s", "duration (s)", "duration - ss.msec", "duration - hh:mm:ss.ms"),
    "label": ("label", "trial_type", "value", "annotation", "behavior", "behaviour", "code", "event"),
    "kind": ("kind",),
    "face": ("face", "face_id"),
    "note": ("note", "notes", "comment", "text"),
    "state": ("behavior type", "behaviour type", "status"),
    "subject": ("subject",),
    "author": ("author", "annotator", "coder", "observer"),
}
"""What a mark needs -> names under which tables have it, in small letters."""


def import_events(
    path: Path, author: str, span_s: tuple[float, float], faces: Collection[int]
) -> tuple[Event, ...]:
    """Read the marks of a file; nothing is taken when one can't be.

    Args:
        path: A table (.csv, .tsv, .txt) or an ELAN file (.eaf).
        author: Author of marks that name none.
        span_s: First and last time of the session in seconds.
        faces: Ids of the session's faces.

    Returns:
        The marks, ordered as in the file.

    Raises:
        SessionError: The file can't be read, is malformed, or a mark lies outside the session or is about another face.
    """
    data = _content(path)
    read = read_elan if path.suffix.lower() == ".eaf" else read_table_events
    events = tuple(read(data, path.name))
    if not events:
        raise SessionError(f"{path.name}: expected annotations, found none; choose another file")
    problems = [
        problem
        for event in events
        if (problem := outside_problem(event, span_s) or _face_problem(event, faces))
    ]
    if problems:
        more = f" (and {len(problems) - 1} more)" if len(problems) > 1 else ""
        raise SessionError(f"{path.name}: {problems[0]}{more}")
    return tuple(event if event.author else replace(event, author=author) for event in events)


def read_table_events(data: bytes, name: str) -> list[Event]:
    """Read marks from a table with a header; times in seconds or as hours:minutes:seconds.

    Args:
        data: Content of the file.
        name: Its name, for errors.

    Raises:
        SessionError: No header with a start, or a row that is no mark; the text names the line.
    """
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise SessionError(
            f"{name}: expected text in UTF-8, found byte {error.start}; save it as UTF-8"
        ) from error
    if "\0" in text:
        raise SessionError(f"{name}: expected a table, found a binary file; choose another file")
    head = text.partition("\n")[0]
    rows = csv.reader(io.StringIO(text), delimiter=max(",;\t", key=head.count), strict=True)
    try:
        places = _places(_header(rows), name)
        events = [
            (row, rows.line_num, _event(row, places, name, rows.line_num))
            for row in rows
            if any(cell.strip() for cell in row)
        ]
    except csv.Error as error:
        raise SessionError(f"{name}, line {rows.line_num}: expected a table, found {error}") from error
    if "state" not in places:
        return [event for _, _, event in events]
    return paired(
        StateRow(event, _cell(row, places, "state"), _cell(row, places, "subject"), f"{name}, line {line}")
        for row, line, event in events
    )


def _header(rows: Iterator[list[str]]) -> list[str]:
    """Return the first row, or the one further down that names a start: BORIS 6 tells about the observation before."""
    first: list[str] | None = None
    for _, row in zip(range(_MOST_LINES_BEFORE), rows, strict=False):
        cells = [cell.strip().lower() for cell in row]
        first = cells if first is None else first
        if any(name in cells for name in _COLUMNS["start"]):
            return cells
    return first or []


def _cell(row: list[str], places: dict[str, int], field: str) -> str:
    place = places.get(field, len(row))
    return row[place].strip() if place < len(row) else ""


def _face_problem(event: Event, faces: Collection[int]) -> str:
    """Return the one line about a mark of a face that the session lacks; empty when it has it."""
    if event.face is None or event.face in faces:
        return ""
    known = ", ".join(map(str, sorted(faces)[:_MOST_FACES_TOLD])) or "none"
    more = ", ..." if len(faces) > _MOST_FACES_TOLD else ""
    name = f" ({event.label})" if event.label else ""
    return (
        f"annotation{name} at {event.start:.3f} s: expected a face of the session ({known}{more}), found {event.face}; "
        "correct the face, or leave it empty"
    )


def _content(path: Path) -> bytes:
    try:
        size_bytes = path.stat().st_size
        if size_bytes > LARGEST_BYTES:
            raise SessionError(
                f"{path.name}: expected at most {LARGEST_BYTES >> 20} MiB of annotations, "
                f"found {size_bytes >> 20} MiB; choose another file"
            )
        return path.read_bytes()
    except OSError as error:
        raise SessionError(
            f"{path}: expected a file of annotations, found none ({error.strerror}); check the path"
        ) from error


def _places(header: list[str], name: str) -> dict[str, int]:
    """Return which column holds what."""
    places = {
        field: header.index(known)
        for field, names in _COLUMNS.items()
        if (known := next((each for each in names if each in header), None)) is not None
    }
    if "start" not in places:
        found = ", ".join(header)[:80] or "nothing"
        raise SessionError(
            f"{name}: expected a first line with start (or onset) and label, found {found!r}; add a header"
        )
    return places


def _event(row: list[str], places: dict[str, int], name: str, line: int) -> Event:
    cells = {field: row[place].strip() if place < len(row) else "" for field, place in places.items()}
    where = f"{name}, line {line}"
    start = _number(cells["start"], seconds_of, "a start in seconds", where)
    end = start
    if cells.get("end"):
        end = _number(cells["end"], seconds_of, "an end in seconds", where)
    elif cells.get("duration", "n/a").lower() not in ("", "n/a"):
        end = start + _number(cells["duration"], seconds_of, "a duration in seconds", where)
    face = re.sub(r"^face\s+", "", cells.get("face", ""), flags=re.IGNORECASE)
    face_id = (
        None
        if face.lower() in ("", "n/a", "all")
        else int(_number(face, _face_id, "the id of a face", where))
    )
    kind = cells.get("kind") or "marker"
    texts = {field: cells.get(field, "") for field in ("label", "note", "author")}
    try:
        return Event(start, end, kind.lower() if kind.lower() in KINDS else kind, face=face_id, **texts)
    except SessionError as error:
        raise SessionError(f"{where}: {error}") from error


def _number(text: str, kind: Callable[[str], float], what: str, where: str) -> float:
    try:
        return kind(text)
    except ValueError as error:
        raise SessionError(f"{where}: expected {what}, found {text[:40]!r}; correct it") from error


def _face_id(text: str) -> int:
    if not re.fullmatch(r"\d{1,9}", text):
        raise ValueError(f"expected the id of a face, found {text!r}")
    return int(text)


def seconds_of(text: str) -> float:
    """Return seconds from "12.5", "1:02.5" or "1:00:02.5"; a comma counts as a point.

    Raises:
        ValueError: It is no time.
    """
    parts = [float(part) for part in text.replace(",", ".").split(":")]
    if len(parts) > 3 or (len(parts) > 1 and any(part < 0 for part in parts)):
        raise ValueError(f"expected a time, found {text!r}")
    return _weigh(parts)


def _weigh(parts: Iterable[float]) -> float:
    total = 0.0
    for part in parts:
        total = total * 60 + part
    return total
