"""Masked cross-entropy over a mixed batch.

Sang and Cuong: Effective deep multi-source multi-task learning frameworks for smile detection, emotion recognition and
gender classification, 2018, equation 1: L_t = -(1/N) sum_i alpha_i^t sum_j y_i^t(j) log yhat_i^t(j), where alpha_i^t is
1 when picture i carries a label of task t. y may be one-hot or a distribution of votes (FER+, Barsoum et al. 2016). We
divide by the number of labelled pictures, so that a task's weight does not depend on its share of the batch; `over_all`
(`--set loss.mean_over=all`) divides by N as printed.

Label smoothing (Szegedy et al.: Rethinking the Inception architecture, CVPR 2016, section 7): y' = (1 - e) y + e / C.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional

from training.losses import MaskedLoss


class MaskedCrossEntropy(MaskedLoss):
    """Cross-entropy of the pictures that have a label; exactly 0, with gradient 0, where none has.

    Args:
        label_smoothing: e, from 0 to below 1.

    Raises:
        ValueError: An argument is out of its range.
    """

    def __init__(self, label_smoothing: float = 0.0) -> None:
        super().__init__()
        if not 0 <= label_smoothing < 1:
            raise ValueError(f"label_smoothing: expected 0 to below 1, found {label_smoothing!r}")
        self.label_smoothing = label_smoothing

    def per_image(self, logits: Tensor, *labels: Tensor) -> tuple[Tensor, Tensor]:
        """Return each picture's loss, float (N,), and whether it has a label, bool (N,).

        Args:
            logits: float (N, C).
            labels: One tensor, float (N, C): rows sum to 1; a row of NaN has no label.
        """
        (target,) = labels
        labelled = ~target.isnan().any(dim=1)
        losses = functional.cross_entropy(
            logits.float(),
            torch.where(labelled[:, None], target, 0).float(),
            label_smoothing=self.label_smoothing,
            reduction="none",
        )
        return losses, labelled


def one_hot(labels: Tensor, classes: int) -> Tensor:
    """Return rows of class shares; NaN labels give rows of NaN.

    A label between two neighbouring numbers shares itself between them, so a mixed label of two classes stays right:
    0.3 gives (0.7, 0.3).

    Args:
        labels: float (N,), class numbers from 0 to classes - 1, or NaN.
        classes: Number of classes.

    Returns:
        float (N, classes).

    Raises:
        ValueError: A label is no class (looked for on the CPU only).
    """
    # The readers have checked every label; a GPU would have to stop and answer here.
    if labels.device.type == "cpu" and ((labels < 0) | (labels > classes - 1)).any():
        found = labels[~labels.isnan()]
        raise ValueError(
            f"labels: expected 0 to {classes - 1} or NaN, found {found.min():g} to {found.max():g}; check the set's labels"
        )
    distance = (labels[:, None] - torch.arange(classes, device=labels.device)).abs()
    return (1 - distance).clamp(min=0).float()


def example() -> tuple[nn.Module, tuple[Tensor, ...]]:
    """Return the loss with inputs it accepts."""
    generator = torch.Generator().manual_seed(1)
    target = torch.rand(6, 8, generator=generator).softmax(dim=1)
    target[1::2] = torch.nan
    return MaskedCrossEntropy(), (torch.randn(6, 8, generator=generator), target)
