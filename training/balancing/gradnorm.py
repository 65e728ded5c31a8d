"""Weights that even out how strongly and how fast the tasks train.

Chen, Badrinarayanan, Lee, Rabinovich: GradNorm: gradient normalization for adaptive loss balancing in deep multitask
networks, ICML 2018. With W the last shared weight, G_i = ||grad_W w_i L_i||, G their mean, and the inverse training
rate r_i = (L_i / L_i(0)) / mean_j (L_j / L_j(0)), the weights minimise (equation 2)

    L_grad = sum_i |G_i - G r_i^alpha|, the target held constant,

and are then scaled to sum to the number of tasks (algorithm 1; alpha 1.5, rate 0.025 with Adam, section 5).

Because G_i = w_i ||grad_W L_i||, the gradient of L_grad is sign(G_i - G r_i^alpha) ||grad_W L_i||, so no second backward
pass is needed. We differ: a task that a batch lacks is left out and keeps its weight; the sum is kept over the others;
and no weight falls under 0.001, where Adam's step could turn it negative. L_i(0) is the loss of the task's first batch,
or given, for example log C for C classes (the paper's advice where the first loss depends on chance).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import torch
from torch import Tensor, nn

from training.balancing import Balancer

_LEAST_WEIGHT = 1e-3
_FIRST_MOMENT, _SECOND_MOMENT, _EPSILON = 0.9, 0.999, 1e-8


class GradNorm(Balancer):
    """Weights learned from the norms of the tasks' gradients at the last shared weight.

    Args:
        tasks: Names of the tasks.
        alpha: How strongly slow tasks are pulled ahead; 0 only evens out the norms.
        learning_rate: Of the weights.
        initial_losses: Task -> L_i(0); None takes each task's first loss.

    Raises:
        ValueError: An argument is out of its range.
    """

    initial_losses: Tensor
    first_moments: Tensor
    second_moments: Tensor
    updates: Tensor

    def __init__(
        self,
        tasks: Sequence[str],
        alpha: float = 1.5,
        learning_rate: float = 0.025,
        initial_losses: Mapping[str, float] | None = None,
    ) -> None:
        super().__init__(tasks)
        if alpha < 0 or not 0 < learning_rate < 1:
            raise ValueError(
                f"alpha, learning_rate: expected from 0 on and between 0 and 1, found {alpha!r} and {learning_rate!r}"
            )
        if initial_losses is not None and (
            set(initial_losses) != set(self.tasks) or min(initial_losses.values()) <= 0
        ):
            raise ValueError(
                f"initial_losses: expected one above 0 for each of {', '.join(self.tasks)}, found {dict(initial_losses)}"
            )
        self.alpha = alpha
        self.learning_rate = learning_rate
        first = [torch.nan if initial_losses is None else initial_losses[task] for task in self.tasks]
        self.register_buffer("initial_losses", torch.tensor(first))
        for name in ("first_moments", "second_moments", "updates"):
            self.register_buffer(name, torch.zeros(len(self.tasks)))

    def observe(self, losses: Mapping[str, Tensor], shared: nn.Parameter) -> None:
        """Take one step of equation 2 for the tasks that the batch has."""
        values = self._values(losses)
        norms = self._norms(losses, shared)
        present = values > 0
        first = self.initial_losses.isnan() & present
        self.initial_losses.copy_(torch.where(first, values, self.initial_losses))
        if present.sum() < 2:
            return
        ratios = torch.where(present, values / self.initial_losses, 0)
        rates = ratios / _mean_of(ratios, present)
        weighted = self.weights * norms
        targets = _mean_of(weighted, present) * rates**self.alpha
        self._step(torch.sign(weighted - targets) * norms, present)

    def _norms(self, losses: Mapping[str, Tensor], shared: nn.Parameter) -> Tensor:
        """Return the norm of each task's gradient at the shared weight, float (tasks,); 0 where it is absent."""
        norms = torch.zeros_like(self.weights)
        for number, task in enumerate(self.tasks):
            if task in losses and losses[task].requires_grad:
                (gradient,) = torch.autograd.grad(losses[task], shared, retain_graph=True, allow_unused=True)
                if gradient is not None:
                    norms[number] = gradient.float().norm()
        return norms

    def _step(self, gradients: Tensor, present: Tensor) -> None:
        """Take one step of Adam with the present tasks' weights and scale them back to the sum they had."""
        self.updates += present
        for moments, decay, value in (
            (self.first_moments, _FIRST_MOMENT, gradients),
            (self.second_moments, _SECOND_MOMENT, gradients.square()),
        ):
            moments.copy_(torch.where(present, decay * moments + (1 - decay) * value, moments))
        updates = self.updates.clamp(min=1)
        direction = self.first_moments / (1 - _FIRST_MOMENT**updates)
        scale = (self.second_moments / (1 - _SECOND_MOMENT**updates)).sqrt() + _EPSILON
        moved = (self.weights - self.learning_rate * direction / scale).clamp(min=_LEAST_WEIGHT)
        kept_sum = self.weights[present].sum()
        self.weights.copy_(torch.where(present, moved * kept_sum / moved[present].sum(), self.weights))


def _mean_of(values: Tensor, present: Tensor) -> Tensor:
    return torch.where(present, values, 0).sum() / present.sum()


def build(
    tasks: Sequence[str],
    alpha: float = 1.5,
    learning_rate: float = 0.025,
    initial_losses: Mapping[str, float] | None = None,
) -> Balancer:
    """Return the balancer."""
    return GradNorm(tasks, alpha, learning_rate, initial_losses)


def example() -> Balancer:
    """Return a balancer of two tasks."""
    return build(("emotion", "age"))
