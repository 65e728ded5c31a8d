"""Emotions over time as inline SVG: eight lines per face, cut where the face was away, axes and marks."""

from __future__ import annotations

from typing import TypeVar

import numpy as np
import numpy.typing as npt

from engines.card import EMOTIONS
from faceapp.session.reader import Session
from faceapp.session.segments import gap_of
from faceapp.session.timeline_axes import BELOW, HEIGHT, LEFT, RIGHT, WIDTH, axes, marks

COLOURS = ("#9AA0A6", "#F2B701", "#3BB2D0", "#4666B0", "#D1495B", "#6A994E", "#7B5EA7", "#B5651D")
"""Colour of each emotion in the order of `engines.card.EMOTIONS`, as in the window."""

_POINTS = 800  # more than the page is wide would only make it slow

Points = npt.NDArray[np.float64]
Numbers = TypeVar("Numbers", float, Points)


def timeline_svg(session: Session, face_id: int) -> str:
    """Return the timeline of one face over the whole session.

    Args:
        session: The session.
        face_id: A face that is in its table.
    """
    rows = np.flatnonzero(session.column("face_id") == face_id)
    times_s = session.column("time_s")[rows]
    first_s = float(session.metadata.get("first_time_s") or 0.0)
    span_s = max(float(session.metadata.get("last_time_s") or times_s[-1]) - first_s, 1e-3)

    def place(time_s: Numbers) -> Numbers:
        return (time_s - first_s) / span_s * WIDTH

    lines = [
        f'<polyline points="{points}" fill="none" stroke="{colour}" stroke-width="1.5">'
        f"<title>{name}</title></polyline>"
        for name, colour in zip(EMOTIONS, COLOURS, strict=True)
        for points in _polylines(place(times_s), times_s, session.column(f"p_{name}")[rows])
    ]
    of_face = [event for event in session.events if event.face in (None, face_id)]
    marked, above = marks(of_face, place)
    box = f"{-LEFT} {-above - 8} {LEFT + WIDTH + RIGHT} {above + 8 + HEIGHT + BELOW}"
    return (
        f'<svg viewBox="{box}" role="img" aria-label="emotions of face {face_id} over time">'
        f"{axes(first_s, span_s, place)}{marked}{''.join(lines)}</svg>"
    )


def _polylines(x: Points, times_s: Points, values: Points) -> list[str]:
    """Return the points of one emotion's lines, averaged down to about `_POINTS`."""
    known = np.isfinite(values)
    x, times_s, values = x[known], times_s[known], values[known]
    group = max(1, -(-len(x) // _POINTS))
    lines = []
    for piece in np.split(np.arange(len(x)), np.flatnonzero(np.diff(times_s) > gap_of(times_s)) + 1):
        starts = np.arange(0, len(piece), group)
        if not len(starts):
            continue
        sizes = np.diff(np.append(starts, len(piece)))
        columns = np.add.reduceat(x[piece], starts) / sizes
        heights = HEIGHT * (1 - np.add.reduceat(values[piece], starts) / sizes)
        lines.append(
            " ".join(f"{column:.1f},{height:.1f}" for column, height in zip(columns, heights, strict=True))
        )
    return lines
