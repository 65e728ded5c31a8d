"""A linear warm-up, then half a cosine down to the last rate.

Loshchilov and Hutter: SGDR: stochastic gradient descent with warm restarts, ICLR 2017, equation 5, one period and no
restart; the warm-up is that of Goyal et al.: Accurate, large minibatch SGD, 2017, section 2.2.
"""

from __future__ import annotations

import math

from torch.optim import Optimizer

from training.schedules import Schedule, by_step, require_between, require_steps


def build(
    optimizer: Optimizer, *, total_steps: int, warm_up: float = 0.05, last_factor: float = 0.0
) -> Schedule:
    """Return the schedule.

    Args:
        optimizer: Made with the peak rate.
        total_steps: Batches of the whole training.
        warm_up: Share of the training in which the rate rises from near 0 to the peak, below 1.
        last_factor: The last rate as a share of the peak.

    Raises:
        ValueError: A setting is out of its range.
    """
    require_steps(total_steps)
    require_between("warm_up", warm_up, 0, 0.99)
    require_between("last_factor", last_factor, 0, 1)
    rising = round(warm_up * total_steps)

    def factor(step: int) -> float:
        if step < rising:
            return (step + 1) / (rising + 1)
        done = min(1.0, (step - rising) / max(1, total_steps - rising))
        return last_factor + (1 - last_factor) * (1 + math.cos(math.pi * done)) / 2

    return by_step(optimizer, factor)
