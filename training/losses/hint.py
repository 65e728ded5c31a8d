"""Hint teacher-student training: the student learns the labels and the teacher's embedding at once.

Georgescu et al.: Teacher-student training and triplet loss to reduce the effect of drastic face occlusion, 2021, equation 3,
after Romero et al.: FitNets: hints for thin deep nets, ICLR 2015:

    L = lambda * mean squared distance(S(x'), T(x)) + (1 - lambda) * L_labels(y, student(x'))

x' is the hidden face, x the same face in full, S and T the embeddings of student and teacher (see
`training.blocks.multi_task.MultiTaskNet.embedding`). The paper takes it for gender and age, whose outputs have too few
components to tell what a teacher knows. The distance is the mean over an embedding's components.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn

from training.losses.feature_distillation import FeatureDistillationLoss


class HintLoss(nn.Module):
    """Weighted sum of the distance between embeddings and the loss of the labels.

    Args:
        weight: lambda, from 0 (labels alone) to 1 (hints alone).

    Raises:
        ValueError: The weight is outside.
    """

    def __init__(self, weight: float = 0.5) -> None:
        super().__init__()
        if not 0 <= weight <= 1:
            raise ValueError(f"weight: expected from 0 to 1, found {weight!r}")
        self.weight = weight
        self.distance = FeatureDistillationLoss()

    def forward(self, student: Tensor, teacher: Tensor, supervised: Tensor) -> Tensor:
        """Return the scalar loss.

        Args:
            student: float (N, E), embeddings of the hidden faces.
            teacher: float (N, E), the teacher's of the full faces; a row of NaN has none.
            supervised: float (N,), each face's loss against its label.
        """
        hint: Tensor = self.distance(student, teacher)
        return self.weight * hint + (1 - self.weight) * supervised.float().mean()


def example() -> tuple[nn.Module, tuple[Tensor, ...]]:
    """Return the loss with inputs it accepts."""
    generator = torch.Generator().manual_seed(1)
    student, teacher = torch.randn(2, 6, 16, generator=generator)
    return HintLoss(), (student, teacher, torch.rand(6, generator=generator))
