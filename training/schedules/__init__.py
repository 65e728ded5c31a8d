"""One learning-rate schedule a file; here is what they share.

Every file has `build(optimizer, *, total_steps, **own settings) -> Schedule`. The rate that the optimizer was made with
is the initial rate, for one-cycle and warm-up the peak. The loop calls `step()` after every batch, and after every epoch
`observe(loss)` where the schedule has it. After `total_steps` the last rate stays.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any, Protocol, runtime_checkable

from torch.optim import Optimizer
from torch.optim.lr_scheduler import LambdaLR


class Schedule(Protocol):
    """What the loop needs of a schedule; torch's own have it too."""

    def step(self) -> None:
        """Count a batch and set the next rate."""

    def state_dict(self) -> dict[str, Any]:
        """Return plain numbers for a checkpoint."""

    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        """Go on from a checkpoint; the optimizer's own state holds the rate."""


@runtime_checkable
class WatchingSchedule(Schedule, Protocol):
    """A schedule that wants to know the loss."""

    def observe(self, loss: float) -> None:
        """Learn the mean training loss of the epoch that ended."""


class Watching:
    """Base of the schedules that watch the loss: the rate is a factor times the initial one, which `observe` moves.

    Attributes:
        factor: The present rate as a share of the initial one.
        steps: Batches so far.
    """

    def __init__(self, optimizer: Optimizer) -> None:
        self.optimizer = optimizer
        self.factor = 1.0
        self.steps = 0
        for group in optimizer.param_groups:
            group.setdefault("initial_lr", group["lr"])

    def step(self) -> None:
        """Count a batch; the rate moves only after an epoch."""
        self.steps += 1

    def get_last_lr(self) -> list[float]:
        """Return the present rate of each parameter group."""
        return [group["lr"] for group in self.optimizer.param_groups]

    def set_factor(self, factor: float) -> None:
        """Set the rate of each parameter group to its initial one times the factor."""
        self.factor = factor
        for group in self.optimizer.param_groups:
            group["lr"] = group["initial_lr"] * factor

    def state_dict(self) -> dict[str, Any]:
        """Return plain numbers for a checkpoint."""
        return {name: value for name, value in vars(self).items() if name != "optimizer"}

    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        """Go on from a checkpoint.

        Raises:
            ValueError: The state is of another kind of schedule.
        """
        own = set(vars(self)) - {"optimizer"}
        if set(state_dict) != own:
            raise ValueError(
                f"schedule state: expected {sorted(own)}, found {sorted(state_dict)}; use the same schedule"
            )
        vars(self).update(state_dict)
        self.set_factor(self.factor)


def by_step(optimizer: Optimizer, factor: Callable[[int], float]) -> LambdaLR:
    """Return the schedule whose rate is the initial one times a factor of the number of batches so far."""
    return LambdaLR(optimizer, factor)


def require_steps(total_steps: int) -> None:
    """Check the number of batches of a training.

    Raises:
        ValueError: It is no whole number from 1 on.
    """
    if not isinstance(total_steps, int) or isinstance(total_steps, bool) or total_steps < 1:
        raise ValueError(f"total_steps: expected a whole number from 1 on, found {total_steps!r}")


def require_between(name: str, value: float, low: float, high: float, open_low: bool = False) -> None:
    """Check that a setting is a finite number from low to high.

    Args:
        name: Of the setting.
        value: Of the setting.
        low: Least value; not itself allowed when `open_low`.
        high: Largest value.
        open_low: Whether the value must be above `low`.

    Raises:
        ValueError: It is not.
    """
    fits = isinstance(value, (int, float)) and math.isfinite(value) and low <= value <= high
    if not fits or (open_low and value == low):
        raise ValueError(
            f"{name}: expected {'above ' if open_low else ''}{low:g} to {high:g}, found {value!r}"
        )


def require_loss(loss: float) -> None:
    """Check a loss that a schedule is to learn from.

    Raises:
        ValueError: It is not finite.
    """
    if not math.isfinite(loss):
        raise ValueError(f"loss: expected a finite number, found {loss!r}; lower the learning rate")
