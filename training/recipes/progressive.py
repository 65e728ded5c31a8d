"""Adds one task to a network that is finished: a new column, which listens to columns that are there.

`--set base=RUN` names the run of a `began`, or of this recipe; everything that is there stays as it is, to the last bit.
Where the new column listens to others, the same column is trained once more alone, in RUN/alone, and `figure5.png` shows
both learning curves (figure 5 of the paper). See `training.progressive` for networks and tasks.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Any, Literal

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor, nn

from engines.card import InputSpec, ModelCard
from training.data.prepared import PreparedFaces, load_prepared
from training.errors import RecipeError
from training.fitting.experiment import Experiment
from training.fitting.loop import CURVES, fit
from training.losses.masked_cross_entropy import MaskedCrossEntropy
from training.progressive.autoencoder import EncoderSettings
from training.progressive.bases import load_base, read_base
from training.progressive.batches import TARGET, TaskBatches, accuracy, encoded, part_images, predicted
from training.progressive.columns import ColumnSettings
from training.progressive.learning_curves import WITH, WITHOUT, draw_learning_curves, read_accuracy
from training.progressive.network import ColumnPlan, ProgressiveNet
from training.progressive.outputs import REPORT, export_columns, measured, report_text, save_report
from training.progressive.tasks import PEOPLE, TASKS, TaskFaces, task_faces
from training.schedules import reduce_on_plateau

FIGURE = "figure5.png"


@dataclass(frozen=True)
class Config:
    """Settings of the recipe.

    Attributes:
        data: Folder with the unpacked sets.
        cache: Folder for the prepared faces.
        base: Run of `began` or of this recipe; empty trains encoder and column from nothing (with `retrain_encoder`).
        task: One of `training.progressive.tasks.TASKS`.
        data_set: Set to learn it from; empty takes the task's own.
        name: Of the column; empty takes the task's.
        sources: Columns of the base to listen to; None takes all, an empty list none.
        column: Sizes of the column.
        encoder: Sizes of the encoder; those of the base where there is one.
        retrain_encoder: Train the encoder too; only where no column reads it yet.
        people: How many people the identity task tells apart.
        faces: Most training faces; 0 takes all.
        epochs: Passes over them.
        batch: Faces in a batch.
        learning_rate: Adam's first rate.
        patience: Epochs without a better loss after which the rate is halved.
        alone: Also train the column without its sources, for the comparison.
        bfloat16: Forward pass in bfloat16 where the device computes in it.
        device: "auto", "cpu" or "cuda".
        seed: Of weights and order.
        version: Of the exported model.
        earlier: The base's columns; filled in by the command.
        plan: The new column; filled in by the command.
    """

    data: str = ""
    cache: str = ""
    base: str = ""
    task: str = "emotion"
    data_set: str = ""
    name: str = ""
    sources: tuple[str, ...] | None = None
    column: ColumnSettings = field(default_factory=ColumnSettings)
    encoder: EncoderSettings = field(default_factory=EncoderSettings)
    retrain_encoder: bool = False
    people: int = PEOPLE
    faces: int = 0
    epochs: int = 35
    batch: int = 32
    learning_rate: float = 1e-4
    patience: int = 2
    alone: bool = True
    bfloat16: bool = True
    device: Literal["auto", "cpu", "cuda"] = "auto"
    seed: int = 1
    version: str = "1.0"
    earlier: tuple[dict[str, Any], ...] = ()
    plan: dict[str, Any] = field(default_factory=dict)

    def __post_init__(self) -> None:
        if self.task not in TASKS:
            raise RecipeError(f"task: expected one of {', '.join(TASKS)}, found {self.task!r}")
        if min(self.epochs, self.patience) < 1 or self.batch < 2 or self.learning_rate <= 0:
            raise RecipeError(
                "epochs, patience, batch, learning_rate: expected at least 1, 1, 2 and above 0, "
                f"found {self.epochs}, {self.patience}, {self.batch}, {self.learning_rate}"
            )
        if self.faces < 0 or self.people < 2:
            raise RecipeError(f"faces, people: expected at least 0 and 2, found {self.faces}, {self.people}")
        if self.sources is not None:
            if isinstance(self.sources, str):
                raise RecipeError(
                    f'sources: expected a list such as ["age_group","gender"], found {self.sources!r}'
                )
            object.__setattr__(self, "sources", tuple(self.sources))

    @property
    def shares(self) -> dict[str, int]:
        """The one set, as the command wants to know it."""
        return {self.data_set or TASKS[self.task]: self.batch}


def prepare(config: Config, out: Path) -> Config:
    """Return the settings with everything that base and data say filled in.

    Raises:
        RecipeError: The base is no such run, or the new column does not fit it.
        DatasetError: The set lacks the task.
    """
    return resolved(config, task_faces(config.task, _faces(config), config.faces, config.people))


def resolved(config: Config, found: TaskFaces) -> Config:
    """Return the settings with encoder, earlier columns and the new column's plan; see `prepare`."""
    if not config.base and not config.retrain_encoder:
        raise RecipeError(
            "base: expected the folder of a run of began or progressive, found none; train one with "
            "`python -m training run began`, or set retrain_encoder=true to start from nothing"
        )
    base = read_base(Path(config.base)) if config.base else None
    plans = base.plans if base else ()
    encoder = base.encoder if base else config.encoder
    if config.encoder not in (EncoderSettings(), encoder):
        raise RecipeError(
            f"encoder: expected the base's sizes {asdict(encoder)}, found {asdict(config.encoder)}; leave encoder.* out"
        )
    plan = ColumnPlan(
        name=config.name or config.task,
        task=config.task,
        labels=found.labels,
        sources=tuple(earlier.name for earlier in plans) if config.sources is None else config.sources,
        settings=config.column,
    )
    filled = replace(
        config, encoder=encoder, earlier=tuple(earlier.as_dict() for earlier in plans), plan=plan.as_dict()
    )
    build_net(filled)
    return filled


def build(config: Config) -> Experiment:
    """Return the experiment; `config` comes from `prepare`.

    Raises:
        RecipeError: The base's weights do not fit.
        DatasetError: The set is missing or malformed.
    """
    return build_on(config, _faces(config))


def build_on(config: Config, faces: PreparedFaces) -> Experiment:
    """Return the experiment on a given set."""
    found = task_faces(config.task, faces, config.faces, config.people)
    config = config if config.plan else resolved(config, found)
    net = _started(config)
    return experiment_of(config, net, found, column_inputs(net, found, config.retrain_encoder))


def column_inputs(net: ProgressiveNet, found: TaskFaces, images: bool) -> dict[str, Tensor]:
    """Return each part's faces as the training takes them: the frozen encoder's maps, or images where it learns too."""
    spec = InputSpec(size=net.settings.size)
    inputs = {part: part_images(found, part, spec) for part in found.positions}
    return inputs if images else {part: encoded(net, shown) for part, shown in inputs.items()}


def experiment_of(
    config: Config, net: ProgressiveNet, found: TaskFaces, inputs: Mapping[str, Tensor]
) -> Experiment:
    """Return the experiment that trains a network's newest column.

    Args:
        config: Resolved.
        net: Everything but what is to be trained is frozen.
        found: The task's faces.
        inputs: From `column_inputs`.
    """
    optimizer = torch.optim.Adam(
        [weight for weight in net.parameters() if weight.requires_grad], lr=config.learning_rate
    )
    targets = torch.from_numpy(found.targets[found.positions["train"]])
    batches = TaskBatches(inputs["train"], targets, config.batch, config.seed)
    cross_entropy = MaskedCrossEntropy()
    column = config.plan["name"]
    chosen, truth = inputs["validation"], found.truth("validation")
    return Experiment(
        net=net,
        batches=batches,
        loss=lambda outputs, batch: {column: cross_entropy(outputs[column], batch[TARGET])},
        optimizer=optimizer,
        schedule=reduce_on_plateau.build(
            optimizer, total_steps=config.epochs * batches.steps, factor=0.5, patience=config.patience
        ),
        evaluate=lambda trained: {"validation_accuracy": accuracy(trained, chosen, truth, column)},
        epochs=config.epochs,
        config=asdict(config),
        average_decay=0.0,
        bfloat16=config.bfloat16,
        device=config.device,
        seed=config.seed,
    )


def build_net(config: Config) -> ProgressiveNet:
    """Return the network with the new column last, all untrained."""
    torch.manual_seed(config.seed)
    net = ProgressiveNet(config.encoder)
    for plan in (*config.earlier, config.plan):
        net.add(ColumnPlan.from_dict(plan))
    return net


def input_spec(config: Config) -> InputSpec:
    """Return what the encoder takes."""
    return InputSpec(size=config.encoder.size)


def finish(config: Config, net: nn.Module, out: Path) -> str:
    """Export, train the column alone where it listens to others, measure; return what the command says."""
    assert isinstance(net, ProgressiveNet)
    export(config, net, out / "model")
    found = task_faces(config.task, _faces(config), config.faces, config.people)
    plan, alone = net.plans[config.plan["name"]], None
    if config.alone and plan.sources:
        alone = fit(build(without_sources(config)), out / "alone")
        curves = {WITH: [read_accuracy(out / CURVES)], WITHOUT: [read_accuracy(out / "alone" / CURVES)]}
        draw_learning_curves({plan.task.replace("_", " "): curves}, out / FIGURE)
    figures = measured(found, *(_test_probs(one, found) for one in (net, alone) if one is not None))
    save_report(figures, {**plan.as_dict(), "set": found.faces.name}, out / REPORT)
    return report_text(figures, plan)


def without_sources(config: Config) -> Config:
    """Return the settings of the same column that listens to no other."""
    return replace(config, sources=(), plan={**config.plan, "sources": []})


def export(config: Config, net: nn.Module, folder: Path) -> ModelCard | None:
    """Write the network's files; see `training.progressive.outputs`."""
    assert isinstance(net, ProgressiveNet)
    about = {"name": "progressive", "config": {**asdict(config), "base": Path(config.base).name}}
    for place in ("data", "cache"):
        del about["config"][place]
    return export_columns(net, input_spec(config), about, folder)


def _test_probs(net: nn.Module, found: TaskFaces) -> npt.NDArray[np.float32]:
    assert isinstance(net, ProgressiveNet)
    column = list(net.plans)[-1]
    return predicted(net, part_images(found, "test", InputSpec(size=net.settings.size)), column).numpy()


def _started(config: Config) -> ProgressiveNet:
    net = build_net(config)
    if config.base:
        load_base(net, read_base(Path(config.base)), Path(config.base))
    net.train_only(config.plan["name"], encoder=config.retrain_encoder)
    return net


def _faces(config: Config) -> PreparedFaces:
    (name,) = config.shares
    return load_prepared(name, Path(config.data), Path(config.cache))
