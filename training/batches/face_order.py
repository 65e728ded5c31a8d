"""Which faces come when: random rounds over a set, and which set's turn it is; any place is found at once.

Nothing here remembers where it stands, so a resumed run starts in the middle of an epoch, workers make batches in any
order and each of several processes knows the whole batch.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache

import numpy as np
import numpy.typing as npt

from training.errors import DatasetError

Positions = npt.NDArray[np.int64]


class EndlessOrder:
    """The faces of one set in random order, again and again.

    Args:
        positions: Which faces of the set.
        weights: float (len(positions),), how often each comes in relation to the others; None: equally often.
        seed: Makes the order repeatable; different sets take different ones.

    Raises:
        DatasetError: A weight is negative or not finite, or all are 0.
    """

    def __init__(
        self, positions: Positions, weights: npt.NDArray[np.floating] | None, seed: Sequence[int]
    ) -> None:
        self.positions = positions
        self.seed = tuple(seed)
        self._due = None if weights is None else _due(weights)
        # A batch lies in at most a few rounds and workers are at most some batches apart.
        self._cached_round = lru_cache(maxsize=4)(self._round)

    def at(self, epoch: int, start: int, count: int) -> Positions:
        """Return `count` faces from place `start` of an epoch's order on."""
        length = len(self.positions)
        first, last = start // length, (start + count - 1) // length
        rounds = np.concatenate([self._cached_round(epoch, number) for number in range(first, last + 1)])
        return rounds[start - first * length :][:count]

    def _round(self, epoch: int, number: int) -> Positions:
        """Return one round: each face once, or as often as its weight asks, rounded up or down by chance."""
        random = np.random.default_rng((*self.seed, epoch, number))
        if self._due is None:
            return random.permutation(self.positions)
        # Systematic sampling: evenly spaced marks on the line of summed weights hit each face at most once too often.
        marks = random.random() + np.arange(len(self.positions))
        hit = np.minimum(np.searchsorted(self._due, marks, side="right"), len(self.positions) - 1)
        return random.permutation(self.positions[hit])


def alternating_turns(shares: Sequence[int], steps: int) -> tuple[Positions, Positions]:
    """Return whose turn it is when every batch holds one set only, as often as the shares say, evenly spread.

    Args:
        shares: One whole number a set.
        steps: Number of batches.

    Returns:
        The set of each batch (steps,), and how many batches that set had before (steps,).
    """
    due = np.concatenate([(np.arange(steps) + 0.5) / share for share in shares])
    turns = np.argsort(due, kind="stable")[:steps]
    return turns // steps, turns % steps


def _due(weights: npt.NDArray[np.floating]) -> npt.NDArray[np.float64]:
    """Return the summed weights, scaled so that a round has as many faces as there are."""
    weights = np.asarray(weights, np.float64)
    if not (np.isfinite(weights).all() and (weights >= 0).all() and weights.sum() > 0):
        raise DatasetError(
            "sampling: expected finite weights of 0 or more, not all 0, on the training pictures; found others"
        )
    summed = np.cumsum(weights)
    return summed * (len(weights) / summed[-1])
