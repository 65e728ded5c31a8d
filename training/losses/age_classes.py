"""Age as classes, read from the head over the years 0 to 100: a group's probability is the sum of its years'.

Equation 2.3 of the thesis behind GF-CapsNet (Hosseini and Cho, 2019) and Distill-2MD-MTL is the softmax loss over the
age groups of a set: L = -log p_g. There the head has one output a group. Here p_g = sum_{y in g} p_y / sum_{y in any
group} p_y on the head that all age losses share, so groups of several sets, exact ages and ranges train one head. Years
that no group names (Adience leaves gaps) are never right or wrong and get no gradient.
"""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor, nn

from training.losses import MaskedLoss
from training.losses.age_distribution import OLDEST_YEARS

Groups = Sequence[tuple[int, int]]

ADIENCE: Groups = ((0, 2), (4, 6), (8, 13), (15, 20), (25, 32), (38, 43), (48, 53), (60, OLDEST_YEARS))
"""First and last year of the groups of Eidinger, Enbar, Hassner: Age and gender estimation of unfiltered faces, 2014."""
GALLAGHER: Groups = ((0, 2), (3, 7), (8, 12), (13, 19), (20, 36), (37, 65), (66, OLDEST_YEARS))
"""First and last year of the groups of Gallagher and Chen: Understanding images of groups of people, CVPR 2009."""
SINGLE_YEARS: Groups = tuple((year, year) for year in range(OLDEST_YEARS + 1))
"""Every year its own class: plain softmax loss over 101 classes."""

AGE_GROUPS: dict[str, Groups] = {"adience": ADIENCE, "gallagher": GALLAGHER, "single_years": SINGLE_YEARS}


def age_groups(name: str) -> Groups:
    """Return the groups of a name.

    Raises:
        ValueError: No such groups.
    """
    if name not in AGE_GROUPS:
        raise ValueError(f"age groups: expected one of {', '.join(AGE_GROUPS)}, found {name!r}")
    return AGE_GROUPS[name]


class AgeClassLoss(MaskedLoss):
    """Cross-entropy over groups of years; exactly 0, with gradient 0, where no age falls into a group.

    Args:
        groups: First and last year of every group, both inside, in rising order; gaps are allowed.

    Raises:
        ValueError: Groups overlap, are out of order or leave 0 to 100.
    """

    members: Tensor

    def __init__(self, groups: Groups = ADIENCE) -> None:
        super().__init__()
        ends = [year for group in groups for year in group]
        rising = all(
            low <= high < following
            for low, high, following in zip(ends[::2], ends[1::2], [*ends[2::2], 101], strict=True)
        )
        if not ends or ends[0] < 0 or not rising:
            raise ValueError(
                f"groups: expected rising (first, last) years from 0 to {OLDEST_YEARS} that don't overlap, found {groups!r}"
            )
        self.groups = tuple(groups)
        years = torch.arange(OLDEST_YEARS + 1)
        members = torch.stack([(years >= low) & (years <= high) for low, high in groups])
        self.register_buffer("members", members, persistent=False)

    def per_image(self, logits: Tensor, *labels: Tensor) -> tuple[Tensor, Tensor]:
        """Return each picture's loss, float (N,), and whether it counts, bool (N,).

        Args:
            logits: float (N, 101).
            labels: Age in years, float (N,); or two such tensors, the lowest and the highest age it may be. NaN where
                unknown. A range of whole years keeps its own limits; an exact age (both the same, or the highest NaN)
                stands for its whole group. Ages over 100 count as 100.

        Raises:
            ValueError: A lowest age is above its highest (looked for on the CPU only).
        """
        low_years, high_years = labels if len(labels) == 2 else (labels[0], labels[0])
        right = self._right_years(low_years, torch.where(high_years.isnan(), low_years, high_years))
        labelled = right.any(dim=1)
        logits = logits.float()
        named = self.members.any(dim=0)
        inside = logits.masked_fill(~(right | ~labelled[:, None]), -torch.inf).logsumexp(dim=1)
        return logits.masked_fill(~named, -torch.inf).logsumexp(dim=1) - inside, labelled

    def group_log_probs(self, logits: Tensor) -> Tensor:
        """Return the log-probability of every group, float (N, groups), from logits, float (N, 101)."""
        spread = logits.float()[:, None, :].masked_fill(~self.members, -torch.inf)
        return spread.logsumexp(dim=2).log_softmax(dim=1)

    def group_of(self, age_years: Tensor) -> Tensor:
        """Return the number of each age's group, int64 (N,), -1 where it is unknown or falls into a gap."""
        member = self.members.T[_whole_years(age_years)] & ~age_years.isnan()[:, None]
        return torch.where(member.any(dim=1), member.int().argmax(dim=1), -1)

    def _right_years(self, low_years: Tensor, high_years: Tensor) -> Tensor:
        """Return which years are right for each picture, bool (N, 101), none where it has no label."""
        # The readers have checked every label; a GPU would have to stop and answer here.
        if low_years.device.type == "cpu" and (low_years > high_years).any():
            raise ValueError(
                "age_low_years: expected no more than age_high_years, found more; check the set's labels"
            )
        low, high = _whole_years(low_years), _whole_years(high_years)
        years = torch.arange(OLDEST_YEARS + 1, device=low.device)
        between = (years >= low[:, None]) & (years <= high[:, None]) & self.members.any(dim=0)
        whole_group = (
            self.members[self.group_of(low_years).clamp(min=0)] & (self.group_of(low_years) >= 0)[:, None]
        )
        right = torch.where((low == high)[:, None], whole_group, between)
        return right & ~low_years.isnan()[:, None]


def _whole_years(age_years: Tensor) -> Tensor:
    return age_years.nan_to_num().clamp(0, OLDEST_YEARS).long()


def example() -> tuple[nn.Module, tuple[Tensor, ...]]:
    """Return the loss with inputs it accepts."""
    generator = torch.Generator().manual_seed(1)
    low_years, high_years = torch.tensor([[1.0, torch.nan, 25.0, 30.5], [1.0, torch.nan, 32.0, 30.5]])
    return AgeClassLoss(), (torch.randn(4, OLDEST_YEARS + 1, generator=generator), low_years, high_years)
