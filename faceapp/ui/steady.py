"""Values that stay still until they mean it: labels with hysteresis, calm numbers, easing bars."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import numpy.typing as npt

LABEL_MARGIN = 0.08
LABEL_HOLD_S = 0.25
NUMBER_HOLD_S = 0.3
EASE_S = 0.1
UNSEEN = 0.002
"""Half a pixel of a bar of 250 pixels."""


class SteadyLabel:
    """Index of the strongest class; another one takes over when it leads by a margin for a while.

    Args:
        margin: Lead in probability that a challenger needs.
        hold_s: How long it must lead.
    """

    def __init__(self, margin: float = LABEL_MARGIN, hold_s: float = LABEL_HOLD_S) -> None:
        self._margin = margin
        self._hold_s = hold_s
        self._shown: int | None = None
        self._challenger: int | None = None
        self._leads_since_s = 0.0

    def update(self, probabilities: npt.NDArray[np.floating[Any]], time_s: float) -> int | None:
        """Return the class to show.

        Args:
            probabilities: (N,), may hold NaN when there is no value: then nothing is shown.
            time_s: When they were valid; a jump back starts the wait anew.
        """
        if not np.isfinite(probabilities).all():
            self._shown = self._challenger = None
            return None
        best = int(probabilities.argmax())
        if self._shown is None:
            self._shown = best
        elif best == self._shown or probabilities[best] - probabilities[self._shown] < self._margin:
            self._challenger = None
        elif best != self._challenger or time_s < self._leads_since_s:
            self._challenger, self._leads_since_s = best, time_s
        elif time_s - self._leads_since_s >= self._hold_s:
            self._shown, self._challenger = best, None
        return self._shown


class SteadyNumber:
    """A number rounded to a step, which changes rarely and only for clearly more than half a step.

    Args:
        step: What it is rounded to.
        hold_s: How long a shown value stays at least.
    """

    def __init__(self, step: float, hold_s: float = NUMBER_HOLD_S) -> None:
        self._step = step
        self._hold_s = hold_s
        self._shown = math.nan
        self._changed_s = -math.inf

    def update(self, value: float, time_s: float) -> float:
        """Return the number to show; NaN when there is none."""
        waited = time_s < self._changed_s or time_s - self._changed_s >= self._hold_s
        appears = math.isnan(value) or math.isnan(self._shown)
        if appears or (waited and abs(value - self._shown) > 0.75 * self._step):
            self._show(value, time_s)
        return self._shown

    def _show(self, value: float, time_s: float) -> None:
        self._shown = value if math.isnan(value) else round(value / self._step) * self._step
        self._changed_s = time_s


class EasedValues:
    """Numbers that glide to their targets in 100 ms, slowing down at the end.

    Args:
        count: How many numbers.
    """

    def __init__(self, count: int) -> None:
        self._start = np.zeros(count)
        self._target = np.zeros(count)
        self._set_s = -math.inf

    def aim(self, targets: npt.NDArray[np.floating[Any]], now_s: float) -> bool:
        """Glide from where the numbers are now; NaN counts as 0.

        Returns:
            False when the targets are too near the present aim to be seen; nothing changes then.
        """
        wanted = np.nan_to_num(np.asarray(targets, dtype=np.float64))
        if np.abs(wanted - self._target).max() < UNSEEN:
            return False
        self._start, self._target, self._set_s = self.at(now_s), wanted, now_s
        return True

    def at(self, now_s: float) -> npt.NDArray[np.float64]:
        """Return the numbers at a moment of the same clock."""
        left = 1.0 - min(max((now_s - self._set_s) / EASE_S, 0.0), 1.0)
        return self._target + (self._start - self._target) * left**3

    def settled(self, now_s: float) -> bool:
        """Whether the numbers have arrived."""
        return now_s - self._set_s >= EASE_S
