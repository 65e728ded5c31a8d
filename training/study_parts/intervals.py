"""A difference of two ways of training with its interval over seeds and faces."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from scipy import stats

from training.errors import RecipeError


@dataclass(frozen=True, slots=True)
class SeedsAndFaces:
    """The mean difference of two variants that were trained with the same seeds and tested on the same faces.

    Attributes:
        first: Mean score of the first.
        second: Mean score of the second.
        difference: First minus second.
        low: Lower end of the 95% interval; NaN with one seed, which says nothing about other seeds.
        high: Upper end.
        faces_low: Lower end over faces only, for these seeds.
        faces_high: Upper end.
        seeds: How many.
        faces: How many.
    """

    first: float
    second: float
    difference: float
    low: float
    high: float
    faces_low: float
    faces_high: float
    seeds: int
    faces: int


def seeds_and_faces(
    first: Sequence[npt.NDArray[np.float32]],
    second: Sequence[npt.NDArray[np.float32]],
    subjects: npt.NDArray[np.str_],
) -> SeedsAndFaces:
    """Return the difference, with seeds and people both drawn from many.

    Each per-face difference is a seed's part, a person's part and a rest, so the variance of the mean is s_seed^2 / S +
    s_face^2 / N: of the seeds' means, and of the faces' means over the seeds, those of a person taken together. The rest is
    in both, which makes the interval a little wide. Student's t has Satterthwaite's degrees of freedom.

    Args:
        first: A seed's scores of the faces, float (N,), NaN where a face does not count.
        second: The same seeds of the other variant.
        subjects: (N,) who the faces show.

    Raises:
        RecipeError: The two have other seeds or faces.
    """
    if not first or len(first) != len(second) or {len(one) for one in (*first, *second)} != {len(subjects)}:
        raise RecipeError(
            f"study: expected the same seeds and faces on both sides, found {len(first)} and {len(second)} seeds"
        )
    one, two = (np.stack(side).astype(np.float64) for side in (first, second))
    counts = np.isfinite(one).all(axis=0) & np.isfinite(two).all(axis=0)
    one, two = one[:, counts], two[:, counts]
    gaps = one - two
    mean = float(gaps.mean())
    of_faces = _variance_over_people(gaps.mean(axis=0), subjects[counts])
    faces_half = float(stats.norm.ppf(0.975)) * of_faces**0.5
    half = float("nan")
    if len(gaps) > 1:
        of_seeds = float(gaps.mean(axis=1).var(ddof=1)) / len(gaps)
        half = _half_width(of_seeds, of_faces, len(gaps), int(counts.sum()))
    return SeedsAndFaces(
        first=float(one.mean()),
        second=float(two.mean()),
        difference=mean,
        low=mean - half,
        high=mean + half,
        faces_low=mean - faces_half,
        faces_high=mean + faces_half,
        seeds=len(gaps),
        faces=int(counts.sum()),
    )


def _half_width(of_seeds: float, of_faces: float, seeds: int, faces: int) -> float:
    whole = of_seeds + of_faces
    if not whole:
        return 0.0
    freedom = whole**2 / (of_seeds**2 / (seeds - 1) + of_faces**2 / (faces - 1))
    return float(stats.t.ppf(0.975, freedom)) * float(whole**0.5)


def _variance_over_people(gaps: npt.NDArray[np.float64], subjects: npt.NDArray[np.str_]) -> float:
    """Return the variance of the mean, with the faces of a person moving together."""
    people, person = np.unique(subjects, return_inverse=True)
    sums = np.bincount(person, weights=gaps - gaps.mean(), minlength=len(people))
    if len(people) < 2:
        raise RecipeError(
            "study: expected faces of two people or more, found one; there is nothing to draw from"
        )
    return float((sums**2).sum() / len(gaps) ** 2 * len(people) / (len(people) - 1))


def answer(found: SeedsAndFaces, thesis: float | None, scale: float, unit: str) -> str:
    """Return in words whether "the first is better" holds.

    Args:
        found: The difference, above 0 where the first is better.
        thesis: By how much it is better in the thesis, in the unit; None where it gives no number.
        scale: From the difference to the unit.
        unit: "points" or "years".
    """
    low, high = scale * found.low, scale * found.high
    if not np.isfinite(low):
        return "can't be told: one seed"
    smaller = thesis is not None and high < thesis
    if low > 0:
        return f"holds, but by less than the thesis's {thesis:.1f} {unit}" if smaller else "holds"
    if high < 0:
        return "does not hold: the other way round"
    if smaller:
        return f"does not hold in the thesis's size: {thesis:.1f} {unit} lie outside the interval"
    return f"can't be told: anything from {low:+.1f} to {high:+.1f} {unit} fits"
