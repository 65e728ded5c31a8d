"""`events.jsonl`: marks that people or programs put on a session, one JSON object a line.

The file is a journal for all annotators together. A line with the id of an earlier one replaces it and a line with
`removed` takes it back, so that nothing written is ever rewritten: a kill costs the last line at most, every change
stays traceable, an author's name never becomes a file name, and two copies that were annotated apart are joined by
appending one to the other.
"""

from __future__ import annotations

import json
import math
import os
import uuid
from collections.abc import Iterable, Mapping
from contextlib import suppress
from dataclasses import asdict, dataclass, field, replace
from datetime import datetime, timezone
from pathlib import Path
from typing import Any

from engines.json_text import parse_json
from engines.whole_file import file_mode
from faceapp.errors import SessionError
from faceapp.session.clock import utc_text
from faceapp.session.metadata import folder_error
from faceapp.session.own_files import open_own
from faceapp.session.sealing import cut_incomplete_row

EVENTS_FILE = "events.jsonl"
KINDS = ("marker", "exclude", "note")
"""What marks are for: coding, leaving a stretch out, a remark. Programs may use kinds of their own."""


class EventOrderError(SessionError):
    """A mark ends before it starts."""


@dataclass(frozen=True, slots=True)
class Event:
    """One mark on the session's clock.

    Attributes:
        start: Seconds.
        end: Seconds, not before `start`; equal for a moment.
        kind: What sort of mark ("marker", "exclude", "note").
        label: Short text shown on the timeline.
        face: Id of the face it is about, or None for the whole picture.
        note: Free text.
        author: Who set it.
        id: Tells it from other marks of the session; empty before it is stored.
    """

    start: float
    end: float
    kind: str = "marker"
    label: str = ""
    face: int | None = None
    note: str = ""
    author: str = ""
    id: str = field(default="", compare=False)

    def __post_init__(self) -> None:
        for name in ("start", "end"):
            value = getattr(self, name)
            if not isinstance(value, int | float) or isinstance(value, bool) or not math.isfinite(value):
                raise SessionError(f"event.{name}: expected seconds, found {value!r}")
        if self.end < self.start:
            raise EventOrderError(
                f"event: expected an end not before its start, found {self.start} to {self.end}"
            )
        if self.face is not None and (not isinstance(self.face, int) or isinstance(self.face, bool)):
            raise SessionError(f"event.face: expected the id of a face or nothing, found {self.face!r}")
        for name in ("kind", "label", "note", "author", "id"):
            if not isinstance(getattr(self, name), str):
                raise SessionError(f"event.{name}: expected a text, found {getattr(self, name)!r}")

    @property
    def is_point(self) -> bool:
        """Whether it marks a moment and not a stretch."""
        return self.start == self.end


def mark_text(event: Event, ending: str = "") -> str:
    """Return a mark as one line for streams of Lab Streaming Layer, live and recorded.

    Args:
        event: The mark.
        ending: "_start" or "_end" of a stretch.
    """
    text = f"{event.label or event.kind}{ending}"
    text = f"{text}: {event.note}" if event.note else text
    about = "" if event.face is None else f" [face {event.face}]"
    return " ".join(f"{text}{about}".split())


def new_event_id() -> str:
    """Return an id that no other mark has, also in another copy of the session."""
    return uuid.uuid4().hex[:12]


def append_event(folder: Path, event: Event) -> Event:
    """Add one mark to a session, or replace the one with its id, also while it is being recorded.

    Returns:
        The mark as stored, with its id.

    Raises:
        SessionError: The file can't be written.
    """
    stored = event if event.id else replace(event, id=new_event_id())
    append_changes(folder, {stored.id: stored})
    return stored


def append_changes(folder: Path, changes: Mapping[str, Event | None]) -> None:
    """Write marks that are new or changed, and ids of marks that are taken back, in one go.

    Args:
        folder: The session folder.
        changes: Id -> the mark, or None when it is removed.

    Raises:
        SessionError: The file can't be written; what it held before stays.
    """
    now = utc_text(datetime.now(timezone.utc))
    records = [
        {"id": key, "removed": True} if event is None else {**asdict(event), "id": key}
        for key, event in changes.items()
    ]
    text = "".join(json.dumps({**record, "saved_utc": now}, ensure_ascii=False) + "\n" for record in records)
    path = folder / EVENTS_FILE
    try:
        end_last_line(path)
        _append(path, text.encode("utf-8"))
    except OSError as error:
        raise folder_error(folder, error) from error


def _append(path: Path, content: bytes) -> None:
    """Append all of it or nothing, and wait for the disk; a link of that name is not followed."""
    flags = os.O_RDWR | os.O_CREAT | getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_BINARY", 0)
    handle = os.open(path, flags, file_mode(path.parent))
    try:
        length = os.lseek(handle, 0, os.SEEK_END)
        try:
            _write_all(handle, content)
            os.fsync(handle)
        except OSError:
            with suppress(OSError):
                os.ftruncate(handle, length)
            raise
    finally:
        os.close(handle)


def _write_all(handle: int, content: bytes) -> None:
    """Write on after short writes, which a disk that fills up makes, until all is there or the disk refuses."""
    rest = memoryview(content)
    while rest:
        rest = rest[os.write(handle, rest) :]


@dataclass(frozen=True, slots=True)
class Line:
    """What the journal says last about one mark.

    Attributes:
        number: Of the line, from 1.
        event: The mark; None where it is removed, or ends before it starts.
        problem: One line about a mark that ends before it starts; else empty.
    """

    number: int
    event: Event | None
    problem: str = ""


def read_events(folder: Path) -> tuple[Event, ...]:
    """Return the marks of a session ordered by start; what ends before it starts is left out.

    Raises:
        SessionError: As `read_lines`.
    """
    return in_order(line.event for line in read_lines(folder).values() if line.event is not None)


def read_lines(folder: Path) -> dict[str, Line]:
    """Return what the journal says last about every mark, by id; an incomplete last line is left out.

    Raises:
        SessionError: The file can't be read. A line that is no event is left out, with the problem that names it.
    """
    path = folder / EVENTS_FILE
    try:
        text = path.read_text(encoding="utf-8", errors="replace")
    except FileNotFoundError:
        return {}
    except OSError as error:
        raise SessionError(f"{path}: expected a file that can be read, found: {error.strerror}") from error
    lines: dict[str, Line] = {}
    *whole, last = text.split("\n")
    if _is_whole(last):
        whole.append(last)
    for number, line in enumerate(whole, 1):
        if line.strip():
            lines |= _change(path, number, line)
    return lines


def in_order(events: Iterable[Event]) -> tuple[Event, ...]:
    """Return marks ordered by start, then by end."""
    return tuple(sorted(events, key=lambda event: (event.start, event.end)))


def outside_problem(event: Event, span_s: tuple[float, float]) -> str:
    """Return the one line about a mark that does not lie in its session; empty when it does.

    Args:
        event: The mark.
        span_s: First and last time of the session in seconds.
    """
    first_s, last_s = span_s
    if first_s <= event.start and event.end <= last_s:
        return ""
    found = f"{event.start:.3f} s" if event.is_point else f"{event.start:.3f} to {event.end:.3f} s"
    name = f" ({event.label})" if event.label else ""
    return (
        f"annotation{name}: expected a time within the session, {first_s:.3f} to {last_s:.3f} s, found {found}; "
        "correct the time"
    )


def _change(path: Path, number: int, line: str) -> dict[str, Line]:
    """Return what one line says: a mark, or that one is removed; lines of old sessions have no id."""
    try:
        content: Any = parse_json(line)
        key = str(content.setdefault("id", f"line-{number}"))
        content.pop("saved_utc", None)
        if content.pop("removed", False):
            return {key: Line(number, None)}
        return {key: Line(number, Event(**content))}
    except EventOrderError as error:
        return {
            key: Line(number, None, f"{path.name}, line {number}: {error}; it is left out, correct the line")
        }
    except (ValueError, TypeError, AttributeError, SessionError) as error:
        problem = (
            f"{path.name}, line {number}: expected an event, found {line[:60]!r} ({error}); "
            "it is left out, correct the line"
        )
        return {f"line-{number}": Line(number, None, problem)}


def end_last_line(path: Path, write: bool = True) -> str:
    """End the last line, or cut off the half line of a killed program, so that the next one does not grow together with it.

    Args:
        path: The journal.
        write: False only says what would be done.

    Returns:
        What was done, for people; empty where nothing was to do.

    Raises:
        OSError: It can't be read or written.
        SessionError: It can't be shortened.
    """
    if not path.exists() or not path.stat().st_size:
        return ""
    with open_own(path, "rb") as stream:
        stream.seek(-1, os.SEEK_END)
        ended = stream.read(1) == b"\n"
    if ended:
        return ""
    last = path.read_text(encoding="utf-8", errors="replace").rpartition("\n")[2]
    if not _is_whole(last):
        return f"an incomplete last line of {cut_incomplete_row(path, cut=write)} bytes was cut off"
    if write:  # written by another program or an editor
        _append(path, b"\n")
    return "the last line got its line end"


def _is_whole(line: str) -> bool:
    """Return whether the last line of a journal, which no line end follows, holds a whole record."""
    try:
        return isinstance(parse_json(line), dict)
    except ValueError:
        return False
