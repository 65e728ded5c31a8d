"""Age as a distribution over the years 0 to 100.

Gao et al.: Age estimation using expectation of label distribution learning (DLDL-v2), IJCAI 2018: the target is a
Gaussian around the true age; the loss is its Kullback-Leibler divergence (here the cross-entropy, which differs by a
constant) plus a weighted absolute error of the expectation. Pictures without age are masked as in multi-task BKNet.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional

from training.losses import MaskedLoss

OLDEST_YEARS = 100


class AgeDistributionLoss(MaskedLoss):
    """Cross-entropy to a Gaussian around the age plus the absolute error of the expected age.

    Args:
        std_years: Deviation of the target Gaussian.
        expectation_weight: Weight of one year of absolute error against one nat.

    Raises:
        ValueError: An argument is out of its range.
    """

    years: Tensor

    def __init__(self, std_years: float = 2.5, expectation_weight: float = 0.2) -> None:
        super().__init__()
        if not (std_years > 0 and expectation_weight >= 0):
            raise ValueError(
                "std_years, expectation_weight: expected above 0 and from 0 on, "
                f"found {std_years!r} and {expectation_weight!r}"
            )
        self.std_years = std_years
        self.expectation_weight = expectation_weight
        self.register_buffer("years", torch.arange(OLDEST_YEARS + 1, dtype=torch.float32), persistent=False)

    def per_image(self, logits: Tensor, *labels: Tensor) -> tuple[Tensor, Tensor]:
        """Return each picture's loss, float (N,), and whether its age is known, bool (N,).

        Args:
            logits: float (N, 101).
            labels: One tensor, float (N,): age in years, NaN where unknown; ages over 100 count as 100.
        """
        (age_years,) = labels
        age = age_years.nan_to_num().clamp(0, OLDEST_YEARS)
        log_probs = functional.log_softmax(logits.float(), dim=1)
        target = torch.softmax(-((self.years - age[:, None]) ** 2) / (2 * self.std_years**2), dim=1)
        expectation = (log_probs.exp() * self.years).sum(dim=1)
        losses = -(target * log_probs).sum(dim=1) + self.expectation_weight * (expectation - age).abs()
        return losses, ~age_years.isnan()


def example() -> tuple[nn.Module, tuple[Tensor, ...]]:
    """Return the loss with inputs it accepts."""
    generator = torch.Generator().manual_seed(1)
    ages = torch.tensor([3.0, torch.nan, 40.0, 101.0])
    return AgeDistributionLoss(), (torch.randn(4, OLDEST_YEARS + 1, generator=generator), ages)
