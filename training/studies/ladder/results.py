"""The figures of a ladder's rows over all seeds, and whether neighbouring rows differ."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from training.measuring.metrics import Figure, mean_with_interval, measure, ratio
from training.measuring.resampling import Weights, resampling
from training.measuring.significance import McNemar, PairedDifference, mcnemar, paired_bootstrap
from training.studies.ladder.faces import Faces
from training.studies.ladder.rows import DISTILLED

Said = Mapping[str, Sequence[npt.NDArray[np.float32]]]
"""Row -> what it said of the measured faces, once a seed."""


@dataclass(frozen=True, slots=True)
class RowResult:
    """A row's figures.

    Attributes:
        figures: "accuracy" and "weighted_accuracy" (mean recall), or "age_error" -> mean over the seeds, with the 95%
            bootstrap interval over the people measured.
        seeds: The first of these figures for each seed.
    """

    figures: dict[str, Figure]
    seeds: tuple[float, ...]

    @property
    def main(self) -> Figure:
        """The first figure: accuracy, or age error."""
        return next(iter(self.figures.values()))

    def deviation(self) -> float:
        """Return the standard deviation over the seeds; NaN for one."""
        return float(np.std(self.seeds, ddof=1)) if len(self.seeds) > 1 else float("nan")


@dataclass(frozen=True, slots=True)
class Comparison:
    """Whether one row is better than another.

    Attributes:
        row: The one.
        other: The other.
        difference: Row minus other: share of hits, or minus years of error, so that above 0 is better; over all seeds.
        first_seed: McNemar's test with the first seed; None for age.
    """

    row: str
    other: str
    difference: PairedDifference
    first_seed: McNemar | None

    def as_dict(self) -> dict[str, Any]:
        """Return the fields for JSON."""
        return asdict(self)


def row_result(task: str, said: Sequence[npt.NDArray[np.float32]], faces: Faces) -> RowResult:
    """Return the figures of one row.

    Args:
        task: The ladder's task.
        said: Class numbers, or years, of all measured faces, once a seed.
        faces: The measured faces.
    """
    draws = resampling(faces.subject)
    scores = np.stack([face_scores(task, one, faces) for one in said])
    seeds = tuple(float(np.abs(value)) for value in scores.mean(axis=1))
    mean = scores.mean(axis=0)
    if task == "age":
        return RowResult({"age_error": mean_with_interval(-mean, "years", draws)}, seeds)
    members = [faces.labels == number for number in np.unique(faces.labels)]

    def mean_recall(weights: Weights) -> npt.NDArray[np.float64]:
        recalls = [ratio(weights[:, own] @ mean[own], weights[:, own].sum(axis=1)) for own in members]
        found: npt.NDArray[np.float64] = np.nanmean(recalls, axis=0)
        return found

    figures = {
        "accuracy": mean_with_interval(mean, "share", draws),
        "weighted_accuracy": measure(mean_recall, draws),
    }
    return RowResult(figures, seeds)


def comparisons(task: str, said: Said, faces: Faces, parts: Sequence[str]) -> list[Comparison]:
    """Return the tests of neighbouring rows.

    Args:
        task: The ladder's task.
        said: See `Said`.
        faces: The measured faces.
        parts: Which students the first seed's combination is of.
    """
    return [
        _comparison(task, said, faces, row, other)
        for row, other in _pairs(parts)
        if {row, other} <= set(said)
    ]


def _pairs(parts: Sequence[str]) -> list[tuple[str, str]]:
    trained = ["finetuned", "finetuned_longer", *DISTILLED]
    return [
        ("teacher_hidden", "teacher_full"),
        ("finetuned", "teacher_hidden"),
        ("finetuned_longer", "finetuned"),
        *((row, "finetuned") for row in DISTILLED),
        *((row, "finetuned_longer") for row in DISTILLED),
        ("teacher_svm", "teacher_hidden"),
        *((f"{row}_svm", row) for row in trained),
        *(("combination", part) for part in parts),
        *(("combination", f"{part}_svm") for part in parts),
        ("combination", "finetuned"),
        ("combination", "finetuned_longer"),
        ("combination", "finetuned_longer_svm"),
        ("combination", "teacher_full"),
        ("combination_paper", "combination"),
        ("combination_paper", "finetuned_longer_svm"),
    ]


def _comparison(task: str, said: Said, faces: Faces, row: str, other: str) -> Comparison:
    scores = {name: np.stack([face_scores(task, one, faces) for one in said[name]]) for name in (row, other)}
    difference = paired_bootstrap(scores[row].mean(axis=0), scores[other].mean(axis=0), faces.subject)
    first = None if task == "age" else mcnemar(scores[row][0] > 0, scores[other][0] > 0)
    return Comparison(row, other, difference, first)


def face_scores(task: str, said: npt.NDArray[np.float32], faces: Faces) -> npt.NDArray[np.float64]:
    """Return each face's score, more is better: 1 for a hit, or minus the error in years.

    Args:
        task: The ladder's task.
        said: float32 (N,), class numbers, or years.
        faces: The N faces.

    Returns:
        float64 (N,).
    """
    if task == "age":
        return -np.abs(said - faces.labels).astype(np.float64)
    return (said == faces.labels).astype(np.float64)
