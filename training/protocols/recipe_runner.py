"""A recipe as the method of a protocol: trained anew for every fold or source, in a folder of its own."""

from __future__ import annotations

import dataclasses
import logging
from collections.abc import Mapping
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
from torch import nn

from training.data.prepared import PreparedFaces
from training.data.sample import SPLITS
from training.errors import RecipeError
from training.fitting.checkpoints import kept_epochs
from training.fitting.loop import fit
from training.measuring.answers import Decoded
from training.measuring.ensembles import checkpoint_predicts, ensemble_faces
from training.multi_task.trainable import taught_tasks
from training.protocols.cross_data_set import PredictSet
from training.protocols.folds import Fold, Positions

logger = logging.getLogger(__name__)


@dataclasses.dataclass(frozen=True, eq=False)
class RecipeRunner:
    """Trains a recipe and predicts with what came out.

    A fold or source that was trained before is taken from its folder, so a protocol that was cut goes on.

    Attributes:
        recipe: Module of `training.recipes`.
        config: Its configuration.
        sets: Set name -> faces, for all of the configuration's shares.
        out: Folder for the runs.
        checkpoints: Last checkpoints to average (BKNet: 10); 1 uses the exported weights alone.
        flip: Average every face with its mirror image.
        progress: Show progress bars.
    """

    recipe: ModuleType
    config: Any
    sets: Mapping[str, PreparedFaces]
    out: Path
    checkpoints: int = 1
    flip: bool = False
    progress: bool = True

    def on_fold(self, name: str, fold: Fold) -> Decoded:
        """Train with one set's pictures as a fold says, the other sets as they are; predict the fold's test."""
        faces = with_fold(self.sets[name], fold)
        logger.info("%s, %s: %d train, %d test", name, fold.name, len(fold.train), len(fold.test))
        predict = self._train({**self.sets, name: faces}, self.config, self.out / fold.name)
        return predict(faces, fold.test)

    def on_source(self, name: str) -> PredictSet:
        """Train on one set alone what it teaches, all faces of a batch from it; return the predictor of any set.

        Raises:
            RecipeError: The recipe can't train on that set alone.
        """
        try:
            config = dataclasses.replace(self.config, shares={name: sum(self.config.shares.values())})
        except (TypeError, RecipeError) as error:
            raise RecipeError(
                f"cross-data-set: expected a recipe that trains on {name} alone, found one that does not ({error}); "
                "use multitask"
            ) from error
        if hasattr(config, "tasks"):
            tasks = taught_tasks(config.tasks, config.loss, {name: self.sets[name]}, {})
            config = dataclasses.replace(config, tasks=tasks)
        return self._train({name: self.sets[name]}, config, self.out / f"from_{name}")

    def _train(self, sets: dict[str, PreparedFaces], config: Any, out: Path) -> PredictSet:
        experiment = self.recipe.build_on(config, sets)
        if self.checkpoints > 1:
            experiment.keep_last = self.checkpoints
        net = fit(experiment, out, progress=self.progress)
        return self._predictor(net, config, out)

    def _predictor(self, net: nn.Module, config: Any, out: Path) -> PredictSet:
        card = self.recipe.draft_card(config)
        weights = [dict(net.state_dict())] if self.checkpoints == 1 else kept_epochs(out)[-self.checkpoints :]
        if len(weights) < self.checkpoints:
            raise RecipeError(
                f"{out}: expected the last {self.checkpoints} checkpoints, found {len(weights)}; train for more epochs, "
                "or ask for fewer"
            )

        def predict(faces: PreparedFaces, positions: Positions) -> Decoded:
            predicts = checkpoint_predicts(net, weights, card, self.flip)
            return ensemble_faces(predicts, faces, positions, card, getattr(config, "align", True))

        return predict


def with_fold(faces: PreparedFaces, fold: Fold) -> PreparedFaces:
    """Return a set whose train split is a fold's training pictures; all others are test, none is validation."""
    split = np.full(len(faces), SPLITS.index("test"), dtype=np.uint8)
    split[fold.train] = SPLITS.index("train")
    return dataclasses.replace(faces, split=split)
