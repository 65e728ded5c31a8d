"""A trained network by name: a shipped model, an exported model's folder, a run's folder, or a student of a ladder."""

from __future__ import annotations

import json
import pickle
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from engines.card import InputSpec, load_card
from engines.models import find_model
from training.blocks.multi_task import MultiTaskNet
from training.errors import RecipeError
from training.fitting.checkpoints import CONFIG, averaged_weights
from training.names import load_recipe
from training.settings import config_from_json
from training.trained.shipped import shipped_net

STUDENT = "student.json"
WEIGHTS = "weights.pt"

Images = Callable[[InputSpec], npt.NDArray[np.float32]]
"""Input of a network -> float32 (N, C, size, size), some hundred training faces."""


def trained_net(model: str | Path, images: Images | None = None) -> tuple[MultiTaskNet, InputSpec]:
    """Return a network in evaluation mode, with what it takes.

    Args:
        model: A name below `engines.models.MODELS_DIR`, or a folder: of an exported model, of a run, or of a student that
            `save_student` wrote.
        images: Makes training faces, to measure the statistics of batch normalisation that an export folds away; needed
            where the network is trained on.

    Raises:
        CardError: There is no such model.
        RecipeError: The folder holds something else, or damaged weights.
    """
    folder = Path(model)
    if (folder / STUDENT).is_file():
        return _student(folder)
    if (folder / CONFIG).is_file():
        return _of_run(folder)
    spec = load_card(find_model(model)).input
    return shipped_net(model, None if images is None else images(spec)), spec


def save_student(net: MultiTaskNet, start: str, folder: Path) -> None:
    """Write a student's weights beside the name of the network that it has the layers of.

    Args:
        net: The student.
        start: What `trained_net` builds its layers from.
        folder: Where they go.
    """
    folder.mkdir(parents=True, exist_ok=True)
    partial = folder / f"{WEIGHTS}.partial"
    torch.save(net.state_dict(), partial)
    partial.replace(folder / WEIGHTS)
    (folder / STUDENT).write_text(json.dumps({"start": start}) + "\n")


def student_weights(folder: Path) -> Mapping[str, Tensor]:
    """Return the weights that `save_student` wrote.

    Raises:
        RecipeError: They can't be read.
    """
    try:
        weights: dict[str, Tensor] = torch.load(folder / WEIGHTS, map_location="cpu", weights_only=True)
    except (OSError, RuntimeError, ValueError, EOFError, pickle.UnpicklingError) as error:
        raise RecipeError(
            f"{folder / WEIGHTS}: expected a student's weights, found something that can't be read "
            f"({str(error).splitlines()[0]}); remove the folder, the ladder makes it again"
        ) from error
    return weights


def _student(folder: Path) -> tuple[MultiTaskNet, InputSpec]:
    try:
        start = json.loads((folder / STUDENT).read_text())["start"]
    except (ValueError, KeyError, TypeError) as error:
        raise RecipeError(
            f"{folder / STUDENT}: expected the name of a network under 'start', found something else; make it again"
        ) from error
    net, spec = trained_net(start)
    net.load_state_dict(student_weights(folder))
    return net.eval(), spec


def _of_run(folder: Path) -> tuple[MultiTaskNet, InputSpec]:
    saved: dict[str, Any] = json.loads((folder / CONFIG).read_text())
    recipe = load_recipe(saved.pop("recipe", "multitask"))
    config = config_from_json(recipe.Config, saved)
    net: MultiTaskNet = recipe.build_net(config)
    net.load_state_dict(averaged_weights(folder))
    net.training_heads.clear()
    spec: InputSpec = recipe.input_spec(config)
    return net.eval(), spec
