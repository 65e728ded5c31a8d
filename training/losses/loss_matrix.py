"""The losses of a mixed batch as a matrix of pictures and tasks, times a mask (GF7).

Hosseini, Shabani, Cho: Distill-2MD-MTL: data distillation based on multi-dataset multi-domain multi-task framework,
2019 (thesis, section 3.1): L (b x t) holds the loss of picture i in task j; M (b x t) holds the task's coefficient
alpha_j where picture i has a label of task j, and 0 elsewhere; the loss of the batch is their dot product. As printed
this is a sum, so a task's weight grows with its share of the batch. Divided by the labelled pictures of each task it
equals the weighted masked losses of the other files; divided by the batch it is equation 1 of BK4.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Literal, get_args

import torch
from torch import Tensor, nn

from training.losses import MaskedLoss

DivideBy = Literal["labelled", "batch", "nothing"]


class LossMatrix(nn.Module):
    """Dot product of the matrix of losses and the mask of coefficients.

    Args:
        coefficients: alpha_j of each task, in the order of the columns.
        divide_by: "labelled" (each column by its labelled pictures), "batch" or "nothing" (as printed).

    Raises:
        ValueError: An argument is out of its range.
    """

    coefficients: Tensor

    def __init__(self, coefficients: Sequence[float], divide_by: DivideBy = "labelled") -> None:
        super().__init__()
        if not coefficients or min(coefficients) < 0:
            raise ValueError(
                f"coefficients: expected one from 0 on for each task, found {list(coefficients)}"
            )
        if divide_by not in get_args(DivideBy):
            raise ValueError(f"divide_by: expected {', '.join(get_args(DivideBy))}, found {divide_by!r}")
        self.divide_by = divide_by
        self.register_buffer(
            "coefficients", torch.tensor(coefficients, dtype=torch.float32), persistent=False
        )

    def forward(self, losses: Tensor, labelled: Tensor) -> Tensor:
        """Return the scalar loss of the batch.

        Args:
            losses: float (N, tasks), finite everywhere, L.
            labelled: bool (N, tasks), where picture i has a label of task j.
        """
        return self.columns(losses, labelled).sum()

    def columns(self, losses: Tensor, labelled: Tensor) -> Tensor:
        """Return the weighted loss of each task, float (tasks,), from the same arguments as `forward`."""
        mask = torch.where(labelled, self.coefficients, 0)
        sums = torch.where(labelled, losses * mask, 0).sum(dim=0)
        if self.divide_by == "labelled":
            return sums / labelled.sum(dim=0).clamp(min=1)
        return sums / len(losses) if self.divide_by == "batch" else sums


def matrix_of(
    losses: Mapping[str, MaskedLoss], outputs: Mapping[str, Tensor], labels: Mapping[str, Tensor]
) -> tuple[Tensor, Tensor]:
    """Return the matrix of losses, float (N, tasks), and where pictures have labels, bool (N, tasks).

    Args:
        losses: Task -> loss that knows each picture's part; the order of the columns.
        outputs: Task -> logits, float (N, classes of the task).
        labels: Task -> labels as the task's loss takes them, N rows, NaN where missing.
    """
    columns = [loss.per_image(outputs[task], labels[task]) for task, loss in losses.items()]
    return torch.stack([column for column, _ in columns], dim=1), torch.stack(
        [has for _, has in columns], dim=1
    )


def example() -> tuple[nn.Module, tuple[Tensor, ...]]:
    """Return the loss with inputs it accepts."""
    losses = torch.rand(6, 3, generator=torch.Generator().manual_seed(1))
    labelled = torch.tensor([[True, False, False], [False, True, True]]).repeat(3, 1)
    return LossMatrix([1.0, 0.5, 2.0]), (losses, labelled)
