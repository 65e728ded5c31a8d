"""Age as a number: the mean absolute error of the expected age.

Equation 2.4 of the thesis behind GF-CapsNet (Hosseini and Cho, 2019) and Distill-2MD-MTL prints L = -(1/M)
sum_i |yhat_i - y_i| with M the largest age. We drop the sign, which would reward errors, and divide by the number of
labelled pictures, so the loss reads in years. The estimate is the expectation of the head over the years 0 to 100
(Rothe et al.: Deep expectation of real and apparent age, IJCV 2018), so one head serves as classes, as distribution
and as regression, and its deviation stays readable.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn

from training.losses import MaskedLoss
from training.losses.age_distribution import OLDEST_YEARS


class AgeRegressionLoss(MaskedLoss):
    """Mean absolute error in years of the pictures whose age is known; exactly 0 where none is."""

    years: Tensor

    def __init__(self) -> None:
        super().__init__()
        self.register_buffer("years", torch.arange(OLDEST_YEARS + 1, dtype=torch.float32), persistent=False)

    def per_image(self, logits: Tensor, *labels: Tensor) -> tuple[Tensor, Tensor]:
        """Return each picture's absolute error in years, float (N,), and whether its age is known, bool (N,).

        Args:
            logits: float (N, 101).
            labels: One tensor, float (N,): age in years, NaN where unknown; ages over 100 count as 100.
        """
        (age_years,) = labels
        expectation = (logits.float().softmax(dim=1) * self.years).sum(dim=1)
        age = age_years.nan_to_num().clamp(0, OLDEST_YEARS)
        return (expectation - age).abs(), ~age_years.isnan()


def example() -> tuple[nn.Module, tuple[Tensor, ...]]:
    """Return the loss with inputs it accepts."""
    generator = torch.Generator().manual_seed(1)
    ages = torch.tensor([3.0, torch.nan, 40.0, 101.0])
    return AgeRegressionLoss(), (torch.randn(4, OLDEST_YEARS + 1, generator=generator), ages)
