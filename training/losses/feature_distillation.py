"""A student learns to give its teacher's features: the hint loss.

Romero et al.: FitNets: hints for thin deep nets, ICLR 2015, equation 3, in the form of the hint loss (Georgescu et al.:
Teacher-student training and triplet loss to reduce the effect of drastic face occlusion, 2021, equation 3): the mean
squared distance between the embeddings of teacher and student. Where their widths differ, `FeatureMap`, a linear layer
that only training has, takes the student's features to the teacher's width.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn

from training.losses import MaskedLoss


class FeatureMap(nn.Module):
    """Pools shared features and maps them to the teacher's width; not exported.

    Args:
        features: Channels of the student's features.
        teacher_features: Width of the teacher's embedding.

    Raises:
        ValueError: A width is below 1.
    """

    def __init__(self, features: int, teacher_features: int) -> None:
        super().__init__()
        if min(features, teacher_features) < 1:
            raise ValueError(
                f"features, teacher_features: expected from 1 on, found {features} and {teacher_features}"
            )
        self.map = nn.Linear(features, teacher_features)

    def forward(self, features: Tensor) -> Tensor:
        """Return float (N, teacher_features) of features (N, F) or (N, F, h, w; pooled)."""
        mapped: Tensor = self.map(features.mean(dim=(2, 3)) if features.ndim == 4 else features)
        return mapped


class FeatureDistillationLoss(MaskedLoss):
    """Mean squared distance to the teacher's embedding; exactly 0, with gradient 0, where no picture has one."""

    def per_image(self, logits: Tensor, *labels: Tensor) -> tuple[Tensor, Tensor]:
        """Return each picture's mean squared distance, float (N,), and whether it has a teacher's row, bool (N,).

        Args:
            logits: float (N, F), the student's embedding, mapped to the teacher's width.
            labels: One tensor, float (N, F): the teacher's embedding; a row of NaN has none.

        Raises:
            ValueError: The widths differ.
        """
        (teacher,) = labels
        if logits.shape != teacher.shape:
            raise ValueError(
                f"student embedding: expected the teacher's shape {tuple(teacher.shape)}, found {tuple(logits.shape)}; "
                "put a FeatureMap between them"
            )
        labelled = ~teacher.isnan().any(dim=1)
        known = torch.where(labelled[:, None], teacher.float(), 0)
        return (logits.float() - known).square().mean(dim=1), labelled


def example() -> tuple[nn.Module, tuple[Tensor, ...]]:
    """Return the loss with inputs it accepts."""
    generator = torch.Generator().manual_seed(1)
    teacher = torch.randn(6, 16, generator=generator)
    teacher[1::3] = torch.nan
    return FeatureDistillationLoss(), (torch.randn(6, 16, generator=generator), teacher)
