"""Emotions over time as inline SVG: eight lines per face, cut where the face was away."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from engines.card import EMOTIONS
from faceapp.session.reader import Session
from faceapp.session.segments import gap_of

COLOURS = ("#9AA0A6", "#F2B701", "#3BB2D0", "#4666B0", "#D1495B", "#6A994E", "#7B5EA7", "#B5651D")
"""Colour of each emotion in the order of `engines.card.EMOTIONS`, as in the window."""

_WIDTH, _HEIGHT = 1000, 160
_POINTS = 800  # more than the page is wide would only make it slow

Points = npt.NDArray[np.float64]


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
    x = (times_s - first_s) / span_s * _WIDTH
    lines = [
        f'<polyline points="{points}" fill="none" stroke="{colour}" stroke-width="1.5">'
        f"<title>{name}</title></polyline>"
        for name, colour in zip(EMOTIONS, COLOURS, strict=True)
        for points in _polylines(x, times_s, session.column(f"p_{name}")[rows])
    ]
    return (
        f'<svg viewBox="0 -4 {_WIDTH} {_HEIGHT + 22}" role="img" aria-label="emotions of face {face_id}">'
        f"{''.join(lines)}{_ticks(first_s, span_s)}</svg>"
    )


def _ticks(first_s: float, span_s: float) -> str:
    places = ((0.0, "start"), (0.5, "middle"), (1.0, "end"))
    return "".join(
        f'<text x="{share * _WIDTH:.0f}" y="{_HEIGHT + 14}" text-anchor="{anchor}" class="tick">'
        f"{first_s + share * span_s:.1f} s</text>"
        for share, anchor in places
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
        heights = _HEIGHT * (1 - np.add.reduceat(values[piece], starts) / sizes)
        lines.append(
            " ".join(f"{column:.1f},{height:.1f}" for column, height in zip(columns, heights, strict=True))
        )
    return lines
