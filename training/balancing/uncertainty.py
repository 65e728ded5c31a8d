"""Weights from each task's own noise.

Kendall, Gal, Cipolla: Multi-task learning using uncertainty to weigh losses for scene geometry and semantics, CVPR
2018, equation 10 for classes: L = sum_i exp(-s_i) L_i + s_i / 2 with s_i = log sigma_i^2, learned along with the
network; at its optimum task i weighs 1 / (2 L_i). The gradient for s_i is 1/2 - exp(-s_i) L_i, so the balancer takes
its own step of plain gradient descent (cut off at 1, so that a large first loss can't throw s far) and no optimizer
need know it. The term s_i / 2 moves no weight of the network and is not added. A task that a batch lacks is left out.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import torch
from torch import Tensor, nn

from training.balancing import Balancer


class Uncertainty(Balancer):
    """Weights exp(-s) with s learned by gradient descent.

    Args:
        tasks: Names of the tasks.
        learning_rate: Of s.

    Raises:
        ValueError: The rate is not between 0 and 1.
    """

    log_variances: Tensor

    def __init__(self, tasks: Sequence[str], learning_rate: float = 0.01) -> None:
        super().__init__(tasks)
        if not 0 < learning_rate < 1:
            raise ValueError(f"learning_rate: expected between 0 and 1, found {learning_rate!r}")
        self.learning_rate = learning_rate
        self.register_buffer("log_variances", torch.zeros(len(self.tasks)))

    def observe(self, losses: Mapping[str, Tensor], shared: nn.Parameter) -> None:
        """Take one step for the tasks that the batch has; the shared weight is not used."""
        values = self._values(losses)
        gradients = torch.where(values > 0, 0.5 - (-self.log_variances).exp() * values, 0)
        self.log_variances -= self.learning_rate * gradients.clamp(-1, 1)
        self.weights.copy_((-self.log_variances).exp())


def build(tasks: Sequence[str], learning_rate: float = 0.01) -> Balancer:
    """Return the balancer."""
    return Uncertainty(tasks, learning_rate)


def example() -> Balancer:
    """Return a balancer of two tasks."""
    return build(("emotion", "age"))
