"""Counts the frames of many inputs: what is done, what is left, and how long that takes."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping

_RATE_OVER_S = 20.0


class Tally:
    """Frames done and expected of every job.

    Args:
        expected: Number of a job -> frames it will give; None where its header does not say.
        now: The clock, in seconds.
    """

    def __init__(self, expected: Mapping[int, int | None], now: Callable[[], float] = time.monotonic) -> None:
        self.expected = dict(expected)
        self.done: dict[int, int] = {}
        self._now = now
        self._marks: list[tuple[float, int]] = [(now(), 0)]
        self._worked = 0

    def step(self, number: int, frames: int | None) -> bool:
        """Count one frame of a job; take the true number of its frames once it is known.

        Returns:
            Whether the number of frames that are expected has changed.
        """
        self.done[number] = self.done.get(number, 0) + 1
        self._worked += 1
        now_s = self._now()
        if now_s - self._marks[-1][0] >= 1.0:
            self._marks.append((now_s, self._worked))
            while len(self._marks) > 2 and self._marks[1][0] < now_s - _RATE_OVER_S:
                self._marks.pop(0)
        changed = frames is not None and frames != self.expected.get(number)
        if changed:
            self.expected[number] = frames
        return changed

    def ended(self, number: int) -> None:
        """Take note of a job's end, which makes its number of frames certain."""
        self.expected[number] = self.done.get(number, 0)

    @property
    def total(self) -> int | None:
        """Frames of all jobs; None while one of them is unknown."""
        frames = list(self.expected.values())
        return None if None in frames else sum(number or 0 for number in frames)

    def rate_hz(self) -> float:
        """Return the frames a second of the last 20 s over all jobs; 0 before the first ones."""
        start_s, start = self._marks[0]
        elapsed_s = self._now() - start_s
        return (self._worked - start) / elapsed_s if elapsed_s > 0.5 else 0.0

    def left_s(self, numbers: list[int], at_once: int = 1) -> float | None:
        """Return about how long some jobs still take at the present rate.

        Args:
            numbers: The jobs.
            at_once: Jobs that share the rate: a single one of two gets half of it.

        Returns:
            Seconds; None while the rate or a length is unknown.
        """
        rate_hz = self.rate_hz() / at_once
        lengths = [self.expected.get(number) for number in numbers]
        if rate_hz <= 0 or None in lengths:
            return None
        left = sum(
            max(0, (length or 0) - self.done.get(number, 0))
            for number, length in zip(numbers, lengths, strict=True)
        )
        return left / rate_hz
