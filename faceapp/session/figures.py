"""Figures of a session: per face, over the whole session, per range, after each marker, and against a baseline.

Frames where the program abstained have no values: they are left out of every mean and share, and counted. So are rows
in stretches that somebody excluded.
"""

from __future__ import annotations

import csv
import io
import math
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import numpy.typing as npt

from engines.card import EMOTIONS
from faceapp.errors import SessionError
from faceapp.session.annotations import Event
from faceapp.session.face_rows import abstained, emotion_columns, face_names, safe_text, with_face_edits
from faceapp.session.metadata import folder_error
from faceapp.session.numbers import number_text
from faceapp.session.reader import Session
from faceapp.session.recorded_files import write_named_file
from faceapp.session.segments import GAP_S, gap_of

Doubles = npt.NDArray[np.float64]
Bools = npt.NDArray[np.bool_]
VALUES = (
    *(f"p_{name}" for name in EMOTIONS),
    "age_years",
    "p_female",
    "p_smile",
    "yaw_deg",
    "pitch_deg",
    "roll_deg",
)
BASELINE = "baseline"
ANY_FACE = -1
"""Face of a baseline that stands for every face: the one of a session with a single person."""
Baseline = Mapping[int, Mapping[str, float]]
"""Face -> column -> mean in the neutral stretch."""


@dataclass(frozen=True, slots=True)
class Figures:
    """Figures of one face over one group of its rows.

    Attributes:
        group: What the rows have in common: "session", "range", "after marker" or "baseline".
        label: Which range or marker; empty for the session.
        face: Id of the face.
        name: Its name.
        seconds: Time in which it was seen, gaps and excluded stretches left out.
        rows: Rows with values, over which means are taken.
        abstained: Rows left out because the program abstained.
        excluded: Rows left out because somebody excluded the stretch.
        shares: Emotion -> share of the rows in which it is the most probable.
        means: Column -> mean; NaN where no model gave it.
        deviations: Column -> standard deviation over the rows (n - 1).
        changes: Column -> mean minus the baseline's mean; empty without a baseline.
    """

    group: str
    label: str
    face: int
    name: str
    seconds: float
    rows: int
    abstained: int
    excluded: int
    shares: Mapping[str, float]
    means: Mapping[str, float]
    deviations: Mapping[str, float]
    changes: Mapping[str, float] = field(default_factory=dict)


def session_figures(session: Session, baseline: Baseline | None = None) -> list[Figures]:
    """Return the figures of every face and group.

    Args:
        session: The session; merged and excluded faces are taken into account.
        baseline: What values are compared with; None takes the ranges that are called "baseline", where there are any.

    Returns:
        Faces in rising order; of each the session, then ranges by label, then the stretches after markers by label.
    """
    rows = _Rows(with_face_edits(session))
    if baseline is None:
        baseline = baseline_of(session)
    return [
        figures
        for face in rows.faces
        for group, label, spans in _groups(rows, face)
        if (figures := rows.figures(group, label, face, spans, baseline)) is not None
    ]


def baseline_of(session: Session, span_s: tuple[float, float] | None = None) -> Baseline:
    """Return the means of every face over a neutral stretch.

    Args:
        session: The session.
        span_s: Start and end; None takes the ranges that are called "baseline".

    Returns:
        Nothing where there is no such range.

    Raises:
        SessionError: No face has a value in the given stretch.
    """
    rows = _Rows(with_face_edits(session))
    means = {}
    for face in rows.faces:
        spans = [span_s] if span_s is not None else rows.spans(face, BASELINE)
        figures = rows.figures(BASELINE, "", face, spans, {}) if spans else None
        if figures is not None and figures.rows:
            means[face] = figures.means
    if span_s is not None and not means:
        raise SessionError(
            f"{session.folder}: expected a face with values from {span_s[0]:g} to {span_s[1]:g} s as a baseline, "
            "found none; choose another stretch"
        )
    return means


def baseline_from(session: Session) -> Baseline:
    """Return the baseline that a session recorded before gives to any face.

    Raises:
        SessionError: It shows no face or several.
    """
    rows = _Rows(with_face_edits(session))
    seen = [rows.figures(BASELINE, "", face, None, {}) for face in rows.faces]
    known = [figures for figures in seen if figures is not None and figures.rows]
    if len(known) != 1:
        raise SessionError(
            f"{session.folder}: expected one face with values as a baseline, found {len(known)}; "
            "merge or exclude faces, or choose another session"
        )
    return {ANY_FACE: known[0].means}


def write_figures(figures: Sequence[Figures], path: Path, before: Mapping[str, str] | None = None) -> None:
    """Write figures as CSV, a row each.

    Args:
        figures: What to write.
        path: File to make; an older one is replaced.
        before: Column -> text put before every row, such as the participant.

    Raises:
        SessionError: The file is one of a recorded session, or can't be written.
    """
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow([*(before or {}), *FIGURE_COLUMNS])
    for each in figures:
        writer.writerow([*(safe_text(cell) for cell in (before or {}).values()), *figure_cells(each)])
    try:
        write_named_file(path, text.getvalue())
    except OSError as error:
        raise folder_error(path.parent, error) from error


FIGURE_COLUMNS = (
    *("group", "label", "face_id", "face", "seconds_s", "rows", "abstained_rows", "excluded_rows"),
    *(f"share_{name}" for name in EMOTIONS),
    *(f"mean_{name}" for name in VALUES),
    *(f"sd_{name}" for name in VALUES),
    *(f"change_{name}" for name in VALUES),
)


def figure_cells(figures: Figures) -> list[str]:
    """Return the cells of one row in the order of `FIGURE_COLUMNS`; what is not known is empty."""
    nan = math.nan
    return [
        *(safe_text(figures.group), safe_text(figures.label), str(figures.face), safe_text(figures.name)),
        *(f"{figures.seconds:.3f}", str(figures.rows), str(figures.abstained), str(figures.excluded)),
        *(number_text(figures.shares.get(name, nan), 6) for name in EMOTIONS),
        *(number_text(figures.means.get(name, nan), 6) for name in VALUES),
        *(number_text(figures.deviations.get(name, nan), 6) for name in VALUES),
        *(number_text(figures.changes.get(name, nan), 6) for name in VALUES),
    ]


Spans = Sequence[tuple[float, float]]


class _Rows:
    """The rows of a session as arrays, cut by face and by stretch."""

    def __init__(self, session: Session) -> None:
        self.times_s = session.column("time_s")
        self.ids = session.column("face_id").astype(np.int64)
        self.faces = [int(face) for face in np.unique(self.ids)]
        self.events = session.events
        self.end_s = float(session.metadata.get("last_time_s") or self.times_s.max(initial=0.0)) + GAP_S
        self._gap_s = gap_of(self.times_s)
        self._names = face_names(session)
        self._values = np.stack([session.column(name) for name in VALUES], axis=1)
        self._emotions = emotion_columns(session)
        self._abstained = abstained(session)

    def spans(self, face: int, label: str) -> list[tuple[float, float]]:
        """Return the ranges with a label that are about a face, whatever the case of its letters."""
        return [
            (event.start, event.end)
            for event in self.events
            if not event.is_point
            and label in (event.label.lower(), event.kind.lower())
            and event.face in (None, face)
        ]

    def _seen_s(self, rows: npt.NDArray[np.intp]) -> float:
        """Return how long a face was seen: the steps between its rows, longer gaps left out."""
        steps = np.diff(np.unique(self.times_s[rows]))
        return float(steps[steps <= self._gap_s].sum())

    def figures(
        self, group: str, label: str, face: int, spans: Spans | None, baseline: Baseline
    ) -> Figures | None:
        """Return the figures of a face in stretches (None: everywhere); None where it was not seen there."""
        chosen = np.flatnonzero((self.ids == face) & self._within(spans))
        if not len(chosen):
            return None
        left_out = self._within(
            [
                (event.start, event.end)
                for event in self.events
                if event.kind == "exclude" and event.face in (None, face)
            ]
        )[chosen]
        kept = chosen[~left_out & ~self._abstained[chosen]]
        means, deviations = _moments(self._values[kept])
        expected = baseline.get(face, baseline.get(ANY_FACE, {}))
        return Figures(
            *(group, label, face, self._names[face], self._seen_s(chosen[~left_out])),
            rows=len(kept),
            abstained=int((self._abstained[chosen] & ~left_out).sum()),
            excluded=int(left_out.sum()),
            shares=_shares(self._emotions[kept]),
            means=means,
            deviations=deviations,
            changes={name: means[name] - value for name, value in expected.items()},
        )

    def _within(self, spans: Spans | None) -> Bools:
        if spans is None:
            return np.ones(len(self.times_s), dtype=bool)
        inside = np.zeros(len(self.times_s), dtype=bool)
        for start_s, end_s in spans:
            inside |= (self.times_s >= start_s) & (self.times_s < end_s)
        return inside


def _groups(rows: _Rows, face: int) -> Iterator[tuple[str, str, Spans | None]]:
    """Yield group, label and stretches: the session, each label of ranges, each label of markers."""
    yield "session", "", None
    about = [event for event in rows.events if event.face in (None, face) and event.kind != "exclude"]
    ranges: dict[str, list[tuple[float, float]]] = {}
    for event in about:
        if not event.is_point:
            ranges.setdefault(event.label or event.kind, []).append((event.start, event.end))
    for label in sorted(ranges):
        yield "range", label, ranges[label]
    after: dict[str, list[tuple[float, float]]] = {}
    for event, end_s in _until_next(about, rows.end_s):
        after.setdefault(event.label or event.kind, []).append((event.start, end_s))
    for label in sorted(after):
        yield "after marker", label, after[label]


def _until_next(events: Iterable[Event], end_s: float) -> Iterator[tuple[Event, float]]:
    """Yield every moment that was marked and the time of its author's next one."""
    points = [event for event in events if event.is_point]
    for position, event in enumerate(points):
        later = (each.start for each in points[position + 1 :] if each.author == event.author)
        yield event, next((start_s for start_s in later if start_s > event.start), end_s)


def _moments(values: Doubles) -> tuple[dict[str, float], dict[str, float]]:
    means, deviations = {}, {}
    for name, column in zip(VALUES, values.T, strict=True):
        known = column[np.isfinite(column)]
        means[name] = float(known.mean()) if len(known) else math.nan
        deviations[name] = float(known.std(ddof=1)) if len(known) > 1 else math.nan
    return means, deviations


def _shares(emotions: Doubles) -> dict[str, float]:
    known = emotions[np.isfinite(emotions).all(axis=1)]
    if not len(known):
        return {}
    counts = np.bincount(known.argmax(axis=1), minlength=len(EMOTIONS)) / len(known)
    return {name: float(share) for name, share in zip(EMOTIONS, counts, strict=True)}
