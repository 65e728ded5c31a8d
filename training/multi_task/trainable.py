"""Refuses a training in which a task would learn nothing: no face of any set has a label that its loss can use."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
import numpy.typing as npt

from training.data.prepared import PreparedFaces
from training.data.sample import LABEL_OF
from training.distillation.labels import PREFIX
from training.errors import RecipeError
from training.losses.age_classes import AgeClassLoss
from training.multi_task.loss import LossSettings, age_loss

Extra = Mapping[str, Mapping[str, npt.NDArray[np.float32]]]


def require_labels(
    tasks: Sequence[str], loss: LossSettings, sets: Mapping[str, PreparedFaces], extra: Extra
) -> None:
    """Check that some training face teaches each task.

    Args:
        tasks: What is trained.
        loss: Which losses.
        sets: Name -> faces.
        extra: Set -> further labels of its faces, a teacher's among them.

    Raises:
        RecipeError: A task has no label; named with the sets and the setting that would help.
    """
    untaught = [task for task in tasks if task not in taught_tasks(tasks, loss, sets, extra)]
    if untaught:
        raise RecipeError(
            f"{untaught[0]}: expected training faces with a label, found {_found(untaught[0], sets)}"
        )


def taught_tasks(
    tasks: Sequence[str], loss: LossSettings, sets: Mapping[str, PreparedFaces], extra: Extra
) -> tuple[str, ...]:
    """Return the tasks that some training face teaches; the arguments are those of `require_labels`."""
    return tuple(
        task
        for task in tasks
        if any(_teaches(task, loss, faces, extra.get(name, {})) for name, faces in sets.items())
    )


def _teaches(
    task: str, loss: LossSettings, faces: PreparedFaces, extra: Mapping[str, npt.NDArray[np.float32]]
) -> bool:
    labels = [getattr(faces, LABEL_OF[task])]
    if PREFIX + task in extra:
        labels = [
            *(labels if loss.distillation_weight < 1 else ()),
            *([extra[PREFIX + task]] if loss.distillation_weight > 0 else ()),
        ]
    if task == "age" and isinstance(age_loss(loss.age), AgeClassLoss):
        labels.append(faces.age_low_years)
    train = faces.where("train")
    return any(bool(np.isfinite(rows[train]).any()) for rows in labels)


def _found(task: str, sets: Mapping[str, PreparedFaces]) -> str:
    ranges = [
        name for name, faces in sets.items() if task == "age" and np.isfinite(faces.age_low_years).any()
    ]
    if ranges:
        return (
            f"ranges of years alone in {', '.join(ranges)}, which loss.age cannot use; "
            "set loss.age=classes, or add a set with years to shares"
        )
    return f"none in {', '.join(sets)}; add a set with {task} to shares, or leave {task} out of tasks"
