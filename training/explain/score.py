"""What an explanation explains: one number a face, and how a map of it is scaled."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from engines.card import AGES_YEARS
from training.blocks.multi_task import MultiTaskNet
from training.errors import RecipeError

Floats = npt.NDArray[np.float32]
Classes = npt.NDArray[np.int64]
METHODS = "explain.methods"
"""Folder of the methods, for `training.names`."""


def require_explainable(net: MultiTaskNet, images: Floats, task: str) -> None:
    """Refuse a task that the network lacks, and a batch without a face.

    Raises:
        RecipeError: Either of them.
    """
    if task not in net.branches:
        raise RecipeError(f"task: expected one of {', '.join(net.branches)}, found {task!r}")
    if not len(images):
        raise RecipeError("faces: expected one or more to explain, found none; name a set that has some")


def task_score(logits: Tensor, task: str, classes: Classes | None) -> Tensor:
    """Return each face's score, (N,): the class's logit, for age the expected age in years.

    Args:
        logits: (N, classes of the task).
        task: Which.
        classes: (N,), which class; None takes the largest. Not used for age.
    """
    if task == "age":
        years = torch.tensor([float(age) for age in AGES_YEARS])
        expected: Tensor = logits.softmax(dim=1) @ years
        return expected
    chosen = logits.argmax(dim=1) if classes is None else torch.from_numpy(classes)
    return logits.gather(1, chosen[:, None])[:, 0]


def to_one(maps: Floats) -> Floats:
    """Return maps (N, size, size), 0 or more, with the largest number of each at 1; one that is 0 everywhere stays."""
    highest = maps.max(axis=(1, 2), keepdims=True)
    scaled: Floats = np.where(highest > 0, maps / np.maximum(highest, 1e-12), 0).astype(np.float32)
    return scaled
