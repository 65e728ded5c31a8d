"""The trainings of tables IV and V, one after the other; each leaves a file, and what is there is not trained again."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from training.data.prepared import PreparedFaces
from training.errors import RecipeError
from training.fitting.checkpoints import CHECKPOINT, CONFIG, averaged_weights
from training.fitting.loop import CURVES, fit
from training.progressive.bases import Base, read_base
from training.progressive.batches import predicted
from training.progressive.learning_curves import read_accuracy
from training.progressive.network import ColumnPlan, ProgressiveNet
from training.progressive.tasks import TaskFaces, task_faces
from training.recipes import progressive
from training.studies.columns.settings import RETRAINED, Settings, Step
from training.study_parts.pieces import claim_folder

logger = logging.getLogger(__name__)

STEPS = "steps"
_RESULT = "result.npz"


@dataclass(frozen=True, slots=True, eq=False)
class Outcome:
    """What a training gave.

    Attributes:
        right: bool (N,), which faces of the test part were hit.
        curve: float64 (epochs,), validation accuracy after every epoch.
    """

    right: npt.NDArray[np.bool_]
    curve: npt.NDArray[np.float64]


class Study:
    """The trainings of one study.

    Args:
        settings: Of the study.
        out: Folder of everything it makes.
        load: Task -> its set.

    Raises:
        RecipeError: The encoder is no run of `began`.
    """

    def __init__(self, settings: Settings, out: Path, load: Callable[[str], PreparedFaces]) -> None:
        self.settings = settings
        self.out = out
        self._load = load
        self.base: Base = read_base(Path(settings.encoder))
        if self.base.plans:
            raise RecipeError(
                f"encoder {settings.encoder}: expected a run of began, found one that has columns; name the encoder's own run"
            )
        self._faces: dict[str, TaskFaces] = {}
        self._inputs: dict[tuple[str, bool], dict[str, Tensor]] = {}

    def faces(self, task: str) -> TaskFaces:
        """Return a task's faces."""
        if task not in self._faces:
            self._faces[task] = task_faces(task, self._load(task), self.settings.faces, self.settings.people)
        return self._faces[task]

    def outcome(self, step: Step) -> Outcome:
        """Return a training's outcome; trains where there is none.

        Raises:
            RecipeError: The file of the outcome is damaged, or of other faces.
        """
        folder = self.out / STEPS / step.key
        if not (folder / _RESULT).is_file():
            self._train(step, folder)
        return self._read(folder / _RESULT, step)

    def done(self, step: Step) -> bool:
        """Return whether a training's outcome is there."""
        return (self.out / STEPS / step.key / _RESULT).is_file()

    def _train(self, step: Step, folder: Path) -> None:
        started_s = time.perf_counter()
        found, retrained = self.faces(step.task), step.encoder == RETRAINED
        net = self._network(step)
        inputs = self._prepared(net, step.task, retrained)
        experiment = progressive.experiment_of(self._config(step, net), net, found, inputs)
        trained = fit(experiment, folder, progress=False, draw=False)
        said = predicted(trained, inputs["test"], step.task).argmax(dim=1).numpy()
        curve = read_accuracy(folder / CURVES)
        partial = folder / f"partial_{_RESULT}"
        np.savez_compressed(partial, right=said == found.truth("test"), curve=curve)
        partial.replace(folder / _RESULT)
        if step.sources or retrained:
            (folder / CHECKPOINT).unlink()  # nothing listens to it
        logger.info(
            "%s: %.1f%% in %.0f s",
            step.key,
            100 * float((said == found.truth("test")).mean()),
            time.perf_counter() - started_s,
        )

    def _network(self, step: Step) -> ProgressiveNet:
        """Return the encoder, the sources as they were trained alone in this run, and the new column."""
        torch.manual_seed(step.seed)
        net = ProgressiveNet(self.base.encoder)
        weights = dict(self.base.weights)
        for source in step.sources:
            self.outcome(Step(step.seed, source))
            net.add(self._plan(source))
            run = averaged_weights(self.out / STEPS / Step(step.seed, source).key)
            weights |= {key: value for key, value in run.items() if key.startswith(f"columns.{source}.")}
        net.add(self._plan(step.task, step.sources))
        net.load_state_dict(weights, strict=False)
        net.train_only(step.task, encoder=step.encoder == RETRAINED)
        return net

    def _plan(self, task: str, sources: Sequence[str] = ()) -> ColumnPlan:
        return ColumnPlan(task, task, self.faces(task).labels, tuple(sources), self.settings.column)

    def _config(self, step: Step, net: ProgressiveNet) -> progressive.Config:
        settings, count = self.settings, len(self.faces(step.task).positions["train"])
        plans = [plan.as_dict() for plan in net.plans.values()]
        return progressive.Config(
            task=step.task,
            column=settings.column,
            encoder=self.base.encoder,
            retrain_encoder=step.encoder == RETRAINED,
            people=settings.people,
            faces=settings.faces,
            epochs=round(settings.epochs * max(1.0, settings.faces / count)),
            batch=settings.batch,
            learning_rate=settings.learning_rate,
            bfloat16=settings.bfloat16,
            seed=step.seed,
            earlier=tuple(plans[:-1]),
            plan=plans[-1],
        )

    def _prepared(self, net: ProgressiveNet, task: str, images: bool) -> dict[str, Tensor]:
        """Return a task's faces as the network takes them; the same for every step, so computed once."""
        if (task, images) not in self._inputs:
            self._inputs[task, images] = progressive.column_inputs(net, self.faces(task), images)
        return self._inputs[task, images]

    def _read(self, path: Path, step: Step) -> Outcome:
        try:
            with np.load(path, allow_pickle=False) as saved:
                outcome = Outcome(saved["right"], saved["curve"])
        except (OSError, ValueError, KeyError, EOFError) as error:
            raise RecipeError(
                f"{path}: expected the outcome of a training, found something that can't be read ({error}); remove its folder"
            ) from error
        if len(outcome.right) != len(self.faces(step.task).positions["test"]):
            raise RecipeError(
                f"{path}: expected {len(self.faces(step.task).positions['test'])} test faces, found {len(outcome.right)}; "
                "use an empty folder"
            )
        return outcome


def check_settings(settings: Settings, out: Path) -> None:
    """Keep the settings beside the study, or compare them with those that are there; more runs may be added.

    Raises:
        RecipeError: The folder holds a study of other settings.
    """
    claim_folder(out, asdict(replace(settings, runs=1)), CONFIG)
