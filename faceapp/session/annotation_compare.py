"""Two annotators, or one and the network, side by side: what both say at the same moments."""

from __future__ import annotations

import bisect
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from engines.card import EMOTIONS
from faceapp.session.annotations import Event

STEP_S = 0.1
"""Moments at which two are compared; a tenth of a second is the resolution people reach with a key."""
TOLERANCE_S = 0.5
"""Points of two annotators this near count as the same moment."""
NOTHING = ""
Doubles = npt.NDArray[np.float64]
Labels = list[str | None]
"""A label at every moment: "" says nothing is shown, None that the moment is left out."""


@dataclass(frozen=True, slots=True)
class Comparison:
    """How two agree.

    Attributes:
        moments: Moments that were compared.
        left_out: Moments left out, because one of the two abstained or the stretch is excluded.
        agreement: Share of the moments with the same label; NaN when there are none.
        pairs: (label of the first, label of the second) -> moments, the most frequent first.
        first: The labels of the first, in the order of the moments.
        second: The labels of the second.
    """

    moments: int
    left_out: int
    agreement: float
    pairs: tuple[tuple[tuple[str, str], int], ...]
    first: tuple[str, ...]
    second: tuple[str, ...]

    @property
    def kappa(self) -> float:
        """Cohen's kappa (1960), (p_o - p_e) / (1 - p_e): agreement beyond chance; NaN where chance explains all."""
        ours, theirs = Counter(self.first), Counter(self.second)
        chance = sum(count * theirs[label] for label, count in ours.items()) / max(self.moments, 1) ** 2
        return (self.agreement - chance) / (1 - chance) if chance < 1 else float("nan")


@dataclass(frozen=True, slots=True)
class PointMatch:
    """How the moments that two marked fit together.

    Attributes:
        both: Moments that both marked with the same label.
        first_only: Moments of the first without one of the second.
        second_only: Moments of the second without one of the first.
        mean_offset_s: Mean of second minus first over those that both marked; NaN when there are none.
    """

    both: int
    first_only: int
    second_only: int
    mean_offset_s: float


def moments_of(span_s: tuple[float, float], step_s: float = STEP_S) -> Doubles:
    """Return the moments of a session at which labels are compared, evenly spaced.

    Args:
        span_s: First and last time in seconds.
        step_s: Seconds between two.
    """
    count = max(1, int((span_s[1] - span_s[0]) / step_s + 1e-9) + 1)
    return span_s[0] + step_s * np.arange(count)


def annotator_labels(events: Iterable[Event], author: str, face: int | None, moments_s: Doubles) -> Labels:
    """Return what an annotator says at every moment: the label of the stretch that covers it.

    Args:
        events: Marks of the session.
        author: The annotator.
        face: Only marks about this face or about all; None takes every mark.
        moments_s: (N,) rising seconds.

    Returns:
        N labels; of stretches that overlap the later one counts, where nothing is marked "".
    """
    labels: Labels = [NOTHING] * len(moments_s)
    for event in sorted(events, key=lambda event: event.start):
        about = face is None or event.face is None or event.face == face
        if event.kind == "marker" and not event.is_point and event.author == author and about:
            first, last = np.searchsorted(moments_s, (event.start, event.end))
            labels[first:last] = [event.label] * (last - first)
    return labels


def network_labels(times_s: Doubles, emotions: Doubles, moments_s: Doubles, hold_s: float) -> Labels:
    """Return the network's most probable emotion at every moment.

    Args:
        times_s: (M,) rising seconds of one face's rows.
        emotions: (M, 8) probabilities, NaN where the program abstained.
        moments_s: (N,) rising seconds.
        hold_s: A row holds until the next one, at most this long.

    Returns:
        N labels; None where the face was away or the program abstained.
    """
    if not len(times_s):
        return [None] * len(moments_s)
    rows = np.searchsorted(times_s, moments_s + 1e-6, side="right") - 1
    known = (rows >= 0) & (moments_s - times_s[rows] <= hold_s) & np.isfinite(emotions[rows, 0])
    best = np.nan_to_num(emotions, nan=-1.0).argmax(axis=1)[rows]
    return [EMOTIONS[index] if there else None for index, there in zip(best, known, strict=True)]


def leave_out(labels: Labels, events: Iterable[Event], face: int | None, moments_s: Doubles) -> Labels:
    """Return labels with the moments of stretches that anyone excluded set to None."""
    kept = list(labels)
    for event in events:
        if event.kind == "exclude" and (event.face is None or face is None or event.face == face):
            first, last = np.searchsorted(moments_s, (event.start, event.end))
            kept[first:last] = [None] * (last - first)
    return kept


def compare_labels(first: Sequence[str | None], second: Sequence[str | None]) -> Comparison:
    """Return how the labels of two agree.

    Args:
        first: Labels of the first at N moments.
        second: Labels of the second at the same moments.
    """
    both = [(a, b) for a, b in zip(first, second, strict=True) if a is not None and b is not None]
    pairs = Counter(both)
    same = sum(count for (a, b), count in pairs.items() if a == b)
    return Comparison(
        moments=len(both),
        left_out=len(first) - len(both),
        agreement=same / len(both) if both else float("nan"),
        pairs=tuple(pairs.most_common()),
        first=tuple(a for a, _ in both),
        second=tuple(b for _, b in both),
    )


def match_points(
    events: Iterable[Event], first: str, second: str, tolerance_s: float = TOLERANCE_S
) -> PointMatch:
    """Pair the points that two annotators set with the same label, nearest first.

    Args:
        events: Marks of the session.
        first: The first annotator.
        second: The second annotator.
        tolerance_s: How far apart a pair may lie.
    """
    marks = [event for event in events if event.is_point and event.kind == "marker"]
    ours = [event for event in marks if event.author == first]
    theirs = sorted((event for event in marks if event.author == second), key=lambda event: event.start)
    starts = [event.start for event in theirs]
    candidates = []
    for place, mark in enumerate(ours):
        low = bisect.bisect_left(starts, mark.start - tolerance_s)
        high = bisect.bisect_right(starts, mark.start + tolerance_s)
        candidates += [
            (abs(theirs[other].start - mark.start), place, other)
            for other in range(low, high)
            if theirs[other].label == mark.label and theirs[other].face == mark.face
        ]
    used_ours, used_theirs, offsets = set(), set(), []
    for _, place, other in sorted(candidates):
        if place not in used_ours and other not in used_theirs:
            used_ours.add(place)
            used_theirs.add(other)
            offsets.append(theirs[other].start - ours[place].start)
    both = len(offsets)
    mean_s = float(np.mean(offsets)) if offsets else float("nan")
    return PointMatch(both, len(ours) - both, len(theirs) - both, mean_s)
