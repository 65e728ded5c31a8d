"""Whether one method is better than another: tests on pictures that both predicted, and on repeated trainings."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, TypeVar

import numpy as np
import numpy.typing as npt
from scipy import stats

from training.errors import RecipeError
from training.measuring.resampling import RESAMPLES, Weights, resampling

Number = TypeVar("Number", np.bool_, np.float64)

_FEW_DISCORDANT = 25


@dataclass(frozen=True, slots=True)
class McNemar:
    """McNemar's test of two classifiers on the same pictures.

    Attributes:
        first_only: Pictures that the first alone got right.
        second_only: Pictures that the second alone got right.
        statistic: Chi squared with continuity correction, or the smaller of the two counts when exact.
        p_value: Two-sided.
        kind: "exact" or "corrected".
    """

    first_only: int
    second_only: int
    statistic: float
    p_value: float
    kind: Literal["exact", "corrected"]


@dataclass(frozen=True, slots=True)
class FiveByTwo:
    """Dietterich's 5x2 cv paired t test.

    Attributes:
        t: Statistic with 5 degrees of freedom.
        p_value: Two-sided.
        mean_difference: First minus second, over the ten tests, in the score's unit.
    """

    t: float
    p_value: float
    mean_difference: float


@dataclass(frozen=True, slots=True)
class PairedDifference:
    """A paired bootstrap.

    Attributes:
        difference: Mean of first minus second, in the scores' unit.
        low: Lower end of its 95% interval.
        high: Upper end.
        p_value: Two-sided.
        count: Pictures.
    """

    difference: float
    low: float
    high: float
    p_value: float
    count: int


def mcnemar(
    first: npt.ArrayLike, second: npt.ArrayLike, kind: Literal["exact", "corrected", ""] = ""
) -> McNemar:
    """Test whether two classifiers differ on the same pictures.

    McNemar 1947, with continuity correction as in Dietterich: Approximate statistical tests for comparing supervised
    classification learning algorithms, 1998, section 3.1; or exactly, from the binomial distribution.

    Args:
        first: bool (N,), whether the first classifier was right.
        second: bool (N,).
        kind: "exact", "corrected" or empty: exact below 25 pictures on which just one was right.

    Raises:
        RecipeError: The two are of different lengths.
    """
    one, two = _paired(np.asarray(first, dtype=np.bool_), np.asarray(second, dtype=np.bool_))
    first_only, second_only = int((one & ~two).sum()), int((~one & two).sum())
    discordant = first_only + second_only
    kind = kind or ("exact" if discordant < _FEW_DISCORDANT else "corrected")
    if kind == "exact":
        fewer = min(first_only, second_only)
        p_value = float(stats.binomtest(fewer, discordant).pvalue) if discordant else 1.0
        return McNemar(first_only, second_only, float(fewer), p_value, "exact")
    statistic = max(0, abs(first_only - second_only) - 1) ** 2 / discordant if discordant else 0.0
    p_value = float(stats.chi2.sf(statistic, 1))
    return McNemar(first_only, second_only, statistic, p_value, "corrected")


def five_by_two(differences: npt.ArrayLike) -> FiveByTwo:
    """Test whether two ways of training differ, from five repetitions of two-fold cross-validation.

    Dietterich 1998, section 3.5: t = p_1^(1) / sqrt(mean of s_i^2), where p_i^(j) is the difference in fold j of
    repetition i and s_i^2 = (p_i^(1) - m_i)^2 + (p_i^(2) - m_i)^2 around the repetition's mean m_i. Where all differences
    are alike the variance is 0: t is then infinite, or 0 where they are all 0.

    Args:
        differences: float (5, 2), score of the first minus score of the second.

    Raises:
        RecipeError: Another shape.
    """
    found = np.asarray(differences, dtype=np.float64)
    if found.shape != (5, 2):
        raise RecipeError(f"5x2 cv: expected differences of shape (5, 2), found {found.shape}")
    variance = float(found.var(axis=1).sum() * 2 / 5)
    first = float(found[0, 0])
    t = first / np.sqrt(variance) if variance else float(np.copysign(np.inf, first)) if first else 0.0
    return FiveByTwo(float(t), float(2 * stats.t.sf(abs(t), 5)), float(found.mean()))


def paired_bootstrap(
    first: npt.ArrayLike, second: npt.ArrayLike, subjects: npt.ArrayLike | None = None
) -> PairedDifference:
    """Test whether two models' mean scores differ on the same pictures.

    The p value is twice the share of resamples on the other side of 0, at least 2 / (resamples + 1) (Efron and
    Tibshirani: An introduction to the bootstrap, 1993, chapter 13).

    Args:
        first: float (N,), for example 1 for a hit and 0 for a miss, or absolute errors in years.
        second: float (N,).
        subjects: (N,) who the pictures show, to draw people instead of pictures; None draws pictures.

    Raises:
        RecipeError: The two are of different lengths.
    """
    one, two = _paired(np.asarray(first, dtype=np.float64), np.asarray(second, dtype=np.float64))
    draws = resampling(len(one) if subjects is None else subjects)
    gaps = one - two

    def mean(weights: Weights) -> npt.NDArray[np.float64]:
        means: npt.NDArray[np.float64] = weights @ gaps / weights.sum(axis=1)
        return means

    found = draws.values(mean)
    beyond = min(int((found <= 0).sum()), int((found >= 0).sum()))
    low, high = np.percentile(found, [2.5, 97.5])
    p_value = min(1.0, 2 * (beyond + 1) / (RESAMPLES + 1))
    return PairedDifference(float(gaps.mean()), float(low), float(high), p_value, len(gaps))


def _paired(
    one: npt.NDArray[Number], two: npt.NDArray[Number]
) -> tuple[npt.NDArray[Number], npt.NDArray[Number]]:
    """Return both lists, checked to be of the same pictures."""
    if one.shape != two.shape or one.ndim != 1 or not one.size:
        raise RecipeError(
            f"paired test: expected two lists of the same pictures, found shapes {one.shape} and {two.shape}"
        )
    return one, two
