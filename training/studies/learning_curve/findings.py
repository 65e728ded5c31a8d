"""What the trainings of a learning curve say of one task: its points, its gains per doubling, and what limits it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from typing import Any

import numpy as np
import numpy.typing as npt

from training.data.prepared import PreparedFaces
from training.measuring.metrics import Figure, mean_with_interval
from training.measuring.resampling import resampling
from training.studies.learning_curve.faces import seen_by_all
from training.studies.learning_curve.gains import (
    ENOUGH_POINTS,
    bounds,
    forecast,
    gains_per_doubling,
    with_interval,
)
from training.studies.learning_curve.plan import Cell, Plan
from training.studies.learning_curve.trainings import HELD_OUT, SEEN, SEEN_FACES, Trained, key_of
from training.study_parts.comparison_table import Column
from training.study_parts.intervals import SeedsAndFaces, seeds_and_faces

Done = Mapping[Cell, Trained]
Floats = npt.NDArray[np.float32]

FACES, STEPS, SIZE = "more faces", "longer training", "larger network"
CORNER = "more faces in the longest training"

_TIMES = (2, 4)
"""Times the faces that a power law is asked for."""


@dataclass(frozen=True, slots=True)
class Point:
    """One kind of training, of all its seeds together.

    Attributes:
        share: Of the training faces.
        length: In the plan's steps.
        larger: Whether the network is the larger one.
        faces: Training faces of the task's set.
        steps: Batches.
        parameters: Weights of the network.
        held_out: Error on held-out faces: share of misses, or years.
        seen: Error on faces that it was trained on, unchanged.
    """

    share: float
    length: float
    larger: bool
    faces: int
    steps: int
    parameters: int
    held_out: Figure
    seen: Figure

    def as_dict(self) -> dict[str, Any]:
        """Return everything as JSON takes it."""
        return {**asdict(self), "held_out": self.held_out.as_dict(), "seen": self.seen.as_dict()}


@dataclass(frozen=True, slots=True)
class Finding:
    """Everything about one task.

    Attributes:
        column: The task.
        points: Every kind of training that is done.
        gains: What was doubled -> by how much the error fell; the last doubling of the plan.
        slopes: The same over all points of that axis.
        first: The largest gain above 0, or empty.
        beats: The gains that it is larger than, on the same faces.
        forecasts: Error that a power law expects of two and four times the faces; empty with few points.
    """

    column: Column
    points: tuple[Point, ...]
    gains: Mapping[str, SeedsAndFaces]
    slopes: Mapping[str, SeedsAndFaces]
    first: str
    beats: tuple[str, ...]
    forecasts: Mapping[str, Mapping[str, float]]


def axes(plan: Plan) -> dict[str, list[Cell]]:
    """Return what is made larger -> the trainings along it, of the first seed, smallest first."""
    seed, longest = plan.seeds[0], max(plan.lengths)
    shares = sorted(plan.shares)
    return {
        FACES: [Cell(share, 1.0, seed=seed) for share in shares],
        STEPS: [Cell(1.0, length, seed=seed) for length in sorted(plan.lengths)],
        SIZE: [Cell(1.0, 1.0, larger, seed) for larger in (False, True)],
        CORNER: [Cell(share, longest, seed=seed) for share in shares[-2:]] if plan.corner else [],
    }


def finding(plan: Plan, done: Done, faces: PreparedFaces, column: Column) -> Finding | None:
    """Return what is known of a task; None where no training answers it.

    Args:
        plan: The study.
        done: The trainings that are there.
        faces: The task's set.
        column: The task.
    """
    answering = {cell: one for cell, one in done.items() if f"{HELD_OUT}/{key_of(column)}" in one.scores}
    if not answering:
        return None
    subjects = faces.subject[faces.where("validation")]
    lines = {name: _line(plan, cells, answering, column, name) for name, cells in axes(plan).items()}
    lines = {name: line for name, line in lines.items() if len(line.amounts) > 1}
    per_face = {name: gains_per_doubling(line.amounts[-2:], line.errors[-2:]) for name, line in lines.items()}
    gains = {name: with_interval(own, subjects) for name, own in per_face.items()}
    above = [name for name in gains if name != CORNER and bounds(gains[name])[0] > 0]
    first = max(above, key=lambda name: gains[name].difference, default="")
    return Finding(
        column=column,
        points=_points(plan, answering, faces, column),
        gains=gains,
        slopes={
            name: with_interval(gains_per_doubling(line.amounts, line.errors), subjects)
            for name, line in lines.items()
        },
        first=first,
        beats=tuple(
            other for other in per_face if other != first and _larger(per_face, first, other, subjects)
        ),
        forecasts=_forecasts(lines.get(FACES), subjects),
    )


def errors_of(one: Trained, column: Column, part: str) -> Floats:
    """Return a training's errors, 1 for a miss and 0 for a hit, or years, float32 (N,), NaN where none counts."""
    scores = one.scores[f"{part}/{key_of(column)}"]
    return 1 - scores if column.unit == "share" else scores


@dataclass(frozen=True, slots=True)
class _Line:
    """Amounts, smallest first, and the errors of each seed."""

    amounts: list[float]
    errors: list[list[Floats]]


def _line(plan: Plan, cells: Sequence[Cell], done: Done, column: Column, name: str) -> _Line:
    """Return the points of an axis that are there with every seed that its first point has."""
    seeds = [seed for seed in plan.seeds if cells and replace(cells[0], seed=seed) in done]
    whole = [cell for cell in cells if seeds and all(replace(cell, seed=seed) in done for seed in seeds)]
    amount = {
        STEPS: lambda cell: float(plan.steps_of(cell)),
        SIZE: lambda cell: float(done[cell].parameters),
    }.get(name, lambda cell: float(done[cell].faces[column.data_set]))
    return _Line(
        [amount(replace(cell, seed=seeds[0])) for cell in whole],
        [[errors_of(done[replace(cell, seed=seed)], column, HELD_OUT) for seed in seeds] for cell in whole],
    )


def _points(plan: Plan, done: Done, faces: PreparedFaces, column: Column) -> tuple[Point, ...]:
    held_out = faces.subject[faces.where("validation")]
    kinds: dict[Cell, list[Trained]] = {}
    for cell in plan.cells():
        if cell in done:
            kinds.setdefault(replace(cell, seed=plan.seeds[0]), []).append(done[cell])
    seen = faces.subject[seen_by_all(faces, min(plan.shares), SEEN_FACES)]
    return tuple(
        Point(
            share=cell.share,
            length=cell.length,
            larger=cell.larger,
            faces=ones[0].faces[column.data_set],
            steps=plan.steps_of(cell),
            parameters=ones[0].parameters,
            held_out=_mean_error(ones, column, HELD_OUT, held_out),
            seen=_mean_error(ones, column, SEEN, seen),
        )
        for cell, ones in kinds.items()
    )


def _mean_error(ones: Sequence[Trained], column: Column, part: str, subjects: npt.NDArray[np.str_]) -> Figure:
    errors = np.mean([errors_of(one, column, part) for one in ones], axis=0)
    counts = np.isfinite(errors)
    return mean_with_interval(errors[counts], column.unit, resampling(subjects[counts]))


def _larger(
    per_face: Mapping[str, list[Floats]], first: str, other: str, subjects: npt.NDArray[np.str_]
) -> bool:
    """Return whether the first gain is larger than the other, beyond chance, on the same faces and seeds."""
    if not first or len(per_face[first]) != len(per_face[other]):
        return False
    return bounds(seeds_and_faces(per_face[first], per_face[other], subjects))[0] > 0


def _forecasts(line: _Line | None, subjects: npt.NDArray[np.str_]) -> dict[str, dict[str, float]]:
    if line is None or len(line.amounts) < ENOUGH_POINTS:
        return {}
    means = [np.mean(one, axis=0) for one in line.errors]
    counts = np.isfinite(np.stack(means)).all(axis=0)
    draws = resampling(subjects[counts])
    kept = [one[counts] for one in means]
    return {f"{times} x": forecast(line.amounts, kept, draws, times) for times in _TIMES}
