"""Rows that say START and STOP, as BORIS writes stretches, paired into stretches."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace

from faceapp.errors import SessionError
from faceapp.session.annotations import Event

_STARTS, _STOPS, _POINTS = ("start", "state start"), ("stop", "state stop"), ("point", "")


@dataclass(frozen=True, slots=True)
class StateRow:
    """One row of a table.

    Attributes:
        event: The mark, a moment.
        state: What the row says of it: "START", "STOP" or "POINT".
        subject: Who it is about; stretches of different subjects may overlap.
        where: File and line, for errors.
    """

    event: Event
    state: str
    subject: str
    where: str


def paired(rows: Iterable[StateRow]) -> list[Event]:
    """Return the marks in the order of their rows, a stretch where its START stands.

    Raises:
        SessionError: A START without STOP, a STOP without START, or another word; the text names the line.
    """
    events: dict[int, Event] = {}
    open_rows: dict[tuple[str, str], tuple[int, StateRow]] = {}
    for number, row in enumerate(rows):
        state, key = row.state.strip().lower(), (row.subject, row.event.label)
        if state in _POINTS:
            events[number] = row.event
        elif state in _STARTS:
            if key in open_rows:
                raise SessionError(
                    f"{row.where}: expected STOP of {row.event.label!r} first, found another START"
                )
            open_rows[key] = number, row
        elif state in _STOPS:
            if key not in open_rows:
                raise SessionError(
                    f"{row.where}: expected START of {row.event.label!r} before, found STOP alone"
                )
            began, start = open_rows.pop(key)
            note = " ".join(dict.fromkeys(part for part in (start.event.note, row.event.note) if part))
            events[began] = replace(start.event, end=row.event.end, note=note)
        else:
            raise SessionError(
                f"{row.where}: expected START, STOP or POINT, found {row.state[:40]!r}; correct it"
            )
    for _, row in open_rows.values():
        raise SessionError(f"{row.where}: expected STOP of {row.event.label!r} after it, found none; add it")
    return [events[number] for number in sorted(events)]
