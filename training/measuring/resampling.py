"""The bootstrap: how far a figure would move on other pictures, or on other people, of the same kind."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable

import numpy as np
import numpy.typing as npt

Weights = npt.NDArray[np.float64]
"""float64 (R, N): how often each of R resamples holds each of N pictures."""

Statistic = Callable[[Weights], npt.NDArray[np.float64]]
"""Weights (R, N) -> the figure of each resample, (R,); NaN where a resample has nothing to measure."""

RESAMPLES = 2000
SEED = 20260101

_BLOCK = 200
"""Resamples turned into float at a time: 200 x 20,000 pictures are 32 MB."""


@dataclasses.dataclass(frozen=True, slots=True, eq=False)
class Resampling:
    """Draws with replacement from the pictures of one set, shared by all figures on it.

    Where a subject has several pictures, subjects are drawn with all their pictures (cluster bootstrap; Field and
    Welsh: Bootstrapping clustered data, 2007): three frames of one smile are not three pieces of evidence.

    Attributes:
        counts: uint8 (R, N), how often each resample holds each picture; no row where intervals are not wanted.
        subject: int64 (N,), who each picture shows, as a number.
    """

    counts: npt.NDArray[np.uint8]
    subject: npt.NDArray[np.int64]

    def __len__(self) -> int:
        return int(self.counts.shape[1])

    def chosen(self, mask: npt.NDArray[np.bool_]) -> Resampling:
        """Return the same draws, of some of the pictures; mask is (N,)."""
        return dataclasses.replace(self, counts=self.counts[:, mask], subject=self.subject[mask])

    @property
    def subjects(self) -> int:
        """How many different subjects there are: the independent pieces of evidence."""
        return len(np.unique(self.subject))

    def value(self, statistic: Statistic) -> float:
        """Return the figure of the pictures themselves, each once."""
        return float(statistic(np.ones((1, len(self))))[0])

    def values(self, statistic: Statistic) -> npt.NDArray[np.float64]:
        """Return the figure of every resample, (R,)."""
        blocks = [
            statistic(self.counts[start : start + _BLOCK].astype(np.float64))
            for start in range(0, len(self.counts), _BLOCK)
        ]
        return np.concatenate([np.zeros(0), *blocks])

    def interval(self, statistic: Statistic) -> tuple[float, float]:
        """Return the 95% percentile interval of a figure; NaN without resamples, and for fewer than two subjects."""
        found = self.values(statistic) if self.subjects > 1 else np.zeros(0)
        found = found[np.isfinite(found)]
        if not found.size:
            return float("nan"), float("nan")
        low, high = np.percentile(found, [2.5, 97.5])
        return float(low), float(high)


def resampling(subjects: npt.ArrayLike | int, resamples: int = RESAMPLES) -> Resampling:
    """Return the draws for a set: the same ones for the same subjects, on every machine.

    Args:
        subjects: (N,) who each picture shows, or the number of pictures where each stands for itself.
        resamples: Draws; 0 where intervals are not wanted.
    """
    count = subjects if isinstance(subjects, int) else len(np.asarray(subjects))
    subject = np.arange(count) if isinstance(subjects, int) else np.unique(subjects, return_inverse=True)[1]
    different = int(subject.max()) + 1 if count else 0
    random = np.random.default_rng(SEED)
    counts = np.zeros((resamples, count), dtype=np.uint8)
    for row in counts if count else ():
        row[:] = np.bincount(random.integers(0, different, different), minlength=different)[subject]
    return Resampling(counts=counts, subject=subject)
