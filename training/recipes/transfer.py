"""Fine-tunes a trained network for another task: its first blocks frozen, none, or nothing kept.

The settings are those that a grid for FER+ is laid over: optimiser, rate, batch, dropout and decay, so that
`python -m training search transfer` runs it. See `training.studies.transfer` for the table that compares depths and ways.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Literal

import numpy as np
import numpy.typing as npt
import torch
from torch import nn

from engines.card import InputSpec
from training.batches.mixed_batches import plain_images
from training.data.prepared import PreparedFaces, load_prepared
from training.errors import RecipeError
from training.fitting.experiment import Experiment
from training.losses.masked_cross_entropy import MaskedCrossEntropy
from training.progressive.batches import TARGET, TaskBatches, part_images
from training.progressive.outputs import REPORT, measured, save_report
from training.progressive.tasks import PEOPLE, TASKS, TaskFaces, task_faces
from training.schedules import reduce_on_plateau
from training.trained.predicting import class_probs
from training.trained.trained_net import trained_net
from training.trained.transferred import Transferred, transferred

_STATISTICS_FACES = 512


@dataclass(frozen=True)
class Config:
    """Settings of the recipe.

    Attributes:
        data: Folder with the unpacked sets.
        cache: Folder for the prepared faces.
        model: Shipped model, or folder of a model or a run, whose shared layers are taken.
        task: One of `training.progressive.tasks.TASKS`.
        data_set: Set to learn it from; empty takes the task's own.
        frozen: Blocks of shared layers that stay as they are.
        scratch: Forget what the model learned; the baseline.
        people: How many people the identity task tells apart.
        faces: Most training faces; 0 takes all.
        epochs: Passes over them.
        optimizer: "sgd" with momentum 0.9, or "adam".
        learning_rate: First rate; halved when the loss has not fallen for two epochs.
        batch: Faces in a batch.
        dropout: Before the last layer.
        weight_decay: L2 on all trained weights.
        bfloat16: Forward pass in bfloat16 where the device computes in it.
        device: "auto", "cpu" or "cuda".
        seed: Of weights and order.
    """

    data: str = ""
    cache: str = ""
    model: str = "multitask"
    task: str = "identity"
    data_set: str = ""
    frozen: int = 0
    scratch: bool = False
    people: int = PEOPLE
    faces: int = 0
    epochs: int = 20
    optimizer: Literal["sgd", "adam"] = "adam"
    learning_rate: float = 1e-3
    batch: int = 32
    dropout: float = 0.5
    weight_decay: float = 5e-4
    bfloat16: bool = True
    device: Literal["auto", "cpu", "cuda"] = "auto"
    seed: int = 1

    def __post_init__(self) -> None:
        if self.task not in TASKS:
            raise RecipeError(f"task: expected one of {', '.join(TASKS)}, found {self.task!r}")
        if self.optimizer not in ("sgd", "adam"):
            raise RecipeError(f"optimizer: expected sgd or adam, found {self.optimizer!r}")
        if self.epochs < 1 or self.batch < 2 or self.learning_rate <= 0 or min(self.frozen, self.faces) < 0:
            raise RecipeError(
                "epochs, batch, learning_rate, frozen, faces: expected at least 1, 2, above 0, 0 and 0, "
                f"found {self.epochs}, {self.batch}, {self.learning_rate}, {self.frozen}, {self.faces}"
            )
        if not 0 <= self.dropout < 1 or self.weight_decay < 0:
            raise RecipeError(
                f"dropout, weight_decay: expected 0 to below 1 and at least 0, found {self.dropout}, {self.weight_decay}"
            )
        if self.scratch and self.frozen:
            raise RecipeError(
                f"scratch, frozen: expected no frozen block where nothing is kept, found {self.frozen}"
            )

    @property
    def shares(self) -> dict[str, int]:
        """The one set, as the command wants to know it."""
        return {self.data_set or TASKS[self.task]: self.batch}


def build(config: Config) -> Experiment:
    """Return the experiment.

    Raises:
        CardError: There is no such model.
        DatasetError: The set lacks the task.
    """
    return build_on(config, _faces(config))


def build_on(config: Config, faces: PreparedFaces) -> Experiment:
    """Return the experiment on a given set."""
    torch.manual_seed(config.seed)
    found = task_faces(config.task, faces, config.faces, config.people)
    start, spec = trained_net(config.model, lambda spec: _some_faces(found, spec))
    start.requires_grad_(True)
    net = transferred(
        start, spec.channels, spec.size, len(found.labels), config.dropout, config.frozen, config.scratch
    )
    net.to(memory_format=torch.channels_last)
    images = {part: part_images(found, part, spec) for part in ("train", "validation")}
    targets = torch.from_numpy(found.targets[found.positions["train"]])
    batches = TaskBatches(images["train"], targets, config.batch, config.seed)
    optimizer = _optimizer(config, net)
    cross_entropy, truth = MaskedCrossEntropy(), found.truth("validation")
    return Experiment(
        net=net,
        batches=batches,
        loss=lambda outputs, batch: {"task": cross_entropy(outputs["task"], batch[TARGET])},
        optimizer=optimizer,
        schedule=reduce_on_plateau.build(
            optimizer, total_steps=config.epochs * batches.steps, factor=0.5, patience=2
        ),
        evaluate=lambda trained: {
            "validation_accuracy": float(
                (class_probs(trained, images["validation"]).argmax(axis=1) == truth).mean()
            )
        },
        epochs=config.epochs,
        config=asdict(config),
        average_decay=0.0,
        bfloat16=config.bfloat16,
        device=config.device,
        seed=config.seed,
    )


def finish(config: Config, net: nn.Module, out: Path) -> str:
    """Measure the test part; write `report.json` and return what the command says."""
    found = task_faces(config.task, _faces(config), config.faces, config.people)
    spec = trained_net(config.model)[1]
    figures = measured(found, class_probs(net, part_images(found, "test", spec)))
    save_report(
        figures, {"task": config.task, "set": found.faces.name, "frozen": config.frozen}, out / REPORT
    )
    shown = figures["accuracy"]
    return (
        f"{config.task} from {config.model}: test accuracy {100 * shown['value']:.1f} "
        f"[{100 * shown['low']:.1f}, {100 * shown['high']:.1f}]%"
    )


def export(config: Config, net: nn.Module, folder: Path) -> None:
    """Refuse: a transferred network is for comparison.

    Raises:
        RecipeError: Always.
    """
    raise RecipeError(
        "export: expected a run whose network the program runs, found one of transfer; "
        "train the task with multitask or progressive, whose models are exported"
    )


def _optimizer(config: Config, net: Transferred) -> torch.optim.Optimizer:
    weights = [weight for weight in net.parameters() if weight.requires_grad]
    if config.optimizer == "adam":
        return torch.optim.Adam(weights, lr=config.learning_rate, weight_decay=config.weight_decay)
    return torch.optim.SGD(
        weights, lr=config.learning_rate, momentum=0.9, nesterov=True, weight_decay=config.weight_decay
    )


def _some_faces(found: TaskFaces, spec: InputSpec) -> npt.NDArray[np.float32]:
    """Return some hundred training faces, for the statistics of batch normalisation."""
    trained = found.positions["train"]
    chosen = trained[:: max(1, len(trained) // _STATISTICS_FACES)][:_STATISTICS_FACES]
    return plain_images(found.faces, chosen, spec, True)


def _faces(config: Config) -> PreparedFaces:
    (name,) = config.shares
    return load_prepared(name, Path(config.data), Path(config.cache))
