"""Spread loss on capsules' activations.

Hinton, Sabour and Frosst: Matrix capsules with EM routing, ICLR 2018, equation 3; equation 2.8 of the thesis behind
GF-CapsNet (Hosseini and Cho, 2019): L = sum_{i != t} max(0, m - (a_t - a_i))^2, where a_t is the activation of the true
class. The margin m starts at 0.05 and rises linearly to 0.95; `training.multi_task.capsule_loss` raises it. A row of votes
counts as its most voted class.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn

from training.losses import MaskedLoss

FIRST_MARGIN, LAST_MARGIN = 0.05, 0.95


class SpreadLoss(MaskedLoss):
    """Squared shortfall of the true class's lead, of the pictures that have a label; exactly 0 where none has.

    Args:
        margin: m, in (0, 1]; may be changed between steps.

    Raises:
        ValueError: The margin is out of its range.
    """

    def __init__(self, margin: float = LAST_MARGIN) -> None:
        super().__init__()
        if not 0 < margin <= 1:
            raise ValueError(f"margin: expected above 0 and at most 1, found {margin!r}")
        self.margin = margin

    def per_image(self, logits: Tensor, *labels: Tensor) -> tuple[Tensor, Tensor]:
        """Return each picture's loss, float (N,), and whether it has a label, bool (N,).

        Args:
            logits: float (N, C), of the activations.
            labels: One tensor, float (N, C): rows of class shares; a row of NaN has no label.
        """
        (target,) = labels
        labelled = ~target.isnan().any(dim=1)
        activations = logits.float().sigmoid()
        truth = target.nan_to_num().argmax(dim=1, keepdim=True)
        lead = activations.gather(1, truth) - activations
        shortfall = (self.margin - lead).clamp(min=0).square()
        return shortfall.scatter(1, truth, 0).sum(dim=1), labelled


def example() -> tuple[nn.Module, tuple[Tensor, ...]]:
    """Return the loss with inputs it accepts."""
    generator = torch.Generator().manual_seed(1)
    target = torch.eye(8)[torch.randint(0, 8, (6,), generator=generator)]
    target[::3] = torch.nan
    return SpreadLoss(), (torch.randn(6, 8, generator=generator), target)
