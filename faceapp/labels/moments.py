"""From marks to moments: when, on which face, and whether the label is shown."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from faceapp.errors import SessionError
from faceapp.session.annotations import Event
from faceapp.session.face_rows import with_face_edits
from faceapp.session.fitting_marks import CUT, LEFT_OUT
from faceapp.session.reader import Session

POINT_S = 0.2
"""A mark of a moment stands for what is within so many seconds of it."""
AWAY_S = 1.0
"""Everything else begins so far from the marks: people mark late, and expressions come and go slowly."""
BLOCK_S = 10.0
"""What lies in the same stretch of so many seconds is never both learned from and asked about."""
ROWS_A_MOMENT = 4
_RANGE_PIECE_S = 2.0
_PIECES_A_RANGE = 10
_ELSE_A_MARK, _ELSE_LEAST, _ELSE_MOST = 2, 40, 240
FEWEST_MARKS = 6
"""Fewer marks of a class can't be judged: a fold needs one to be asked about and some to learn from."""


@dataclass(frozen=True, slots=True)
class Moment:
    """A short while of one face.

    Attributes:
        session: Position of its session among those given.
        face: Id in the stored table.
        rows: Positions in the session's table.
        time_s: Middle, on the session's clock.
        shows: Whether it shows the label.
    """

    session: int
    face: int
    rows: tuple[int, ...]
    time_s: float
    shows: bool


def session_moments(session: Session, number: int, label: str, contrast: str | None) -> list[Moment]:
    """Return the moments of one session, of the label and of what it is told from.

    Args:
        session: The session.
        number: Its position among those given.
        label: Label of the marks to learn.
        contrast: Label of the marks to tell it from; None: everything at least 1 s away from the label's marks.

    Raises:
        SessionError: A mark lies outside the session, has no face, or contradicts another one.
    """
    wanted = {label} if contrast is None else {label, contrast}
    if outside := [line for line in session.problems if any(f"({name})" in line for name in wanted)]:
        problem = outside[0].removesuffix(f"; {LEFT_OUT}").removesuffix(f"; {CUT}")
        raise SessionError(f"{session.folder}: {problem}")
    session = with_face_edits(session)
    rows = _Rows(session)
    marks = [event for event in session.events if event.label in wanted and event.kind == "marker"]
    _require_one_face(session, marks, rows)
    excluded = [event for event in session.events if event.kind == "exclude"]
    rows.leave_out(excluded)
    moments = [
        moment for event in marks for moment in rows.of_mark(event, number, shows=event.label == label)
    ]
    if contrast is None:
        moments += rows.elsewhere([event for event in marks if event.label == label], number)
    return moments


def blocks_of(moments: Sequence[Moment]) -> npt.NDArray[np.int64]:
    """Return each moment's block, int64 (N,): same session and same 10 s."""
    keys = [(moment.session, int(moment.time_s // BLOCK_S)) for moment in moments]
    places = {key: place for place, key in enumerate(sorted(set(keys)))}
    return np.array([places[key] for key in keys], np.int64)


class _Rows:
    """The table of a session by time and face."""

    def __init__(self, session: Session) -> None:
        self._folder = session.folder
        self.times_s = session.column("time_s")
        self.faces = session.column("face_id").astype(int)
        self._usable = np.isfinite(session.column("x0_px"))
        model = np.array([bool(value) for value in session.table.column("model").to_pylist()], bool)
        self._usable &= model if len(model) else True

    def leave_out(self, events: Sequence[Event]) -> None:
        for event in events:
            inside = (self.times_s >= event.start) & (self.times_s <= event.end)
            self._usable &= ~(inside if event.face is None else inside & (self.faces == event.face))

    def faces_in(self, event: Event) -> list[int]:
        """Return the faces that a mark may be about."""
        start, end = _span(event)
        inside = (self.times_s >= start) & (self.times_s <= end)
        return [int(face) for face in np.unique(self.faces[inside])]

    def of_mark(self, event: Event, session: int, *, shows: bool) -> list[Moment]:
        """Return a mark's moments: one for a point, one for every two seconds of a range."""
        found = self.faces_in(event)
        face = event.face if event.face is not None else (found[0] if found else -1)
        start, end = _span(event)
        pieces = 1 if event.is_point else min(_PIECES_A_RANGE, max(1, round((end - start) / _RANGE_PIECE_S)))
        edges = np.linspace(start, end, pieces + 1)
        moments = [
            self._moment(session, face, edges[place], edges[place + 1], shows) for place in range(pieces)
        ]
        if not any(moments):
            raise SessionError(
                f"{self._folder}: expected a face that can be read at the mark {event.label!r} at {event.start:.3f} s, "
                "found none; move or remove the mark"
            )
        return [moment for moment in moments if moment is not None]

    def elsewhere(self, marks: Sequence[Event], session: int) -> list[Moment]:
        """Return moments spread evenly over what is away from all marks, of the faces that have marks."""
        faces = {
            face
            for event in marks
            for face in ([event.face] if event.face is not None else self.faces_in(event))
        }
        free = self._usable & np.isin(self.faces, list(faces))
        for event in marks:
            start, end = _span(event)
            free &= ~((self.times_s >= start - AWAY_S) & (self.times_s <= end + AWAY_S))
        places = np.flatnonzero(free)
        wanted = min(max(_ELSE_LEAST, _ELSE_A_MARK * len(marks)), _ELSE_MOST, len(places))
        chosen = places[np.linspace(0, len(places) - 1, wanted).astype(int)] if wanted else places[:0]
        return [
            Moment(session, int(self.faces[row]), (int(row),), float(self.times_s[row]), False)
            for row in chosen
        ]

    def _moment(self, session: int, face: int, start: float, end: float, shows: bool) -> Moment | None:
        inside = self._usable & (self.faces == face) & (self.times_s >= start) & (self.times_s <= end)
        rows = np.flatnonzero(inside)
        if not len(rows):
            return None
        rows = rows[np.unique(np.linspace(0, len(rows) - 1, min(ROWS_A_MOMENT, len(rows))).astype(int))]
        return Moment(session, face, tuple(int(row) for row in rows), float(self.times_s[rows].mean()), shows)


def _span(event: Event) -> tuple[float, float]:
    return (event.start - POINT_S, event.end + POINT_S) if event.is_point else (event.start, event.end)


def _require_one_face(session: Session, marks: Sequence[Event], rows: _Rows) -> None:
    """Refuse marks that don't say whose face they are about, and those that contradict each other."""
    for event in marks:
        found = rows.faces_in(event)
        if event.face is None and len(found) > 1:
            raise SessionError(
                f"{session.folder}: expected the mark {event.label!r} at {event.start:.3f} s on one face, found "
                f"{len(found)} faces there; choose its face"
            )
    for place, event in enumerate(marks):
        for other in marks[place + 1 :]:
            _require_apart(session, event, other)


def _require_apart(session: Session, event: Event, other: Event) -> None:
    start, end = _span(other)
    if not (_span(event)[0] <= end and start <= _span(event)[1]):
        return
    both = {event.face, other.face}
    at = max(event.start, other.start)
    if event.label == other.label and len(both) == 2 and None not in both:
        raise SessionError(
            f"{session.folder}: expected {event.label!r} on one face at a time, found it on faces {event.face} and "
            f"{other.face} at {at:.3f} s; keep the mark of one"
        )
    if event.label != other.label and (len(both) == 1 or None in both):
        raise SessionError(
            f"{session.folder}: expected one label at a time, found {event.label!r} and {other.label!r} on one face at "
            f"{at:.3f} s; keep one mark"
        )
