"""One way to balance the tasks' losses a file; here is what they share.

Every file has `build(tasks, **own settings) -> Balancer` and `example() -> Balancer`. In a run of several processes each
one must be given the losses and gradients of the whole batch, as the loop does; then all keep the same weights.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import torch
from torch import Tensor, nn

from training.errors import RecipeError


class Balancer(nn.Module):
    """Weighs the losses of the tasks; its state is in `state_dict`, and no optimizer need know it.

    Attributes:
        tasks: Names, in the order of the weights.
        weights: float (tasks,).
    """

    weights: Tensor

    def __init__(self, tasks: Sequence[str]) -> None:
        super().__init__()
        if not tasks or len(set(tasks)) != len(tasks):
            raise ValueError(f"tasks: expected at least one name, each once, found {list(tasks)}")
        self.tasks = tuple(tasks)
        self.register_buffer("weights", torch.ones(len(self.tasks)))

    def weigh(self, losses: Mapping[str, Tensor], shared: nn.Parameter) -> dict[str, Tensor]:
        """Return task -> weighted loss, for the loop to sum; in training mode the weights move on first.

        Args:
            losses: Task -> scalar. A task that a batch lacks is absent, or exactly 0.
            shared: The last weight of the shared trunk.

        Raises:
            RecipeError: A task that the balancer does not know.
        """
        unknown = [task for task in losses if task not in self.tasks]
        if unknown:
            raise RecipeError(
                f"losses: expected tasks of {', '.join(self.tasks)}, found {', '.join(unknown)}; name them to the balancer"
            )
        if self.training:
            self.observe(losses, shared)
        return {task: self.weights[self.tasks.index(task)].clone() * loss for task, loss in losses.items()}

    def observe(self, losses: Mapping[str, Tensor], shared: nn.Parameter) -> None:
        """Move the weights on by what one batch shows; the arguments are those of `weigh`."""

    def _values(self, losses: Mapping[str, Tensor]) -> Tensor:
        """Return the losses as float (tasks,) without gradient; 0 where a task is absent."""
        absent = torch.zeros((), device=self.weights.device)
        return torch.stack(
            [losses[task].detach().float() if task in losses else absent for task in self.tasks]
        )
