"""Half a cosine up to the peak rate, half a cosine down far below the first one.

Smith and Topin: Super-convergence: very fast training of neural networks using large learning rates, 2018, with the
cosines of torch's `OneCycleLR`, whose rates it gives to the last batch; unlike that, it stays there when a run goes on,
and the momentum is left alone.
"""

from __future__ import annotations

import math

from torch.optim import Optimizer

from training.schedules import Schedule, by_step, require_between, require_steps


def build(
    optimizer: Optimizer,
    *,
    total_steps: int,
    rise: float = 0.2,
    first_factor: float = 1 / 25,
    last_factor: float = 4e-6,
) -> Schedule:
    """Return the schedule.

    Args:
        optimizer: Made with the peak rate.
        total_steps: Batches of the whole training.
        rise: Share of the training in which the rate rises.
        first_factor: The first rate as a share of the peak.
        last_factor: The last rate as a share of the peak.

    Raises:
        ValueError: A setting is out of its range.
    """
    require_steps(total_steps)
    require_between("rise", rise, 0, 1)
    require_between("first_factor", first_factor, 0, 1, open_low=True)
    require_between("last_factor", last_factor, 0, 1)
    peak = rise * total_steps - 1
    last = total_steps - 1

    def factor(step: int) -> float:
        if step <= peak and peak > 0:
            return _cosine(first_factor, 1, step / peak)
        return _cosine(1, last_factor, min(1.0, (step - max(peak, 0)) / max(1.0, last - max(peak, 0))))

    return by_step(optimizer, factor)


def _cosine(start: float, end: float, done: float) -> float:
    return end + (start - end) * (1 + math.cos(math.pi * done)) / 2
