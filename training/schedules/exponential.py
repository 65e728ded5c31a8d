"""The rate falls by 0.8 every 10,000 batches, smoothly.

Sang and Cuong: Effective deep multi-source multi-task learning frameworks for smile detection, emotion recognition and
gender classification, 2018, equation 4: rate(m) = rate(0) * 0.8^(m / 10000).
"""

from __future__ import annotations

from torch.optim import Optimizer

from training.schedules import Schedule, by_step, require_between, require_steps


def build(
    optimizer: Optimizer, *, total_steps: int, decay: float = 0.8, decay_steps: float = 10_000
) -> Schedule:
    """Return the schedule.

    Args:
        optimizer: Made with the initial rate (0.01 in the paper).
        total_steps: Batches of the whole training; the rate does not depend on them, as in the paper.
        decay: What the rate is multiplied with in `decay_steps` batches.
        decay_steps: Batches.

    Raises:
        ValueError: A setting is out of its range.
    """
    require_steps(total_steps)
    require_between("decay", decay, 0, 1, open_low=True)
    require_between("decay_steps", decay_steps, 0, 1e12, open_low=True)
    return by_step(optimizer, lambda step: decay ** (min(step, total_steps) / decay_steps))
