"""Masked cross-entropy over a mixed batch (BK4).

Sang and Cuong 2018, equation 1: L_t = -(1/N) sum_i alpha_i^t sum_j y_i^t(j) log yhat_i^t(j), where alpha_i^t is 1 when
picture i carries a label of task t. y may be one-hot or a distribution of votes (FER+, Barsoum et al. 2016). We divide
by the number of labelled pictures, not by the whole batch, so that a task's weight does not depend on its share of it.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional


class MaskedCrossEntropy(nn.Module):
    """Cross-entropy of the pictures that have a label; exactly 0, with gradient 0, where none has."""

    def forward(self, logits: Tensor, target: Tensor) -> Tensor:
        """Return the loss.

        Args:
            logits: float (N, C).
            target: float (N, C), rows sum to 1; a row of NaN has no label.

        Returns:
            Scalar.
        """
        labelled = ~target.isnan().any(dim=1)
        if not labelled.any():
            return logits.sum() * 0
        return functional.cross_entropy(logits[labelled].float(), target[labelled])


def one_hot(labels: Tensor, classes: int) -> Tensor:
    """Return rows of class shares; NaN labels give rows of NaN.

    Args:
        labels: float (N,), class numbers or NaN.
        classes: Number of classes.

    Returns:
        float (N, classes).
    """
    missing = labels.isnan()
    rows = functional.one_hot(labels.nan_to_num().long(), classes).float()
    rows[missing] = torch.nan
    return rows


def example() -> tuple[nn.Module, tuple[Tensor, ...]]:
    """Return the loss with inputs it accepts."""
    generator = torch.Generator().manual_seed(1)
    target = torch.rand(6, 8, generator=generator).softmax(dim=1)
    target[1::2] = torch.nan
    return MaskedCrossEntropy(), (torch.randn(6, 8, generator=generator), target)
