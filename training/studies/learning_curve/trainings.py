"""One training of a learning curve, and what it says of held-out faces and of faces that it was trained on."""

from __future__ import annotations

import json
import time
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
import numpy.typing as npt
from torch import nn

from engines.whole_file import write_whole
from training.blocks.multi_task import parameter_count
from training.data.prepared import PreparedFaces
from training.errors import RecipeError
from training.fitting.loop import fit
from training.measuring.ensembles import network_predict
from training.measuring.evaluation import predict_faces
from training.names import load_recipe
from training.settings import with_settings
from training.studies.learning_curve.faces import seen_by_all, with_share
from training.studies.learning_curve.plan import Cell, Plan
from training.study_parts.comparison_table import COLUMNS, Column, scores_of

Floats = npt.NDArray[np.float32]
Sets = Mapping[str, PreparedFaces]

ABOUT, SCORES = "about.json", "scores.npz"
HELD_OUT, SEEN = "validation", "training"
SEEN_FACES = 2000
"""Training faces of a set that the fit is measured on at most."""

_CHECKPOINT_EVERY_S = 60.0


@dataclass(frozen=True, slots=True, eq=False)
class Trained:
    """What is kept of a training.

    Attributes:
        faces: Set -> training faces.
        parameters: Weights of the network.
        train_s: Processor time of its last piece, in seconds; the whole training's where it was not interrupted.
        scores: "validation/<key>" and "training/<key>" -> float32 (N,), see `comparison_table.scores_of`.
    """

    faces: Mapping[str, int]
    parameters: int
    train_s: float
    scores: Mapping[str, Floats]


def key_of(column: Column) -> str:
    """Return the name of a figure in files."""
    return f"{column.data_set}/{column.answer}"


def recipe_and_config(plan: Plan, data: Path, cache: Path) -> tuple[ModuleType, Any]:
    """Return the recipe and the settings that all trainings share.

    Raises:
        RecipeError: It starts from a training that saw all faces, or has no epochs of a fixed number of batches.
    """
    recipe = load_recipe(plan.recipe)
    first = recipe.Config(data=str(data), cache=str(cache))
    if not hasattr(recipe, "build_on") or not hasattr(first, "epoch_steps") or hasattr(recipe, "prepare"):
        raise RecipeError(
            f"learning-curve: expected a recipe such as multitask, which trains once on given faces, found {plan.recipe}"
        )
    config = with_settings(first, plan.settings)
    with_settings(config, plan.larger)
    earlier = [name for name in ("initial", "distilled") if getattr(config, name, "")]
    if earlier:
        raise RecipeError(
            f"learning-curve: expected a training from nothing, found {' and '.join(earlier)}, "
            "whose earlier training saw all faces; leave it out"
        )
    return recipe, config


def is_done(cell: Cell, out: Path) -> bool:
    """Return whether a training's result is there."""
    return (out / cell.name / ABOUT).is_file()


def train(plan: Plan, cell: Cell, recipe: ModuleType, config: Any, sets: Sets, out: Path) -> None:
    """Train a cell, from its checkpoint where there is one, and keep what it says."""
    own = replace(config, epochs=1, epoch_steps=plan.steps_of(cell), seed=cell.seed)
    own = with_settings(own, plan.larger) if cell.larger else own
    fewer = {name: with_share(sets[name], cell.share) for name in own.shares}
    experiment = recipe.build_on(own, fewer)
    experiment.evaluate = lambda net: {}
    experiment.checkpoint_every_s = _CHECKPOINT_EVERY_S
    folder = out / cell.name
    started_s = time.process_time()
    net = fit(experiment, folder, progress=False, draw=False)
    about = {
        "faces": {name: len(faces.where("train")) for name, faces in fewer.items()},
        "parameters": parameter_count(net),
        "train_s": round(time.process_time() - started_s, 1),
    }
    with (folder / SCORES).open("wb") as stream:
        np.savez_compressed(stream, **_scores(net, recipe, own, sets, min(plan.shares)))
    write_whole(folder / ABOUT, json.dumps(about, indent=1) + "\n")


def read_trained(cell: Cell, out: Path) -> Trained:
    """Return what is kept of a training that is done."""
    about = json.loads((out / cell.name / ABOUT).read_text())
    with (out / cell.name / SCORES).open("rb") as stream, np.load(stream, allow_pickle=False) as arrays:
        return Trained(scores=dict(arrays), **about)


def _scores(
    net: nn.Module, recipe: ModuleType, config: Any, sets: Sets, smallest: float
) -> dict[str, Floats]:
    """Return the scores of the held-out faces, and of faces that every training of the study saw."""
    card = recipe.draft_card(config)
    predict = network_predict(net, card, config.bfloat16)
    found: dict[str, Floats] = {}
    for name in config.shares:
        faces = sets[name]
        parts = {HELD_OUT: faces.where("validation"), SEEN: seen_by_all(faces, smallest, SEEN_FACES)}
        for part, positions in parts.items():
            if not len(positions):
                continue
            said = predict_faces(predict, faces, positions, card.input, config.align)
            for column in COLUMNS:
                if column.data_set == name and column.answer in said:
                    scores = scores_of(said[column.answer], faces, positions, column)
                    found[f"{part}/{key_of(column)}"] = scores
    return found
