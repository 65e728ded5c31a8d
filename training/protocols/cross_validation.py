"""Cross-validation: every fold is trained and tested; mean and standard deviation, and all tests taken together."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from training.data.prepared import PreparedFaces
from training.errors import DatasetError
from training.measuring.answers import Decoded
from training.measuring.evaluation import figures
from training.measuring.metrics import Figure
from training.measuring.report_tables import Table, figure_name
from training.protocols.folds import Fold, Positions

TrainAndPredict = Callable[[Fold], Decoded]
"""Trains on a fold's training pictures; returns the decoded predictions of its test pictures, in their order."""


@dataclasses.dataclass(frozen=True, slots=True)
class Spread:
    """A figure over the folds.

    Attributes:
        mean: Over the folds that could measure it.
        std: Standard deviation of one fold, with n - 1 below; NaN for one fold.
        values: The folds' figures.
        unit: "share" or "years".
    """

    mean: float
    std: float
    values: tuple[float, ...]
    unit: str

    def __str__(self) -> str:
        scale, unit = (100, "%") if self.unit == "share" else (1, f" {self.unit}")
        return f"{scale * self.mean:.2f}{unit} ± {scale * self.std:.2f}"


@dataclasses.dataclass(frozen=True, slots=True)
class CrossValidation:
    """What a cross-validation found.

    Attributes:
        name: Of the set and the protocol.
        folds: Names.
        spreads: Figure name -> over the folds.
        pooled: Figure name -> over all test pictures at once, each predicted by the fold that had not seen it.
    """

    name: str
    folds: tuple[str, ...]
    spreads: dict[str, Spread]
    pooled: dict[str, Figure]

    def table(self) -> Table:
        """Return one figure a row: mean and deviation over the folds, and pooled with its interval."""
        rows = [
            (figure_name(key), str(spread), self.pooled[key].value_text(), self.pooled[key].interval_text())
            for key, spread in self.spreads.items()
        ]
        header = (self.name, f"{len(self.folds)} folds, mean ± std", "pooled", "95% interval")
        return Table(header, tuple(rows))

    def as_dict(self) -> dict[str, Any]:
        """Return everything as JSON has it."""
        return {
            "name": self.name,
            "folds": list(self.folds),
            "spreads": {key: dataclasses.asdict(spread) for key, spread in self.spreads.items()},
            "pooled": {key: figure.as_dict() for key, figure in self.pooled.items()},
        }


def cross_validate(
    name: str, faces: PreparedFaces, folds: Sequence[Fold], train_and_predict: TrainAndPredict
) -> CrossValidation:
    """Train and test on every fold.

    Args:
        name: Of the protocol, for the table.
        faces: The set.
        folds: Of its positions.
        train_and_predict: The method.

    Raises:
        DatasetError: A fold shares a subject between training and test.
    """
    for fold in folds:
        check_exclusive(faces, fold)
    said = [train_and_predict(fold) for fold in folds]
    single = [
        figures(faces, fold.test, answer, intervals=False) for fold, answer in zip(folds, said, strict=True)
    ]
    tested: Positions = np.concatenate([fold.test for fold in folds])
    together = {key: np.concatenate([answer[key] for answer in said]) for key in said[0]}
    pooled = figures(faces, tested, together)
    return CrossValidation(
        name=f"{faces.name}, {name}",
        folds=tuple(fold.name for fold in folds),
        spreads={
            key: spread([found[key].value for found in single if key in found], figure.unit)
            for key, figure in pooled.items()
        },
        pooled=pooled,
    )


def spread(values: Sequence[float], unit: str) -> Spread:
    """Return mean and standard deviation (n - 1 below) of some values."""
    deviation = float(np.std(values, ddof=1)) if len(values) > 1 else float("nan")
    return Spread(float(np.mean(values)), deviation, tuple(map(float, values)), unit)


def check_exclusive(faces: PreparedFaces, fold: Fold) -> None:
    """Check that nobody is on both sides of a fold.

    Raises:
        DatasetError: Somebody is, or a side is empty.
    """
    for side, positions in (("train", fold.train), ("test", fold.test)):
        if not len(positions):
            raise DatasetError(f"{faces.name}, {fold.name}: expected pictures to {side} on, found none")
    shared = np.intersect1d(faces.subject[fold.train], faces.subject[fold.test])
    if len(shared):
        raise DatasetError(
            f"{faces.name}, {fold.name}: expected every subject on one side, found {shared[0]!r} on both; "
            "make the folds by subject"
        )
