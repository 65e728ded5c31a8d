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
        self.abstained = np.zeros(_BINS, dtype=np.bool_)
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
        else:
            self.abstained[position % _BINS] = True

    def _empty(self, bins: int | slice) -> None:
        self.counts[bins] = 0
        self.sums[bins] = 0
        self.abstained[bins] = False


class History:
    """Emotions of all faces over time, and the flags."""

    def __init__(self) -> None:
        self._tracks: dict[int, _Track] = {}
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

    def flag(self, label: str) -> Flag:
        """Set a flag at the time of the newest result and return it."""
        flag = Flag(self.now_s, label)
        self.flags.append(flag)
        return flag

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
        _bridge(values, known & track.abstained[positions % _BINS])
        times_s = (positions + 0.5) * STEP_S - self.now_s
        return np.minimum(times_s, 0.0), values

    def clear(self) -> None:
        """Forget everything, flags too."""
        self._tracks.clear()
        self.flags.clear()
        self.now_s = float("-inf")


def _bridge(values: npt.NDArray[np.float64], abstained: npt.NDArray[np.bool_]) -> None:
    """Fill single empty bins between full ones, which a slow source leaves; where the program abstained stays a gap."""
    empty = np.isnan(values[:, 0])
    lonely = np.flatnonzero(empty[1:-1] & ~abstained[1:-1] & ~empty[:-2] & ~empty[2:]) + 1
    values[lonely] = (values[lonely - 1] + values[lonely + 1]) / 2
