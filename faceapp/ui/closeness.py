"""Which of two readings of a half-hidden face is closer to what is read of the bare face, without flicker."""

from __future__ import annotations

import math
from typing import Literal

import numpy as np
import numpy.typing as npt

from engines.card import EMOTIONS
from faceapp.analysis.comparison import Comparison
from faceapp.types import Prediction

Way = Literal["full", "specialised"]
MEASURES = ("emotion", "age", "gender", "smile")
MEMORY_S = 3.0
"""Distances are averaged over about so long."""
_NOTICEABLE = np.array([0.03, 0.75, 0.03, 0.03])
"""Two readings whose distances differ by less are equally close: half a row of figures would change."""
_SHOWN = 3
_MARGIN = 0.08
_NOTHING: npt.NDArray[np.float64] = np.empty((2, 0))


class Closeness:
    """Averages, over the last seconds, how far both readings of the hidden face are from that of the bare face."""

    def __init__(self) -> None:
        self._distances = _NOTHING
        self._time_s = -math.inf

    def update(self, comparison: Comparison, time_s: float) -> None:
        """Take over one comparison.

        Args:
            comparison: A face read three ways.
            time_s: Its frame's time; a jump back starts afresh.
        """
        if comparison.specialised is None:
            self.clear()
            return
        ways = (comparison.full_on_hidden, comparison.specialised)
        now = np.stack([_distances(comparison.full_on_clean, way) for way in ways])
        passed_s = time_s - self._time_s
        if self._distances.size and passed_s >= 0:
            now = self._distances + (now - self._distances) * (1 - math.exp(-passed_s / MEMORY_S))
        self._distances, self._time_s = now, time_s

    def clear(self) -> None:
        """Forget everything, as for another face."""
        self._distances, self._time_s = _NOTHING, -math.inf

    def closer(self, measure: str) -> Way | None:
        """Return which reading is closer in one of `MEASURES`; None while neither is noticeably."""
        if not self._distances.size:
            return None
        index = MEASURES.index(measure)
        lead = self._distances[0, index] - self._distances[1, index]
        if not abs(lead) > _NOTICEABLE[index]:
            return None
        return "specialised" if lead > 0 else "full"

    def count(self, way: Way) -> int:
        """Return in how many measures a reading is the closer one."""
        return sum(self.closer(measure) == way for measure in MEASURES)

    @property
    def winner(self) -> Way | None:
        """The reading that is closer in more measures; None when neither is."""
        lead = self.count("specialised") - self.count("full")
        return None if lead == 0 else "specialised" if lead > 0 else "full"


class ShownEmotions:
    """The three emotions worth a bar in all columns, in their fixed order; they change only for a clear lead."""

    def __init__(self) -> None:
        self._shown: tuple[int, ...] = ()

    def update(self, comparison: Comparison) -> tuple[int, ...]:
        """Return the positions in `engines.card.EMOTIONS` of those that any reading finds strongest."""
        ways = (comparison.full_on_clean, comparison.full_on_hidden, comparison.specialised)
        rows = [way.emotion for way in ways if way is not None]
        strongest = np.nan_to_num(np.max(rows, axis=0))
        strongest[list(self._shown)] += _MARGIN
        best = sorted(range(len(EMOTIONS)), key=lambda index: (-strongest[index], index))[:_SHOWN]
        self._shown = tuple(sorted(best))
        return self._shown


def _distances(wanted: Prediction, found: Prediction) -> npt.NDArray[np.float64]:
    """Return float64 (4,): share of the emotion that differs, years, and probabilities; NaN without the head."""
    emotion = float(np.abs(wanted.emotion - found.emotion).sum()) / 2
    pairs = (
        (wanted.age_years, found.age_years),
        (wanted.female, found.female),
        (wanted.smile, found.smile),
    )
    return np.array([emotion, *(abs(left - right) for left, right in pairs)])
