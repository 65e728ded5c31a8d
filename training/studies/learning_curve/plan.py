"""Which trainings a learning curve is made of, and in which order."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import asdict, dataclass
from typing import Any

from training.errors import RecipeError


@dataclass(frozen=True, slots=True)
class Cell:
    """One training.

    Attributes:
        share: Of the training faces of every set.
        length: Of the training, in the plan's steps.
        larger: Whether the network is the larger one.
        seed: Of weights, order and changes.
    """

    share: float
    length: float
    larger: bool = False
    seed: int = 1

    @property
    def name(self) -> str:
        """Of its folder."""
        size = "_larger" if self.larger else ""
        return f"faces_{self.share:g}_steps_{self.length:g}{size}_seed_{self.seed}"


@dataclass(frozen=True, slots=True)
class Plan:
    """The whole study.

    Attributes:
        recipe: File name in `training/recipes`.
        settings: `--set` texts of every training.
        larger: Further `--set` texts that make the network larger; empty leaves that training out.
        steps: Batches of a training of length 1.
        shares: Of the training faces; the largest is held as the whole.
        lengths: Of the trainings on all faces.
        seeds: Each training is made once with each.
        corner: Also train longest on the second largest share: do faces count for more in a longer training?
    """

    recipe: str = "multitask"
    settings: tuple[str, ...] = ()
    larger: tuple[str, ...] = ()
    steps: int = 1500
    shares: tuple[float, ...] = (0.25, 0.5, 1.0)
    lengths: tuple[float, ...] = (0.5, 1.0, 2.0)
    seeds: tuple[int, ...] = (1,)
    corner: bool = False

    def __post_init__(self) -> None:
        if not self.shares or 1.0 not in self.shares or not all(0 < one <= 1 for one in self.shares):
            raise RecipeError(f"--shares: expected numbers above 0 and up to 1, and 1, found {self.shares}")
        if not self.lengths or 1.0 not in self.lengths or min(self.lengths) <= 0:
            raise RecipeError(f"--lengths: expected numbers above 0, and 1, found {self.lengths}")
        if self.steps < 1 or round(self.steps * min(self.lengths)) < 1 or not self.seeds:
            raise RecipeError(
                f"--steps: expected at least one batch in the shortest training, found {self.steps}"
            )

    def cells(self) -> tuple[Cell, ...]:
        """Return every training once: all shares, then all lengths, the larger network and the corner; seed by seed."""
        return tuple(dict.fromkeys(cell for seed in self.seeds for cell in self._of_seed(seed)))

    def steps_of(self, cell: Cell) -> int:
        """Return the batches of a training."""
        return round(self.steps * cell.length)

    def as_dict(self) -> dict[str, Any]:
        """Return everything as JSON takes it, but for the seeds, of which more may be made later."""
        return {
            name: list(value) if isinstance(value, tuple) else value
            for name, value in asdict(self).items()
            if name != "seeds"
        }

    def _of_seed(self, seed: int) -> Iterable[Cell]:
        yield from (Cell(share, 1.0, seed=seed) for share in sorted(self.shares, reverse=True))
        yield from (Cell(1.0, length, seed=seed) for length in sorted(self.lengths, reverse=True))
        if self.larger:
            yield Cell(1.0, 1.0, larger=True, seed=seed)
        if self.corner and len(self.shares) > 1:
            yield Cell(sorted(self.shares)[-2], max(self.lengths), seed=seed)
