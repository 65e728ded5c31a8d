"""Mixup: each face of a batch is blended with another of its set, labels and all.

Zhang, Cisse, Dauphin, Lopez-Paz: mixup: beyond empirical risk minimization, ICLR 2018, equation 1:
x = l x_i + (1 - l) x_j, y = l y_i + (1 - l) y_j, l ~ Beta(alpha, alpha).

Two faces are blended only when they are of the same set, so that they carry the same labels; where one of them lacks a
label all the same, the blend lacks it too, because half of it is unknown. Partners are near in age where ages are
known (Yao et al.: C-Mixup: improving generalization in regression, NeurIPS 2022): the mean age of a child and an old
man is an age that neither shows, and vote shares and classes mix as well between any two faces. l is drawn for each
face, not once a batch, and is at least 1/2 (the two faces only change roles), so that a blend shows its own face more.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

AGE = "age_years"
SOURCE = "source"
RACE = "race"


def mixup(
    batch: dict[str, Tensor], alpha: float, random: np.random.Generator, age_spread_years: float = 5.0
) -> dict[str, Tensor]:
    """Return a new batch of blends; the given one stays as it is.

    Args:
        batch: `image`, `source` (N,) int64 and labels, N rows each. Every floating tensor is blended, also a teacher's
            probabilities; `race`, a class number that is never trained on, becomes NaN where faces were blended;
            what is not floating stays, as `source` must not differ within a pair.
        alpha: Strength; 0 blends nothing, 0.2 is usual.
        random: Source of chance.
        age_spread_years: Deviation of the noise that shuffles ages before neighbours are paired.

    Raises:
        ValueError: alpha is not from 0 on, the spread not above 0, or the batch lacks `source`.
    """
    if not (alpha >= 0 and np.isfinite(alpha) and age_spread_years > 0):
        raise ValueError(
            f"alpha, age_spread_years: expected from 0 on and above 0, found {alpha!r} and {age_spread_years!r}"
        )
    if SOURCE not in batch:
        raise ValueError(f"batch: expected {SOURCE!r}, found {', '.join(batch)}; mixup needs each face's set")
    if alpha == 0:
        return dict(batch)
    ages = batch[AGE].cpu().numpy() if AGE in batch else np.full(len(batch[SOURCE]), np.nan, np.float32)
    partners = pair(batch[SOURCE].cpu().numpy(), ages, random, age_spread_years)
    drawn = random.beta(alpha, alpha, len(partners))
    shares = np.where(partners == np.arange(len(partners)), 1, np.maximum(drawn, 1 - drawn))
    return {
        name: _blend(name, values, torch.from_numpy(partners), torch.from_numpy(shares))
        for name, values in batch.items()
    }


def pair(
    source: npt.NDArray[np.int64],
    age_years: npt.NDArray[np.float32],
    random: np.random.Generator,
    age_spread_years: float,
) -> npt.NDArray[np.int64]:
    """Return each face's partner: of the same set, near in age where ages are known, itself where it is alone.

    Args:
        source: (N,), number of each face's set.
        age_years: (N,), NaN where unknown.
        random: Source of chance.
        age_spread_years: Deviation of the noise on the ages.

    Returns:
        (N,) positions.
    """
    known = ~np.isnan(age_years)
    noisy = np.nan_to_num(age_years) + random.normal(0, age_spread_years, len(source))
    keys = np.where(known, noisy, random.random(len(source)))
    order = np.lexsort((keys, known, source))
    partners = np.arange(len(source))
    for kind in np.unique(np.column_stack([source, known]), axis=0):
        members = order[(source[order] == kind[0]) & (known[order] == kind[1])]
        if len(members) > 1:
            partners[members] = np.append(members[1:], members[-2])
    return partners


def _blend(name: str, values: Tensor, partners: Tensor, shares: Tensor) -> Tensor:
    if not values.is_floating_point():
        return values
    partners, shares = partners.to(values.device), shares.to(values.device, values.dtype)
    share = shares.reshape(-1, *[1] * (values.ndim - 1))
    if name == RACE:
        return torch.where(share < 1, torch.nan, values)
    # A face without partner keeps its numbers exactly.
    return torch.where(share < 1, share * values + (1 - share) * values[partners], values)
