"""The rate falls by a factor at given shares of the training."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Sequence

from torch.optim import Optimizer

from training.schedules import Schedule, by_step, require_between, require_steps


def build(
    optimizer: Optimizer, *, total_steps: int, at: Sequence[float] = (0.5, 0.75), factor: float = 0.1
) -> Schedule:
    """Return the schedule.

    Args:
        optimizer: Made with the initial rate.
        total_steps: Batches of the whole training.
        at: When the rate falls, as rising shares of the training.
        factor: What it is multiplied with each time.

    Raises:
        ValueError: A setting is out of its range.
    """
    require_steps(total_steps)
    require_between("factor", factor, 0, 1, open_low=True)
    for share in at:
        require_between("at", share, 0, 1)
    if list(at) != sorted(at):
        raise ValueError(f"at: expected rising shares of the training, found {list(at)}")
    falls = [round(share * total_steps) for share in at]
    return by_step(optimizer, lambda step: factor ** bisect_right(falls, step))
