"""Long columns made short enough to draw: of all rows behind one pixel the lowest and the highest stay."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

Doubles = npt.NDArray[np.float64]
_AWAY = 1e-6


def thin(
    times_s: Doubles, values: Doubles, range_s: tuple[float, float], columns: int, gap_s: float
) -> tuple[Doubles, Doubles]:
    """Return what is to be drawn of a stretch of time.

    Args:
        times_s: (N,), rising.
        values: (N, K), NaN where there is none.
        range_s: The stretch; the rows next to it on both sides are kept, so that lines leave the picture.
        columns: Pixels the stretch is wide.
        gap_s: Longer without a row is a gap in the lines.

    Returns:
        Times (M,) rising and values (M, K), with rows of NaN in gaps; M is at most about 4 times `columns`.
    """
    first = max(int(np.searchsorted(times_s, range_s[0])) - 1, 0)
    last = min(int(np.searchsorted(times_s, range_s[1], side="right")) + 1, len(times_s))
    times_s, values = times_s[first:last], values[first:last]
    if len(times_s) <= 2 * columns:
        return with_gaps(times_s, values, gap_s)
    step_s = (range_s[1] - range_s[0]) / columns
    bins = np.floor((times_s - range_s[0]) / step_s)
    starts = np.flatnonzero(np.diff(bins, prepend=bins[0] - 1))
    low, high = np.fmin.reduceat(values, starts, axis=0), np.fmax.reduceat(values, starts, axis=0)
    shown = np.stack([low, high], axis=1).reshape(-1, values.shape[1])
    middles = range_s[0] + (bins[starts] + 0.5) * step_s
    middles = np.clip(middles, times_s[0], times_s[-1])
    return with_gaps(np.repeat(middles, 2), shown, max(gap_s, 1.5 * step_s))


def with_gaps(times_s: Doubles, values: Doubles, gap_s: float) -> tuple[Doubles, Doubles]:
    """Return times and values with a row of NaN wherever more than `gap_s` passes between two rows."""
    places = np.flatnonzero(np.diff(times_s) > gap_s) + 1
    if not len(places):
        return times_s, values
    empty = np.full((len(places), values.shape[1]), np.nan)
    return np.insert(times_s, places, times_s[places - 1] + _AWAY), np.insert(values, places, empty, axis=0)


def value_range(values: Doubles) -> tuple[float, float]:
    """Return the lowest and the highest of all values with some air around; (0, 1) where there are none."""
    known = values[np.isfinite(values)]
    if not len(known):
        return 0.0, 1.0
    low, high = float(known.min()), float(known.max())
    air = (high - low) * 0.06 or max(abs(high), 1.0) * 0.05
    return low - air, high + air
