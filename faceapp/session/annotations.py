"""`events.jsonl`: marks that people or programs put on a session, one JSON object a line."""

from __future__ import annotations

import json
import math
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from faceapp.errors import SessionError
from faceapp.session.metadata import folder_error

EVENTS_FILE = "events.jsonl"


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
    """

    start: float
    end: float
    kind: str = "marker"
    label: str = ""
    face: int | None = None
    note: str = ""
    author: str = ""

    def __post_init__(self) -> None:
        for name in ("start", "end"):
            value = getattr(self, name)
            if not isinstance(value, int | float) or isinstance(value, bool) or not math.isfinite(value):
                raise SessionError(f"event.{name}: expected seconds, found {value!r}")
        if self.end < self.start:
            raise SessionError(
                f"event: expected an end not before its start, found {self.start} to {self.end}"
            )
        if self.face is not None and (not isinstance(self.face, int) or isinstance(self.face, bool)):
            raise SessionError(f"event.face: expected the id of a face or nothing, found {self.face!r}")
        for name in ("kind", "label", "note", "author"):
            if not isinstance(getattr(self, name), str):
                raise SessionError(f"event.{name}: expected a text, found {getattr(self, name)!r}")


def append_event(folder: Path, event: Event) -> None:
    """Add one mark to a session, also while it is being recorded.

    Raises:
        SessionError: The file can't be written.
    """
    try:
        with (folder / EVENTS_FILE).open("a", encoding="utf-8") as stream:
            stream.write(json.dumps(asdict(event), ensure_ascii=False) + "\n")
    except OSError as error:
        raise folder_error(folder, error) from error


def read_events(folder: Path) -> tuple[Event, ...]:
    """Return the marks of a session ordered by start; an incomplete last line is left out.

    Raises:
        SessionError: The file can't be read or a line is no event; the text names the line.
    """
    path = folder / EVENTS_FILE
    try:
        text = path.read_text(encoding="utf-8", errors="replace")
    except FileNotFoundError:
        return ()
    except OSError as error:
        raise SessionError(f"{path}: expected a file that can be read, found: {error.strerror}") from error
    lines = text.split("\n")[:-1]
    events = [_event(path, number, line) for number, line in enumerate(lines, 1) if line.strip()]
    return tuple(sorted(events, key=lambda event: (event.start, event.end)))


def _event(path: Path, number: int, line: str) -> Event:
    try:
        content: Any = json.loads(line)
        return Event(**content)
    except (ValueError, TypeError, SessionError) as error:
        raise SessionError(
            f"{path}, line {number}: expected an event, found {line[:60]!r} ({error}); correct the line"
        ) from error
