"""One training of a student on hidden faces."""

from __future__ import annotations

import copy
import logging
import math

import numpy as np
import torch
from torch import Tensor

from training.blocks.multi_task import MultiTaskNet
from training.errors import RecipeError
from training.fitting.number_format import autocast
from training.studies.ladder.faces import Faces, Positions
from training.studies.ladder.lessons import LESSONS, Batch, Teacher
from training.studies.ladder.settings import Settings

logger = logging.getLogger(__name__)


def train_student(
    start: MultiTaskNet, method: str, faces: Faces, teacher: Teacher, settings: Settings, seed: int
) -> MultiTaskNet:
    """Return a student, in evaluation mode: a copy of `start` that was trained on hidden faces.

    Trunk and the task's branch are trained, the other branches are left as they are.

    Args:
        start: Where it starts; unchanged.
        method: A key of `training.studies.ladder.lessons.LESSONS`.
        faces: Training faces.
        teacher: What the teacher says of them in full.
        settings: Of the ladder.
        seed: Of order, changes and dropout.

    Raises:
        RecipeError: The loss is not finite.
    """
    student = copy.deepcopy(start)
    random = np.random.default_rng((seed, *method.encode()))
    torch.manual_seed(int(random.integers(2**31)))
    lesson = LESSONS[method](settings, faces, teacher, random)
    trained = [*student.trunk.parameters(), *student.branches[settings.task].parameters()]
    optimizer = torch.optim.SGD(
        trained, settings.learning_rate, momentum=0.9, nesterov=True, weight_decay=settings.weight_decay
    )
    steps = math.ceil(len(faces) / settings.batch)
    schedule = torch.optim.lr_scheduler.CosineAnnealingLR(optimizer, settings.epochs * steps)
    for epoch in range(settings.epochs):
        lesson.begin_epoch(student)
        student.train()
        total = 0.0
        for rows in _order(len(faces), steps, random):
            batch = Batch(rows, random.random(len(rows)) < 0.5, _changed(student, faces, settings, random))
            device = next(student.parameters()).device
            with autocast(device, settings.bfloat16):
                loss = lesson.loss(student, batch)
            optimizer.zero_grad(set_to_none=True)
            loss.backward()
            optimizer.step()
            schedule.step()
            total += loss.item()
        if not math.isfinite(total):
            raise RecipeError(f"{method}: expected a finite loss, found {total}; lower learning_rate")
        logger.info("%s: epoch %d of %d: loss %.4g", method, epoch + 1, settings.epochs, total / steps)
    return student.eval()


def _order(count: int, steps: int, random: np.random.Generator) -> list[Positions]:
    """Return each face once, in batches of nearly equal size: one of a single face has no batch statistics."""
    return np.array_split(random.permutation(count), steps)


def _changed(student: MultiTaskNet, faces: Faces, settings: Settings, random: np.random.Generator):  # type: ignore[no-untyped-def]
    """Return what makes a batch's pictures: shifted at random, mirrored as told, half hidden."""
    device = next(student.parameters()).device

    def images(rows: Positions, flips: np.ndarray) -> Tensor:
        shifts = random.integers(-settings.shift_px, settings.shift_px, (len(rows), 2), endpoint=True)
        made = torch.from_numpy(faces.images(rows, settings.half, flips, shifts))
        return made.to(device, memory_format=torch.channels_last)

    return images
