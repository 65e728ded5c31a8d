"""Columns at a regular rate, for formats that know no other: linear in between, missing across gaps."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from faceapp.session.reader import Session
from faceapp.session.segments import gap_of

Doubles = npt.NDArray[np.float64]
_HIGHEST_RATE_HZ = 240.0


@dataclass(frozen=True, slots=True, eq=False)
class RegularColumns:
    """Values of every face on one regular clock.

    Attributes:
        start_s: Time of the first value on the session's clock.
        rate_hz: Values a second.
        columns: Names of the columns.
        gap_s: Longer between two rows is a gap.
        faces: Face -> float64 (N, columns); NaN in gaps, before the first row and after the last.
    """

    start_s: float
    rate_hz: float
    columns: tuple[str, ...]
    gap_s: float
    faces: dict[int, Doubles]

    @property
    def resampling(self) -> str:
        """How it was made, in words for the file."""
        return (
            f"linear interpolation of irregularly timed frames to {self.rate_hz:g} Hz; "
            f"missing where the neighbours are more than {self.gap_s:g} s apart"
        )


def usual_rate_hz(session: Session) -> float:
    """Return the rate at which frames were analysed, a whole number where it is within 3% of one."""
    times_s = np.unique(session.column("time_s"))
    steps = np.diff(times_s)
    rate = min(1 / float(np.median(steps)), _HIGHEST_RATE_HZ) if len(steps) else 25.0
    whole = max(1, round(rate))
    return float(whole) if abs(rate - whole) <= 0.03 * rate else round(rate, 2)


def regular_columns(
    session: Session, columns: Sequence[str], rate_hz: float, start_s: float | None = None
) -> RegularColumns:
    """Return columns of all faces at a regular rate, from the first row to the last.

    Args:
        session: The session.
        columns: Names of columns of numbers.
        rate_hz: Values a second.
        start_s: Time of the first value on the session's clock, not after the first row; None takes that.
    """
    times_s, ids = session.column("time_s"), session.column("face_id")
    values = np.stack([session.column(name) for name in columns], axis=1)
    if start_s is None:
        start_s = float(times_s.min()) if len(times_s) else 0.0
    count = int(np.floor((float(times_s.max()) - start_s) * rate_hz + 1e-6)) + 1 if len(times_s) else 0
    clock_s = start_s + np.arange(count) / rate_hz
    gap_s = round(gap_of(times_s), 3)
    faces = {
        int(face): _interpolate(clock_s, times_s[ids == face], values[ids == face], gap_s)
        for face in np.unique(ids)
    }
    return RegularColumns(start_s, rate_hz, tuple(columns), gap_s, faces)


def _interpolate(clock_s: Doubles, times_s: Doubles, values: Doubles, gap_s: float) -> Doubles:
    made = np.full((len(clock_s), values.shape[1]), np.nan)
    for column in range(values.shape[1]):
        known = np.isfinite(values[:, column])
        times, numbers = times_s[known], values[known, column]
        if not len(times):
            continue
        times, first = np.unique(times, return_index=True)
        made[:, column] = np.interp(clock_s, times, numbers[first], left=np.nan, right=np.nan)
        after = np.searchsorted(times, clock_s - 1e-9).clip(0, len(times) - 1)
        before = (np.searchsorted(times, clock_s + 1e-9, side="right") - 1).clip(0)
        made[times[after] - times[before] > gap_s, column] = np.nan
    return made
