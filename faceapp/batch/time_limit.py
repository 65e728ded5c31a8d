"""Ends the recording of a live source after so many seconds, also when no picture comes any more."""

from __future__ import annotations

import math
import time

from faceapp.errors import SourceError

START_S = 60.0
"""What connecting and loading the models may take before the seconds begin to count."""


class TimeLimit:
    """Counts from the first result; without one, from a moment by which there should have been one.

    Args:
        for_s: Seconds; None never ends.
    """

    def __init__(self, for_s: float | None) -> None:
        self._for_s = math.inf if for_s is None else for_s
        self._end_s = time.perf_counter() + START_S + self._for_s
        self._begun = False

    @property
    def over(self) -> bool:
        """Whether the time is up."""
        return time.perf_counter() >= self._end_s

    def begin(self) -> None:
        """Count from now on, at the first call."""
        if not self._begun:
            self._begun = True
            self._end_s = time.perf_counter() + self._for_s

    def require_begun(self, name: str) -> None:
        """Raise where the time ended before there was a result.

        Args:
            name: Of the source.

        Raises:
            SourceError: There was none.
        """
        if not self._begun:
            raise SourceError(
                f"{name}: expected pictures within {START_S + self._for_s:g} s, found none; check camera and network"
            )
