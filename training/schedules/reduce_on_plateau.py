"""The rate falls when the training loss stops improving (BKNet's ResNets, the progressive networks).

BK: from 0.05, a tenth whenever the training loss stops improving: the defaults. PN: from 0.0001, half once the loss
stagnates twice in a row: `factor=0.5, patience=2`. Neither says what counts as improving; here it is a loss at least
`threshold` (a share) below the best so far.
"""

from __future__ import annotations

import math

from torch.optim import Optimizer

from training.schedules import Watching, WatchingSchedule, require_between, require_loss, require_steps


class ReduceOnPlateau(Watching):
    """Multiplies the rate with a factor after some epochs without a better loss; `build` describes the settings."""

    def __init__(
        self, optimizer: Optimizer, factor: float, patience: int, threshold: float, last_factor: float
    ) -> None:
        super().__init__(optimizer)
        self.fall = factor
        self.patience = patience
        self.threshold = threshold
        self.last_factor = last_factor
        self.best_loss = math.inf
        self.epochs_without = 0

    def observe(self, loss: float) -> None:
        """Learn the mean training loss of the epoch that ended.

        Raises:
            ValueError: It is not finite.
        """
        require_loss(loss)
        if loss < self.best_loss - self.threshold * abs(self.best_loss) or math.isinf(self.best_loss):
            self.best_loss = loss
            self.epochs_without = 0
            return
        self.epochs_without += 1
        if self.epochs_without >= self.patience:
            self.epochs_without = 0
            self.set_factor(max(self.last_factor, self.factor * self.fall))


def build(
    optimizer: Optimizer,
    *,
    total_steps: int,
    factor: float = 0.1,
    patience: int = 1,
    threshold: float = 1e-3,
    last_factor: float = 1e-4,
) -> WatchingSchedule:
    """Return the schedule.

    Args:
        optimizer: Made with the initial rate.
        total_steps: Batches of the whole training; the rate does not depend on them.
        factor: What the rate is multiplied with.
        patience: Epochs in a row without a better loss after which it falls.
        threshold: What makes a loss better: at least this share below the best.
        last_factor: The rate never falls under this share of the initial one.

    Raises:
        ValueError: A setting is out of its range.
    """
    require_steps(total_steps)
    require_between("factor", factor, 0, 1, open_low=True)
    require_between("patience", patience, 1, 1e6)
    require_between("threshold", threshold, 0, 1)
    require_between("last_factor", last_factor, 0, 1)
    return ReduceOnPlateau(optimizer, factor, patience, threshold, last_factor)
