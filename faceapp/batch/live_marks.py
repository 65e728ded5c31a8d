"""Marks that come while a live source is recorded without a window: lines of the standard input, markers of other programs."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Iterable
from queue import SimpleQueue
from typing import TYPE_CHECKING, TextIO

from faceapp.session.annotations import Event, append_changes, new_event_id

if TYPE_CHECKING:
    from faceapp.session.writer import SessionWriter
    from faceapp.streams.streams import Streams
    from faceapp.types import Frame

logger = logging.getLogger(__name__)

TYPED_AUTHOR = "standard input"
"""Author of the marks that were typed, or written by another program into ours."""
LONGEST_LINE = 500
"""Letters of a line that are kept."""


class TypedMarks:
    """Reads lines on a thread of its own; each is a mark of the moment at which it came.

    Args:
        lines: The standard input, or anything that gives lines.
    """

    def __init__(self, lines: TextIO) -> None:
        self._lines = lines
        self._come: SimpleQueue[tuple[str, float]] = SimpleQueue()
        threading.Thread(target=self._read, name="faceapp-typed-marks", daemon=True).start()

    def take(self) -> list[tuple[str, float]]:
        """Return what came since the last call: text and `time.perf_counter()` of each line."""
        return [self._come.get_nowait() for _ in range(self._come.qsize())]  # nobody else takes any

    def _read(self) -> None:
        try:
            while line := self._lines.readline(LONGEST_LINE * 4):
                if text := line.strip()[:LONGEST_LINE]:
                    self._come.put((text, time.perf_counter()))
        except (OSError, ValueError) as error:  # closed, or no text
            logger.warning("standard input: expected lines of text, found %s; no more marks are taken", error)


class LiveMarks:
    """Stores marks in the session that is recorded, each at its own time.

    Args:
        typed: Lines of the standard input; None takes none.
        streams: Takes markers of other programs where the settings name them.
    """

    def __init__(self, typed: TypedMarks | None, streams: Streams) -> None:
        self._typed, self._streams = typed, streams
        self._stored: list[Event] = []

    def store(self, writer: SessionWriter, newest: Frame) -> None:
        """Store what has come; what came before the session began is told and left out.

        Args:
            writer: Of the session.
            newest: The newest frame, which ties the source's clock to `time.perf_counter()`.

        Raises:
            SessionError: The session's marks can't be written.
        """
        typed = self._typed.take() if self._typed is not None else []
        received = self._streams.take_markers()
        self._add(
            writer,
            [
                *((text, TYPED_AUTHOR, newest.time_s + at_s - newest.captured_s) for text, at_s in typed),
                *((mark.text, mark.stream, time_s) for mark, time_s in received),
            ],
        )

    def end(self, writer: SessionWriter, last_s: float | None) -> None:
        """Move marks that are younger than the last picture to it, after the session is closed.

        Args:
            writer: Of the session.
            last_s: Time of the last picture on the session's clock; None: there is none.

        Raises:
            SessionError: The session's marks can't be written.
        """
        if last_s is not None and (late := [event for event in self._stored if event.start > last_s]):
            append_changes(writer.folder, {event.id: _moved(event, last_s) for event in late})

    def _add(self, writer: SessionWriter, marks: Iterable[tuple[str, str, float]]) -> None:
        origin_s = writer.origin_s or 0.0
        events = []
        for label, author, time_s in marks:
            at_s = round(time_s - origin_s, 6)
            if author == TYPED_AUTHOR:
                at_s = max(0.0, at_s)  # the session has begun, only its first picture is a moment younger
            if at_s < 0:
                logger.warning("mark %r came before the first picture and is left out", label)
            else:
                events.append(Event(at_s, at_s, label=label, author=author, id=new_event_id()))
        if events:
            self._stored += events  # before they are written: Ctrl-C may come in between
            append_changes(writer.folder, {event.id: event for event in events})


def _moved(event: Event, at_s: float) -> Event:
    return Event(at_s, at_s, label=event.label, author=event.author, id=event.id)
