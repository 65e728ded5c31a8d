"""Marks as they fit their session: one written by hand that does not is told, and cut or left out; its line stays."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from faceapp.session.annotations import EVENTS_FILE, Event, Line, in_order, outside_problem, read_lines

_LAST_FRAME_S = 0.1
"""The last picture lasts until the next would have come: a stretch may end so much later than its time."""
_LOST_S = 1.0
"""What a killed program may have lost: marks of that second were right when they were set."""
LEFT_OUT, CUT = "it is left out", "until then it is cut there"
"""What becomes of a mark, behind its problem."""
Span = tuple[float, float]


@dataclass(frozen=True, slots=True)
class FittingMarks:
    """The marks of a session.

    Attributes:
        events: Ordered by start, all within the session.
        problems: One line for every mark that was cut or left out, with the number of its line.
    """

    events: tuple[Event, ...]
    problems: tuple[str, ...] = ()


def fitting_marks(folder: Path, metadata: Mapping[str, Any], span_s: Callable[[], Span]) -> FittingMarks:
    """Read the marks of a session.

    Args:
        folder: The session folder.
        metadata: Content of `session.json`.
        span_s: Returns the session's first and last time in seconds; called only where there are marks.

    Raises:
        SessionError: The file can't be read or a line is no event.
    """
    lines = read_lines(folder)
    if not lines:
        return FittingMarks(())
    first_s, last_s = span_s()
    if metadata["state"] == "recording":
        last_s = math.inf  # the table on the disk may be a second behind the marks
    lost_s = _LOST_S if metadata["state"] == "repaired" else 0.0
    events, problems = [], []
    for line in lines.values():
        event, problem = _fitted(line, (first_s, last_s), lost_s)
        events += [event] if event is not None else []
        problems += [problem] if problem else []
    return FittingMarks(in_order(events), tuple(problems))


def session_span_s(metadata: Mapping[str, Any], *times_s: Iterable[float]) -> Span:
    """Return a session's first and last time in seconds, also where `session.json` is a second behind.

    Args:
        metadata: Content of `session.json`.
        times_s: What else tells times: of the table, of the frames; the first and last of each are enough.
    """
    known = [metadata.get("first_time_s"), metadata.get("last_time_s")]
    numbers = [float(time_s) for time_s in known if isinstance(time_s, int | float)]
    numbers += [float(time_s) for times in times_s for time_s in times]
    return min(numbers, default=0.0), max(numbers, default=0.0)


def _fitted(line: Line, span_s: Span, lost_s: float) -> tuple[Event | None, str]:
    """Return a mark cut to the session, or None where nothing of it lies inside, and what is to be told."""
    event = line.event
    if event is None:
        return None, line.problem
    first_s, last_s = span_s
    if not outside_problem(event, (first_s - _LAST_FRAME_S, last_s + _LAST_FRAME_S)):
        return event, ""
    start, end = (min(max(time_s, first_s), last_s) for time_s in (event.start, event.end))
    cut = replace(event, start=start, end=end)
    if not outside_problem(event, (first_s - _LAST_FRAME_S, last_s + lost_s)):
        return cut, ""
    if event.end < first_s or event.start > last_s:
        return None, _told(line, event, span_s, LEFT_OUT)
    return cut, _told(line, event, span_s, CUT)


def _told(line: Line, event: Event, span_s: Span, what: str) -> str:
    return f"{EVENTS_FILE}, line {line.number}: {outside_problem(event, span_s)}; {what}"
