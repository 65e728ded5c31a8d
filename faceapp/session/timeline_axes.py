"""Around the lines of a report's timeline: axes with their units, and the marks as lines and bands with labels."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from html import escape

from faceapp.session.annotations import Event

WIDTH, HEIGHT = 920, 160
"""Size of the part that the lines are drawn in, in the units of the picture; its corner at the top left is 0, 0."""
LEFT, RIGHT, BELOW = 60, 20, 44
"""Room for the axis of probabilities, the last time, and the axis of times."""
_LANE, _LANES = 15, 6  # labels that would cover each other stand above each other, so many at most
_LETTER = 6.6  # width of a letter of the 12 px labels, rather too wide than too narrow
_LETTERS = 28
_STEPS_S = (0.1, 0.2, 0.5, 1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 900, 1800, 3600)
_TICKS = 10
_EXCLUDED, _MARKED = "#B00020", "#15171A"

Place = Callable[[float], float]
"""Returns where a time stands."""


def axes(first_s: float, span_s: float, place: Place) -> str:
    """Return both axes: probability from 0 to 1, and the time in minutes and seconds."""
    step_s = _step(span_s)
    first, last = -int(-first_s // step_s), int((first_s + span_s) / step_s + 1e-6)
    parts = [
        f'<line x1="0" y1="{HEIGHT * (1 - value):g}" x2="{WIDTH}" y2="{HEIGHT * (1 - value):g}" stroke="#ddd"/>'
        f'<text x="-8" y="{HEIGHT * (1 - value) + 4:g}" text-anchor="end" class="tick">{value:g}</text>'
        for value in (0, 0.5, 1)
    ]
    for number in range(first, last + 1):
        x = place(number * step_s)
        parts.append(
            f'<line x1="{x:.1f}" y1="{HEIGHT}" x2="{x:.1f}" y2="{HEIGHT + 4}" stroke="#999"/>'
            f'<text x="{x:.1f}" y="{HEIGHT + 18}" text-anchor="middle" class="tick">'
            f"{_clock(number * step_s, step_s)}</text>"
        )
    middle = HEIGHT / 2
    parts.append(
        f'<text x="{WIDTH / 2:g}" y="{HEIGHT + 36}" text-anchor="middle" class="tick">time (minutes:seconds)</text>'
        f'<text x="-44" y="{middle:g}" text-anchor="middle" class="tick" '
        f'transform="rotate(-90 -44 {middle:g})">probability</text>'
    )
    return "".join(parts)


def marks(events: Iterable[Event], place: Place) -> tuple[str, int]:
    """Return the marks, and the height that their labels take above the lines.

    A label that would need more room than there is appears only in the mark's tooltip.

    Args:
        events: What to show, ordered by start.
        place: Where a time stands.
    """
    lines: list[str] = []
    labels: list[str] = []
    ends: list[float] = []  # of the last label of each lane
    for event in events:
        text, x, to = _text(event), place(event.start), place(event.end)
        width = len(text) * _LETTER + 6
        left = x if x + width <= WIDTH + RIGHT else x - width
        lane = _free_lane(ends, left)
        if lane is not None:
            ends[lane : lane + 1] = [left + width]
            labels.append(_label(text, left, width, lane, x))
        colour = _EXCLUDED if event.kind == "exclude" else _MARKED
        edges = "".join(_edge(each, lane or 0, colour) for each in dict.fromkeys((x, to)))
        band = (
            f'<rect x="{x:.1f}" y="0" width="{max(to - x, 0.5):.1f}" height="{HEIGHT}" '
            f'fill="{colour}" fill-opacity="0.08"/>'
        )
        title = f"<title>{escape(_title(event))}</title>"
        lines.append(f'<g class="mark">{title}{"" if event.is_point else band}{edges}</g>')
    return "".join(lines + labels), len(ends) * _LANE


def _label(text: str, left: float, width: float, lane: int, x: float) -> str:
    """Return a label beside its line, on white, so that lines of other labels do not strike it through."""
    bottom = -4 - lane * _LANE
    at, anchor = (x + 3, "start") if left == x else (x - 3, "end")
    return (
        f'<rect x="{left + 1:.1f}" y="{bottom - _LANE + 2}" width="{width - 2:.1f}" height="{_LANE - 1}" fill="#fff"/>'
        f'<text x="{at:.1f}" y="{bottom - 2}" text-anchor="{anchor}" class="tick">{escape(text)}</text>'
    )


def _edge(x: float, lane: int, colour: str) -> str:
    return (
        f'<line x1="{x:.1f}" y1="{-(lane + 1) * _LANE}" x2="{x:.1f}" y2="{HEIGHT}" stroke="{colour}" '
        'stroke-width="1" stroke-opacity="0.6" stroke-dasharray="4 3"/>'
    )


def _free_lane(ends: Sequence[float], left: float) -> int | None:
    """Return the lowest lane with room from there on; None where all are taken."""
    for lane, end in enumerate(ends):
        if end <= left:
            return lane
    return len(ends) if len(ends) < _LANES else None


def _text(event: Event) -> str:
    """Return a mark's label on the picture, cut to what can be read there."""
    text = " ".join((event.label or event.kind).split())
    if event.kind != "marker" and event.label:
        text = f"{event.kind}: {text}"
    return text if len(text) <= _LETTERS else f"{text[: _LETTERS - 1]}…"


def _title(event: Event) -> str:
    """Return what a tooltip says about a mark."""
    ends = dict.fromkeys((event.start, event.end))
    when = " to ".join(_clock(time_s, 0.1) for time_s in ends)
    said = ": ".join(part for part in (event.kind, event.label, event.note) if part)
    return f"{when} {said}"


def _step(span_s: float) -> float:
    """Return the time between two ticks."""
    return next((step for step in _STEPS_S if span_s / step <= _TICKS), float(-(-span_s // 36000) * 3600))


def _clock(time_s: float, step_s: float) -> str:
    """Return a time as minutes:seconds, with a decimal where the steps need it."""
    tenths = round(abs(time_s) * 10)
    sign = "-" if time_s < 0 and tenths else ""
    minutes, rest = divmod(tenths, 600)
    seconds = f"{rest / 10:04.1f}" if step_s < 1 else f"{rest // 10:02d}"
    return f"{sign}{minutes}:{seconds}"
