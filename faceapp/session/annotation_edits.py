"""Annotating a session: marks are added, changed and taken back, every step can be undone and is stored at once."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Mapping
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

from faceapp.errors import SessionError
from faceapp.session.annotation_scheme import Code
from faceapp.session.annotations import (
    Event,
    append_changes,
    in_order,
    new_event_id,
    outside_problem,
)
from faceapp.session.undo import Step, Steps

Changes = Mapping[str, Event | None]


class Annotations:
    """The marks of one session.

    Args:
        folder: The session folder.
        events: Its marks so far.
        span_s: First and last time of the session; marks outside are refused. While it is recorded the end is open.
        write: Stores changes; None appends them to the session's journal at once. It may raise SessionError: the
            change is then not made.

    Attributes:
        span_s: As above.
        write: As above; may be replaced when a recording ends.
        steps: What was done, for `undo`; corrections of the session's faces are kept there too.
    """

    def __init__(
        self,
        folder: Path,
        events: Iterable[Event] = (),
        span_s: tuple[float, float] = (0.0, math.inf),
        write: Callable[[Changes], None] | None = None,
    ) -> None:
        self.span_s = span_s
        self.write = write or partial(append_changes, folder)
        named = (event if event.id else replace(event, id=new_event_id()) for event in events)
        self._events = {event.id: event for event in named}
        self._in_order: tuple[Event, ...] | None = None
        self._places = {key: place for place, key in enumerate(self._events)}
        self.steps = Steps()
        self._open: dict[tuple[str, str, int | None], str] = {}

    @property
    def events(self) -> tuple[Event, ...]:
        """All marks, ordered by start."""
        if self._in_order is None:
            events = sorted(self._events.values(), key=lambda event: self._places[event.id])
            self._in_order = in_order(
                events
            )  # of one time: as they were made, also after a removal was undone
        return self._in_order

    @property
    def authors(self) -> tuple[str, ...]:
        """Everyone who set a mark, ordered by name."""
        return tuple(sorted({event.author for event in self._events.values()}))

    def get(self, event_id: str) -> Event | None:
        """Return one mark, or None when there is none of this id."""
        return self._events.get(event_id)

    def add(self, event: Event) -> Event:
        """Add one mark and return it with its id.

        Raises:
            SessionError: It lies outside the session, or can't be stored.
        """
        (stored,) = self.add_all([event], f"add {describe(event)}")
        return stored

    def add_all(self, events: Iterable[Event], text: str) -> tuple[Event, ...]:
        """Add several marks as one step, all or none.

        Raises:
            SessionError: One lies outside the session, or they can't be stored.
        """
        stored = {key: replace(event, id=key) for event in events if (key := event.id or new_event_id())}
        for event in stored.values():
            self._check(event)
        if stored:
            self._do(text, dict.fromkeys(stored), stored)
        return tuple(stored.values())

    def change(self, event_id: str, **values: Any) -> Event:
        """Change fields of one mark and return it.

        Raises:
            SessionError: No such mark, a wrong value, outside the session, or it can't be stored.
        """
        before = self._known(event_id)
        after = replace(before, **values)
        self._check(after)
        if after != before:
            self._do(f"change {describe(before)}", {event_id: before}, {event_id: after})
        return after

    def remove(self, event_id: str) -> None:
        """Take one mark away.

        Raises:
            SessionError: No such mark, or it can't be stored.
        """
        before = self._known(event_id)
        self._do(f"remove {describe(before)}", {event_id: before}, {event_id: None})

    def press(self, code: Code, time_s: float, author: str, face: int | None = None, note: str = "") -> Event:
        """Do what a code's key asks for: mark a moment, begin a stretch, or end the one that runs.

        A stretch is stored when it begins, so that a killed program keeps at least its start.

        Args:
            code: The code.
            time_s: When.
            author: Who.
            face: The face it is about, or None for all.
            note: Free text.

        Raises:
            SessionError: The time lies outside the session, or it can't be stored.
        """
        place = (author, code.label, face)
        running = self._open.get(place)
        begun = None if running is None else self.get(running)
        if begun is not None:
            return self._end(place, begun, time_s)
        event = self.add(Event(time_s, time_s, code.kind, code.label, face, note, author))
        if code.shape == "range":
            self._open[place] = event.id
        return event

    def running(self, author: str) -> tuple[Event, ...]:
        """Return the stretches of an author that were begun and not ended."""
        found = (self.get(key) for (name, _, _), key in self._open.items() if name == author)
        return tuple(event for event in found if event is not None)

    def end_all(self, time_s: float) -> None:
        """End every stretch that runs, as at the end of a recording.

        Raises:
            SessionError: It can't be stored.
        """
        for key in list(self._open.values()):
            event = self.get(key)
            if event is not None and event.end < time_s:
                self.change(key, end=time_s)
        self._open.clear()

    @property
    def undo_text(self) -> str:
        """What `undo` would take back; empty when there is nothing."""
        return self.steps.undo_text

    @property
    def redo_text(self) -> str:
        """What `redo` would do again; empty when there is nothing."""
        return self.steps.redo_text

    def undo(self) -> str:
        """Take the last step back and return what it was; "" when there is none.

        Raises:
            SessionError: It can't be stored; nothing changes then.
        """
        return self.steps.undo()

    def redo(self) -> str:
        """Do the last undone step again and return what it was; "" when there is none.

        Raises:
            SessionError: It can't be stored; nothing changes then.
        """
        return self.steps.redo()

    def _end(self, place: tuple[str, str, int | None], begun: Event, time_s: float) -> Event:
        """End a stretch; it runs on when that is taken back, or refused."""
        start, end = sorted((begun.start, time_s))
        ended = replace(begun, start=start, end=end)
        self._check(ended)

        def do() -> None:
            self._apply({begun.id: ended})
            self._open.pop(place, None)

        def undo() -> None:
            self._apply({begun.id: begun})
            self._open[place] = begun.id

        self.steps.take(Step(f"change {describe(begun)}", do, undo))
        return ended

    def _do(self, text: str, before: Changes, after: Changes) -> None:
        self.steps.take(Step(text, partial(self._apply, after), partial(self._apply, before)))

    def _apply(self, changes: Changes) -> None:
        self.write(changes)
        self._in_order = None
        for key, event in changes.items():
            self._places.setdefault(key, len(self._places))
            if event is None:
                self._events.pop(key, None)
            else:
                self._events[key] = event
        self._open = {place: key for place, key in self._open.items() if key in self._events}

    def _known(self, event_id: str) -> Event:
        event = self.get(event_id)
        if event is None:
            raise SessionError(f"annotation: expected one of the session, found {event_id!r}; choose another")
        return event

    def _check(self, event: Event) -> None:
        if problem := outside_problem(event, self.span_s):
            raise SessionError(problem)


def describe(event: Event) -> str:
    """Return a mark in a few words: "smile at 3.20 s"."""
    name = event.label or event.note[:30] or event.kind
    if event.is_point:
        return f"{name} at {event.start:.2f} s"
    return f"{name} from {event.start:.2f} to {event.end:.2f} s"
