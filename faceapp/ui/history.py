"""The last half minute of every face's emotions, in buffers of fixed size."""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from engines.card import EMOTIONS
from faceapp.types import Floats, FrameResult

SPAN_S = 30.0
STEP_S = 0.1
"""One point a tenth of a second: 300 points a line draw faster than 900 and look the same."""
_BINS = int(SPAN_S / STEP_S) + 2
_FACES = 16
_FLAGS = 100
_LONGEST_BRIDGE = 9
"""Bins without any frame that a line crosses: a second between two frames."""


@dataclass(frozen=True, slots=True)
class Flag:
    """A marker set by a person.

    Attributes:
        time_s: Time of the frame it was set at.
        label: What stands on it, "1" to "9".
    """

    time_s: float
    label: str


class _Track:
    """A ring of bins; bin k holds the mean of the samples in [k, k + 1) * STEP_S."""

    def __init__(self) -> None:
        self.sums = np.zeros((_BINS, len(EMOTIONS)), dtype=np.float64)
        self.counts = np.zeros(_BINS, dtype=np.int64)
        self.last_bin = -1

    def add(self, position: int, emotion: Floats) -> None:
        if position - self.last_bin >= _BINS:
            self._empty(slice(None))
        else:
            for passed in range(self.last_bin + 1, position + 1):
                self._empty(passed % _BINS)
        self.last_bin = max(self.last_bin, position)
        if np.isfinite(emotion).all():
            self.sums[position % _BINS] += emotion
            self.counts[position % _BINS] += 1

    def _empty(self, bins: int | slice) -> None:
        self.counts[bins] = 0
        self.sums[bins] = 0


class History:
    """Emotions of all faces over time, and the flags."""

    def __init__(self) -> None:
        self._tracks: dict[int, _Track] = {}
        self._frame_at = np.full(_BINS, -1)  # the bin of the newest frame that fell on each place
        self.flags: deque[Flag] = deque(maxlen=_FLAGS)
        self.now_s = float("-inf")

    def add(self, result: FrameResult, *, raw: bool = False) -> None:
        """Take over one result; an earlier time than before starts afresh.

        Args:
            result: The newest result.
            raw: Keep the numbers before smoothing over time.
        """
        time_s = result.frame.time_s
        if time_s < self.now_s:
            self.clear()
        self.now_s = time_s
        position = int(time_s / STEP_S)
        self._frame_at[position % _BINS] = position
        for prediction in result.raw_predictions if raw else result.predictions:
            track = self._tracks.get(prediction.track_id)
            if track is None:
                track = self._tracks[prediction.track_id] = self._new_track()
            track.add(position, prediction.emotion)

    def _new_track(self) -> _Track:
        """Return an empty track; of too many, the one that was seen longest ago gives way."""
        if len(self._tracks) >= _FACES:
            del self._tracks[min(self._tracks, key=lambda track_id: self._tracks[track_id].last_bin)]
        return _Track()

    def flag(self, label: str, time_s: float | None = None) -> Flag:
        """Set a flag and return it.

        Args:
            label: Its text.
            time_s: Where; None takes the time of the newest result.
        """
        flag = Flag(self.now_s if time_s is None else time_s, label)
        self.flags.append(flag)
        return flag

    def take_flag(self, flag: Flag) -> None:
        """Take a flag away; one that is gone already is no fault."""
        self.flags = deque((each for each in self.flags if each is not flag), maxlen=_FLAGS)

    def lines(self, track_id: int | None) -> tuple[npt.NDArray[np.float64], npt.NDArray[np.float64]] | None:
        """Return one face's emotions over the last 30 s, or None for a face that was never seen.

        Returns:
            Seconds before now (N,), from -30 to 0; probabilities (N, 8), NaN where there is no value.
        """
        track = None if track_id is None else self._tracks.get(track_id)
        if track is None:
            return None
        newest = int(self.now_s / STEP_S)
        positions = np.arange(newest - _BINS + 2, newest + 1)
        known = (positions >= 0) & (positions <= track.last_bin) & (positions > track.last_bin - _BINS)
        counts = np.where(known, track.counts[positions % _BINS], 0)
        values = np.full((len(positions), len(EMOTIONS)), np.nan)
        np.divide(track.sums[positions % _BINS], counts[:, None], out=values, where=counts[:, None] > 0)
        _bridge(values, self._frame_at[positions % _BINS] == positions)
        times_s = (positions + 0.5) * STEP_S - self.now_s
        return np.minimum(times_s, 0.0), values

    def clear(self) -> None:
        """Forget everything, flags too."""
        self._tracks.clear()
        self._frame_at[:] = -1
        self.flags.clear()
        self.now_s = float("-inf")


def _bridge(values: npt.NDArray[np.float64], framed: npt.NDArray[np.bool_]) -> None:
    """Join the ends of gaps in which no frame came, as a slow source leaves them.

    A frame in which the program abstained, or without the face, makes a gap however short.
    """
    full = np.flatnonzero(~np.isnan(values[:, 0]))
    if len(full) < 2:
        return
    empty = np.flatnonzero(np.isnan(values[:, 0]))
    empty = empty[(empty > full[0]) & (empty < full[-1])]
    after = np.searchsorted(full, empty)
    start, stop = full[after - 1], full[after]
    frames = np.cumsum(framed)
    crossed = (stop - start - 1 <= _LONGEST_BRIDGE) & (frames[stop - 1] == frames[start])
    empty, start, stop = empty[crossed], start[crossed], stop[crossed]
    shares = ((empty - start) / (stop - start))[:, None]
    values[empty] = values[start] + shares * (values[stop] - values[start])
