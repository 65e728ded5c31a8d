"""The rate falls when the loss stalls, and every fifth time it returns to the initial rate.

Hosseini, Shabani, Cho: Distill-2MD-MTL: data distillation based on multi-dataset multi-domain multi-task framework,
2019 (thesis, section 4.3): "network gets feedback from loss difference between iteration and if it seems not decreasing
enough it will decrease learning rate (lr_{T+1} = lr_T * 0.1^(current-training-step / 10k)) and in each kth times [...]
instead of decreasing learning rate, we will increase it to the initial learning rate [...], as a result, the minimum
learning rates in each cycle, step k-1 in each cycle, will be equal to the same value as if the learning rate has been
exponentially decreased"; k = 5, initial rate "10e-2".

How we read it. (1) Multiplying the present rate again and again with a power of the whole step count would fall far
below any exponential curve and contradict the last clause, so a fall lands on the curve itself: rate = initial *
0.1^(step / 10000); the k-1st fall of a cycle is then its lowest rate and lies on the curve, as the text says. (2) "10k"
is 10,000 steps, not 10 times k. (3) The text names no threshold and no interval: the loss stalls when the mean of an
epoch is not at least `threshold` (a share) below that of the epoch before. (4) Between stalls the rate stays.

We add a linear warm-up, which the text lacks and without which a VGG without batch normalisation diverges.
"""

from __future__ import annotations

import math

from torch.optim import Optimizer

from training.schedules import Watching, WatchingSchedule, require_between, require_loss, require_steps


class Dynamic(Watching):
    """Falls onto an exponential curve at each stall, back to the initial rate at every k-th; see `build`."""

    def __init__(
        self,
        optimizer: Optimizer,
        decay: float,
        decay_steps: float,
        cycle: int,
        threshold: float,
        warm_up_steps: int,
    ) -> None:
        super().__init__(optimizer)
        self.decay = decay
        self.decay_steps = decay_steps
        self.cycle = cycle
        self.threshold = threshold
        self.warm_up_steps = warm_up_steps
        self.previous_loss = math.inf
        self.stalls = 0
        self._warm_up()

    def step(self) -> None:
        """Count a batch; while warming up the rate rises."""
        super().step()
        self._warm_up()

    def _warm_up(self) -> None:
        if self.steps <= self.warm_up_steps and self.warm_up_steps:
            self.set_factor(min(1.0, (self.steps + 1) / (self.warm_up_steps + 1)))

    def observe(self, loss: float) -> None:
        """Learn the mean training loss of the epoch that ended.

        Raises:
            ValueError: It is not finite.
        """
        require_loss(loss)
        previous, self.previous_loss = self.previous_loss, loss
        if (
            self.steps < self.warm_up_steps
            or math.isinf(previous)
            or loss < previous - self.threshold * abs(previous)
        ):
            return
        self.stalls += 1
        returns = self.stalls % self.cycle == 0
        self.set_factor(1.0 if returns else self.decay ** (self.steps / self.decay_steps))


def build(
    optimizer: Optimizer,
    *,
    total_steps: int,
    decay: float = 0.1,
    decay_steps: float = 10_000,
    cycle: int = 5,
    threshold: float = 0.01,
    warm_up_steps: int = 0,
) -> WatchingSchedule:
    """Return the schedule.

    Args:
        optimizer: Made with the initial rate.
        total_steps: Batches of the whole training; the rate does not depend on them.
        decay: What the curve falls by in `decay_steps` batches; shorten these for a short training.
        decay_steps: Batches.
        cycle: k: every k-th stall returns to the initial rate.
        threshold: The loss stalls when it is not at least this share below that of the epoch before.
        warm_up_steps: Batches in which the rate rises linearly to the initial one; 0 for none, as published.

    Raises:
        ValueError: A setting is out of its range.
    """
    require_steps(total_steps)
    require_between("decay", decay, 0, 1, open_low=True)
    require_between("decay_steps", decay_steps, 0, 1e12, open_low=True)
    require_between("cycle", cycle, 2, 1e6)
    require_between("threshold", threshold, 0, 1)
    require_between("warm_up_steps", warm_up_steps, 0, 1e9)
    return Dynamic(optimizer, decay, decay_steps, cycle, threshold, warm_up_steps)
