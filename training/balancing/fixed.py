"""Fixed weights, a number for each task (BK equation 3 with mu_t; all 1 there and by default)."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence

import torch

from training.balancing import Balancer


class Fixed(Balancer):
    """Weights that never move.

    Args:
        tasks: Names of the tasks.
        weights: Task -> weight from 0 on; None weighs all 1.

    Raises:
        ValueError: A task has no weight, or a weight is of no task or out of its range.
    """

    def __init__(self, tasks: Sequence[str], weights: Mapping[str, float] | None = None) -> None:
        super().__init__(tasks)
        given = dict.fromkeys(self.tasks, 1.0) if weights is None else dict(weights)
        if set(given) != set(self.tasks):
            raise ValueError(f"weights: expected {', '.join(self.tasks)}, found {', '.join(given) or 'none'}")
        if not all(math.isfinite(weight) and weight >= 0 for weight in given.values()):
            raise ValueError(f"weights: expected finite numbers from 0 on, found {given}")
        self.weights.copy_(torch.tensor([given[task] for task in self.tasks]))


def build(tasks: Sequence[str], weights: Mapping[str, float] | None = None) -> Balancer:
    """Return the balancer."""
    return Fixed(tasks, weights)


def example() -> Balancer:
    """Return a balancer of two tasks."""
    return build(("emotion", "age"), {"emotion": 1.0, "age": 0.5})
