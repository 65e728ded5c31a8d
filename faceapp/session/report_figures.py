"""Tables of the report: figures per face and group, what became of the frames, how long the stages took."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from html import escape

import numpy as np

from faceapp.session.figures import Figures, session_figures
from faceapp.session.frame_log import STAGES
from faceapp.session.numbers import rounded_text
from faceapp.session.reader import Session, read_frames

_VALUES = (
    ("p_smile", "smile"),
    ("age_years", "age"),
    ("p_female", "woman"),
    ("yaw_deg", "yaw"),
    ("pitch_deg", "pitch"),
)
_HEAD = (
    "face",
    "over",
    "seen s",
    "rows",
    "abstained",
    "excluded",
    "most often",
    *(label for _, label in _VALUES),
)


def figures_section(session: Session) -> str:
    """Return the table of figures; empty without faces. Changes against a baseline stand in brackets."""
    figures = session_figures(session)
    if not figures:
        return ""
    rows = "".join(table_row(_cells(each), "td") for each in figures)
    return (
        f"<h2>Figures</h2><p>Means over rows with values; frames where the program abstained and excluded stretches "
        f"are left out and counted.</p><table>{table_row(_HEAD, 'th')}{rows}</table>"
    )


def frames_section(session: Session) -> str:
    """Return what became of the captured frames and the times of the stages; empty for older sessions."""
    frames = read_frames(session.folder)
    if not frames.num_rows:
        return ""
    counts = session.metadata["frames"]
    reasons = counts.get("not_analysed", {})
    lines = [("captured", counts.get("captured")), ("analysed", counts.get("analysed"))]
    lines += [(f"not analysed: {reason}", number) for reason, number in reasons.items()]
    lines += [("in the video", counts.get("in_video"))]
    lines += [("unexplained", session.metadata.get("unexplained_frames", "not closed yet"))]
    accounted = "".join(table_row(line, "td") for line in lines)
    times = [(stage.replace("_", " "), *_percentiles(frames[f"{stage}_ms"].to_numpy())) for stage in STAGES]
    timed = "".join(table_row(line, "td") for line in times if line[1])
    header = table_row(("stage", "median ms", "95th percentile ms"), "th")
    return f"<h2>Frames</h2><table>{accounted}</table><h2>Times</h2><table>{header}{timed}</table>"


def table_row(values: Iterable[object], tag: str) -> str:
    """Return one row of a table, its texts made safe."""
    cells = (f"<{tag}>{'' if value is None else escape(str(value))}</{tag}>" for value in values)
    return f"<tr>{''.join(cells)}</tr>"


def _cells(figures: Figures) -> list[str]:
    most = max(figures.shares.items(), key=lambda item: item[1], default=None)
    return [
        figures.name,
        f"{figures.group} {figures.label}".strip(),
        f"{figures.seconds:.1f}",
        *(str(number) for number in (figures.rows, figures.abstained, figures.excluded)),
        "" if most is None else f"{most[0]} {most[1]:.0%}",
        *(_value(figures, name) for name, _label in _VALUES),
    ]


def _value(figures: Figures, name: str) -> str:
    mean, change = figures.means[name], figures.changes.get(name, math.nan)
    if not math.isfinite(mean):
        return ""
    digits = 2 if name.startswith("p_") else 1
    return rounded_text(mean, digits) + (
        f" ({rounded_text(change, digits, sign=True)})" if math.isfinite(change) else ""
    )


def _percentiles(values: np.ndarray[tuple[int], np.dtype[np.float32]]) -> Sequence[str]:
    known = values[np.isfinite(values)]
    if not len(known):
        return "", ""
    return tuple(f"{value:.1f}" for value in np.percentile(known, (50, 95)))
