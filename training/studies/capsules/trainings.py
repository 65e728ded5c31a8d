"""One training of the capsule study, and what its network says of the faces it is measured on."""

from __future__ import annotations

import json
import shutil
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import torch
from torch import nn

from training.blocks.capsules.net import CapsuleNet
from training.blocks.multi_task import parameter_count
from training.data.prepared import PreparedFaces
from training.fitting.experiment import Experiment
from training.fitting.loop import fit
from training.losses.age_classes import ADIENCE, AgeClassLoss
from training.multi_task.capsule_loss import CapsuleLoss
from training.recipes import capsules, multitask
from training.studies.capsules.cells import CNN, Cell, Settings, cell_config
from training.studies.capsules.faces import (
    ROTATIONS_DEG,
    labels,
    learning_faces,
    measured_faces,
    rotated_images,
)
from training.studies.capsules.pictures import reconstruction_picture

DONE = "done.json"
_BLOCK = 100
_DRAWN = 8

Sets = Mapping[str, PreparedFaces]


def run_cell(cell: Cell, settings: Settings, sets: Sets, out: Path) -> dict[str, Any]:
    """Train a cell, or read what it said when it was trained before.

    Args:
        cell: Which.
        settings: Of the study.
        sets: "ferplus", "ckplus" and "utkface".
        out: Folder of the study.

    Returns:
        "parameters", "train_s", "hits": "<set>" or "<set>_<degrees>" -> 0 or 1 a face, in the order of the measured ones.
    """
    folder = out / "cells" / cell.name
    if (folder / DONE).is_file():
        found: dict[str, Any] = json.loads((folder / DONE).read_text())
        return found
    started_s = time.process_time()
    experiment = _experiment(cell, settings, sets)
    net = fit(experiment, folder, progress=False)
    taken_s = time.process_time() - started_s
    found = {
        "parameters": parameter_count(net),
        "train_s": round(taken_s, 1),
        "hits": _hits(cell, settings, sets, net),
    }
    if isinstance(experiment.loss, CapsuleLoss) and experiment.loss.decoder is not None and cell.seed == 1:
        drawn = measured_faces(sets[cell.data_set], cell.task, _DRAWN)
        images = rotated_images(
            sets[cell.data_set], drawn, multitask.input_spec(cell_config(cell, settings)), True, 0
        )
        reconstruction_picture(net, experiment.loss, torch.from_numpy(images), out / f"{cell.name}.png")
    for leftover in folder.iterdir():
        if leftover.name != "curves.csv":
            shutil.rmtree(leftover) if leftover.is_dir() else leftover.unlink()
    (folder / DONE).write_text(json.dumps(found) + "\n")
    return found


def _experiment(cell: Cell, settings: Settings, sets: Sets) -> Experiment:
    config = cell_config(cell, settings)
    faces = {cell.data_set: learning_faces(sets[cell.data_set], cell.task, settings.faces)}
    recipe = multitask if cell.variant == CNN else capsules
    experiment: Experiment = recipe.build_on(config, faces)  # type: ignore[arg-type]
    experiment.evaluate = lambda net: {}
    experiment.config = {**experiment.config, "recipe": "capsule study", "study": settings.as_dict()}
    return experiment


def _hits(cell: Cell, settings: Settings, sets: Sets, net: nn.Module) -> dict[str, list[int]]:
    config = cell_config(cell, settings)
    spec = multitask.input_spec(config)
    answer = classes_of(net, cell.task)
    found: dict[str, list[int]] = {}
    for name in ("ferplus", "ckplus") if cell.task == "emotion" else ("utkface",):
        # Nobody learned from CK+ when FER+ was learned: all its training people can then be measured on.
        split = "train" if name == "ckplus" and cell.data_set == "ferplus" else "validation"
        faces = sets[name]
        positions = measured_faces(faces, cell.task, settings.measured, split)
        truth = labels(faces, cell.task)[positions]
        for angle in ROTATIONS_DEG if name == cell.data_set == "ferplus" else (0,):
            images = rotated_images(faces, positions, spec, config.align, angle)
            key = f"{name}_{angle}" if angle else name
            found[key] = (answer(images) == truth).astype(int).tolist()
    return found


def classes_of(net: nn.Module, task: str) -> Callable[[npt.NDArray[np.float32]], npt.NDArray[np.int64]]:
    """Return a function from images, float32 (N, C, size, size), to class numbers, (N,): emotions, or age groups.

    Args:
        net: A capsule network answers age with its groups' capsules, another one with its groups' probabilities.
        task: "emotion" or "age".
    """
    net = net.eval()

    def rows(images: torch.Tensor) -> torch.Tensor:
        if task == "age" and isinstance(net, CapsuleNet):
            logits: torch.Tensor = net.branches["age"].read(net.features(images)).capsule_logits
            return logits
        logits = net(images)[task]
        return AgeClassLoss(ADIENCE).group_log_probs(logits) if task == "age" else logits

    def answer(images: npt.NDArray[np.float32]) -> npt.NDArray[np.int64]:
        with torch.inference_mode():
            said = [rows(block).argmax(dim=1) for block in torch.from_numpy(images).split(_BLOCK)]
        return torch.cat(said).numpy()

    return answer
