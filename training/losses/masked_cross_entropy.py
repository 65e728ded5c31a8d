"""Masked cross-entropy over a mixed batch.

Sang and Cuong: Effective deep multi-source multi-task learning frameworks for smile detection, emotion recognition and
gender classification, 2018, equation 1: L_t = -(1/N) sum_i alpha_i^t sum_j y_i^t(j) log yhat_i^t(j), where alpha_i^t is
1 when picture i carries a label of task t. y may be one-hot or a distribution of votes (FER+, Barsoum et al. 2016). We
divide by the number of labelled pictures, so that a task's weight does not depend on its share of the batch; `over_all`
(`--set loss.mean_over=all`) divides by N as printed.

Label smoothing (Szegedy et al.: Rethinking the Inception architecture, CVPR 2016, section 7): y' = (1 - e) y + e / C.
Class weights multiply y', so that rare classes count; both are torch's own.
"""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor, nn
from torch.nn import functional

from training.losses import MaskedLoss


class MaskedCrossEntropy(MaskedLoss):
    """Cross-entropy of the pictures that have a label; exactly 0, with gradient 0, where none has.

    Args:
        label_smoothing: e, from 0 to below 1.
        class_weights: A weight for each class, for example from `inverse_frequency`; None weighs all alike.

    Raises:
        ValueError: An argument is out of its range.
    """

    class_weights: Tensor | None

    def __init__(self, label_smoothing: float = 0.0, class_weights: Sequence[float] | None = None) -> None:
        super().__init__()
        if not 0 <= label_smoothing < 1:
            raise ValueError(f"label_smoothing: expected 0 to below 1, found {label_smoothing!r}")
        weights = None if class_weights is None else torch.tensor(list(class_weights), dtype=torch.float32)
        if weights is not None and not (weights.isfinite().all() and (weights >= 0).all() and weights.any()):
            raise ValueError(f"class_weights: expected finite weights from 0 on, found {weights.tolist()}")
        self.label_smoothing = label_smoothing
        self.register_buffer("class_weights", weights, persistent=False)

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
            weight=self.class_weights,
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


def class_counts(targets: Tensor) -> Tensor:
    """Return how many labelled pictures each class has, float (C,), from rows of shares, float (N, C)."""
    return targets.nansum(dim=0)


def inverse_frequency(counts: Tensor, power: float = 1.0) -> list[float]:
    """Return class weights in proportion to 1 / count^power, whose mean over the pictures is 1.

    Args:
        counts: float (C,), pictures of each class; a class without any gets weight 0.
        power: 1 balances the classes fully, 0.5 is the usual compromise.

    Raises:
        ValueError: No class has a picture.
    """
    return _normalised(counts.double().clamp(min=1e-12) ** -power, counts)


def effective_number(counts: Tensor, beta: float = 0.999) -> list[float]:
    """Return class weights in proportion to (1 - beta) / (1 - beta^count), whose mean over the pictures is 1.

    Cui et al.: Class-balanced loss based on effective number of samples, CVPR 2019, equation 2. They scale the weights
    to a sum of C; we scale to a mean of 1 over the pictures, so that the task's loss keeps its size.

    Args:
        counts: float (C,), pictures of each class; a class without any gets weight 0.
        beta: From 0 (no weights) to below 1 (towards inverse frequency).

    Raises:
        ValueError: No class has a picture, or beta is out of its range.
    """
    if not 0 <= beta < 1:
        raise ValueError(f"beta: expected 0 to below 1, found {beta!r}")
    return _normalised((1 - beta) / (1 - beta ** counts.double().clamp(min=1e-12)), counts)


def _normalised(weights: Tensor, counts: Tensor) -> list[float]:
    if not (counts > 0).any() or (counts < 0).any():
        raise ValueError(f"counts: expected pictures in at least one class, found {counts.tolist()}")
    weights = torch.where(counts > 0, weights, 0)
    return [float(weight) for weight in weights * counts.sum() / (weights * counts).sum()]


def example() -> tuple[nn.Module, tuple[Tensor, ...]]:
    """Return the loss with inputs it accepts."""
    generator = torch.Generator().manual_seed(1)
    target = torch.rand(6, 8, generator=generator).softmax(dim=1)
    target[1::2] = torch.nan
    return MaskedCrossEntropy(), (torch.randn(6, 8, generator=generator), target)
