"""One loss a file, each an `nn.Module` from tensors to a scalar; here is what the masked ones share."""

from __future__ import annotations

import torch
from torch import Tensor, nn


class MaskedLoss(nn.Module):
    """Mean over the pictures that have a label; a subclass says each picture's loss.

    Attributes:
        over_all: Divide by all pictures of the batch, as some papers print it, instead of by the labelled ones: a task's
            loss then shrinks with its share of the batch.
    """

    over_all = False

    def per_image(self, logits: Tensor, *labels: Tensor) -> tuple[Tensor, Tensor]:
        """Return each picture's loss and whether it counts.

        Args:
            logits: float (N, C).
            labels: The labels, N rows each, NaN where missing.

        Returns:
            float (N,), finite also where no label is; bool (N,).
        """
        raise NotImplementedError(f"{type(self).__name__}: expected its own per_image, found none")

    def forward(self, logits: Tensor, *labels: Tensor) -> Tensor:
        """Return the scalar mean; exactly 0, with gradient 0, where no picture has a label."""
        losses, labelled = self.per_image(logits, *labels)
        mean = mean_of_labelled(losses, labelled)
        return mean * labelled.float().mean() if self.over_all else mean


def mean_of_labelled(losses: Tensor, labelled: Tensor) -> Tensor:
    """Return the mean of the losses that count.

    No picture is picked out by position, so shapes stay fixed and a GPU need not wait for the count.

    Args:
        losses: float (N,), finite everywhere.
        labelled: bool (N,).

    Returns:
        Scalar; exactly 0, with gradient 0, where none counts.
    """
    return torch.where(labelled, losses, 0).sum() / labelled.sum().clamp(min=1)
