"""A teacher: one run or exported model or several, their probabilities averaged over the networks and over views of the face."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor, nn
from tqdm import tqdm

from engines.card import LABELS, ModelCard, load_card
from engines.models import find_model
from training.batches.mixed_batches import plain_images
from training.data.prepared import PreparedFaces
from training.distillation.labels import FEATURES
from training.distillation.views import View
from training.errors import RecipeError
from training.exporting.decoding import decode_logits
from training.fitting.loop import CONFIG, averaged_weights
from training.fitting.number_format import autocast
from training.names import load_recipe
from training.settings import config_from_json
from training.trained.initial_weights import names_model
from training.trained.shipped import shipped_net

Floats = npt.NDArray[np.float32]

_BATCH = 256


@dataclass(frozen=True, slots=True, eq=False)
class Teacher:
    """Networks that answer together.

    Attributes:
        nets: In evaluation mode.
        card: Their input and heads.
        align: Whether they want aligned faces.
        bfloat16: Run them in bfloat16 where the device computes in it.
    """

    nets: tuple[nn.Module, ...]
    card: ModelCard
    align: bool
    bfloat16: bool = True

    def label(
        self,
        faces: PreparedFaces,
        positions: npt.NDArray[np.int64],
        views: Sequence[View],
        features: bool = False,
        progress: bool = False,
    ) -> dict[str, Floats]:
        """Return task -> mean probabilities, float32 (N, classes), N the positions, in their order.

        Args:
            faces: The set.
            positions: Which faces.
            views: Transforms to average over.
            features: Also return the first network's shared features, mean over the views, (N, F).
            progress: Show a progress bar.
        """
        blocks = [positions[start : start + _BATCH] for start in range(0, len(positions), _BATCH)]
        shown = tqdm(blocks, desc=f"label {faces.name}", unit="batch", disable=not progress)
        answers = [self._block(faces, block, views, features) for block in shown]
        return {name: np.concatenate([answer[name] for answer in answers]) for name in answers[0]}

    def decoded(
        self, faces: PreparedFaces, positions: npt.NDArray[np.int64], views: Sequence[View]
    ) -> dict[str, Floats]:
        """Return the answers as `engines.decode.decode` names them."""
        probs = self.label(faces, positions, views)
        return decode_logits(
            {task: np.log(np.maximum(rows, 1e-12)) for task, rows in probs.items()}, self.card
        )

    def _block(
        self, faces: PreparedFaces, block: npt.NDArray[np.int64], views: Sequence[View], features: bool
    ) -> dict[str, Floats]:
        sums: dict[str, Tensor] = {}
        for view in views:
            image = torch.from_numpy(plain_images(faces, block, self.card.input, self.align, view.matrix))
            for number, net in enumerate(self.nets):
                share = 1 / (len(views) * len(self.nets))
                for task, probs in self._probabilities(net, image).items():
                    sums[task] = sums.get(task, torch.zeros(())) + share * probs
                if features and number == 0:
                    sums[FEATURES] = sums.get(FEATURES, torch.zeros(())) + self._features(net, image) / len(
                        views
                    )
        return {name: total.numpy() for name, total in sums.items()}

    def _probabilities(self, net: nn.Module, image: Tensor) -> dict[str, Tensor]:
        with torch.inference_mode(), autocast(image.device, self.bfloat16):
            answers = net(image.to(memory_format=torch.channels_last))
        return {task: answers[task].float().softmax(dim=1) for task in answers if task in LABELS}

    def _features(self, net: Any, image: Tensor) -> Tensor:
        with torch.inference_mode(), autocast(image.device, self.bfloat16):
            features: Tensor = net.features(image.to(memory_format=torch.channels_last)).float()
        return features.flatten(1)


def load_teacher(sources: Sequence[Path], bfloat16: bool = True) -> Teacher:
    """Return the averaged networks of some runs and exported models as one teacher.

    Args:
        sources: Folders of runs; names or folders of models.
        bfloat16: Run them in bfloat16 where the device computes in it.

    Raises:
        RecipeError: A folder holds no run, or the inputs differ.
        CardError: A model is damaged.
    """
    found = [
        shipped_teacher(str(source), bfloat16) if names_model(source) else _of_run(source, bfloat16)
        for source in sources
    ]
    kinds = {(teacher.card.input, teacher.card.heads) for teacher in found}
    if len(kinds) != 1:
        raise RecipeError(
            f"teachers: expected runs of one input and the same heads, found {len(kinds)} kinds; use runs that share them"
        )
    return replace(found[0], nets=tuple(net for teacher in found for net in teacher.nets))


def _of_run(run: Path, bfloat16: bool) -> Teacher:
    try:
        saved = json.loads((run / CONFIG).read_text())
    except OSError as error:
        raise RecipeError(
            f"{run}: expected a finished run with {CONFIG} or an exported model, found neither; "
            "name the --out folder of a run"
        ) from error
    recipe = load_recipe(saved.pop("recipe", "multitask"))
    config = config_from_json(recipe.Config, saved)
    net = recipe.build_net(config)
    net.load_state_dict(averaged_weights(run))
    net.eval().to(memory_format=torch.channels_last)
    return Teacher((net,), recipe.draft_card(config), bool(config.align), bfloat16)


def shipped_teacher(model: str, bfloat16: bool = True) -> Teacher:
    """Return an exported model as a teacher.

    Args:
        model: Name or folder.
        bfloat16: Run it in bfloat16 where the device computes in it.

    Raises:
        CardError: The model is missing or damaged.
        RecipeError: It was not made by a recipe here.
    """
    card = load_card(find_model(model))
    net = shipped_net(model).to(memory_format=torch.channels_last)
    return Teacher((net,), card, card.input.crop == "aligned_face", bfloat16)
