"""Masked multi-class squared hinge over a mixed batch.

Sang and Cuong: Effective deep multi-source multi-task learning frameworks for smile detection, emotion recognition and
gender classification, 2018, equation 2: L_t = (1/N) sum_i alpha_i^t sum_{j != l_i} max(0, s_i(j) - s_i(l_i) + 1)^2. As
in `masked_cross_entropy` we divide by the labelled pictures. A row of votes counts as its most voted class.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn

from training.losses import MaskedLoss


class MaskedSquaredHinge(MaskedLoss):
    """Squared hinge with margin 1 of the pictures that have a label; exactly 0 where none has."""

    def per_image(self, logits: Tensor, *labels: Tensor) -> tuple[Tensor, Tensor]:
        """Return each picture's loss, float (N,), and whether it has a label, bool (N,).

        Args:
            logits: float (N, C), scores.
            labels: One tensor, float (N, C): rows of class shares; a row of NaN has no label.
        """
        (target,) = labels
        labelled = ~target.isnan().any(dim=1)
        scores = logits.float()
        truth = target.nan_to_num().argmax(dim=1, keepdim=True)
        violation = (scores - scores.gather(1, truth) + 1).clamp(min=0).square()
        return violation.scatter(1, truth, 0).sum(dim=1), labelled


def example() -> tuple[nn.Module, tuple[Tensor, ...]]:
    """Return the loss with inputs it accepts."""
    generator = torch.Generator().manual_seed(1)
    target = torch.eye(8)[torch.randint(0, 8, (6,), generator=generator)]
    target[::3] = torch.nan
    return MaskedSquaredHinge(), (torch.randn(6, 8, generator=generator), target)
