"""Multi-task BKNet on FER+, UTKFace, GENKI-4K and CK+ (BK1, BK4, BK5, BK6): the network that ships as `multitask`.

Sang and Cuong 2018, sections 3.2 to 3.6 and 4.2. We differ, for a training of an hour on two cores instead of 250
epochs: a one-cycle learning rate with a running average of the weights instead of a slow exponential decay; He's
initial weights; every batch holds a fixed share of each set; emotion is trained on the crowd's votes; age is a
distribution. The paper's settings are `--set schedule=exponential --set learning_rate=0.01 --set weight_decay=0.01
--set initial_std=0.01 --set average_decay=0 --set epochs=250 --set nesterov=false`.
"""

from __future__ import annotations

import math
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Literal

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor, nn

from engines.card import AGES_YEARS, EMOTIONS, LABELS, HeadSpec, InputSpec, ModelCard
from engines.decode import decode
from training.data.augmentation import Augmentation
from training.data.mixed_batches import MixedBatches
from training.data.prepared import PreparedFaces, load_prepared
from training.data.sample import SPLITS
from training.errors import RecipeError
from training.evaluation import figures, predict_faces
from training.loop import Experiment, averaged_weights
from training.losses.age_distribution import AgeDistributionLoss
from training.losses.masked_cross_entropy import MaskedCrossEntropy, one_hot
from training.losses.masked_squared_hinge import MaskedSquaredHinge
from training.nets import bknet

MODEL_NAME = "multitask"


@dataclass(frozen=True)
class Config:
    """Settings of the recipe; every field can be set with `--set name=value`.

    Attributes:
        data: Folder with the unpacked sets.
        cache: Folder for the prepared faces.
        size: Side of the input in pixels, a multiple of 16.
        align: Use the landmarks; False takes the whole crops.
        shares: Set -> faces in every batch.
        epochs: Passes over FER+.
        learning_rate: Peak (onecycle) or initial (exponential) rate.
        schedule: "onecycle", or "exponential": 0.8 to the power of step / 10000, equation 4 of the paper.
        weight_decay: L2 on all weights.
        nesterov: Nesterov's momentum.
        dropout: Probability in the branches.
        initial_std: Deviation of the Gaussian initial weights; None is He's.
        loss: "cross_entropy" or "squared_hinge" for the classes.
        task_weights: Task -> weight of its loss.
        average_decay: Decay of the running average of the weights; 0 for none.
        augmentation: How training faces are changed.
        smile_from_happiness: Also learn smile from the FER+ training faces whose votes leave no doubt: a smile where at
            least nine in ten votes are happiness, none where no vote is. GENKI-4K alone has 2,200 training faces.
        initial: Folder of a finished run whose averaged weights to start from; empty starts anew.
        bfloat16: Forward pass in bfloat16.
        seed: Of weights, order and changes.
    """

    data: str = ""
    cache: str = ""
    size: int = bknet.INPUT[1]
    align: bool = True
    shares: dict[str, int] = field(
        default_factory=lambda: {"ferplus": 64, "utkface": 44, "genki4k": 14, "ckplus": 6}
    )
    epochs: int = 18
    learning_rate: float = 0.05
    schedule: Literal["onecycle", "exponential"] = "onecycle"
    weight_decay: float = 5e-4
    nesterov: bool = True
    dropout: float = 0.5
    initial_std: float | None = None
    loss: Literal["cross_entropy", "squared_hinge"] = "cross_entropy"
    task_weights: dict[str, float] = field(
        default_factory=lambda: {"emotion": 1.0, "age": 0.5, "gender": 0.7, "smile": 0.5}
    )
    average_decay: float = 0.999
    augmentation: Augmentation = field(default_factory=Augmentation)
    smile_from_happiness: bool = False
    initial: str = ""
    bfloat16: bool = True
    seed: int = 1

    def __post_init__(self) -> None:
        if self.size % 16 or self.size < 16:
            raise RecipeError(f"size: expected a multiple of 16, found {self.size}")
        if self.schedule not in ("onecycle", "exponential"):
            raise RecipeError(f"schedule: expected onecycle or exponential, found {self.schedule!r}")
        if self.loss not in ("cross_entropy", "squared_hinge"):
            raise RecipeError(f"loss: expected cross_entropy or squared_hinge, found {self.loss!r}")
        if "ferplus" not in self.shares or min(self.shares.values()) < 1:
            raise RecipeError(
                f"shares: expected at least one face of ferplus and of each set named, found {self.shares}"
            )
        if set(self.task_weights) != set(LABELS):
            raise RecipeError(
                f"task_weights: expected {', '.join(LABELS)}, found {', '.join(self.task_weights)}"
            )
        if self.epochs < 1 or self.learning_rate <= 0:
            raise RecipeError(
                f"epochs, learning_rate: expected above 0, found {self.epochs}, {self.learning_rate}"
            )


def build(config: Config) -> Experiment:
    """Return the experiment; prepares the sets first where the cache lacks them.

    Raises:
        DatasetError: A set is missing or malformed.
    """
    sets = {name: load_prepared(name, Path(config.data), Path(config.cache)) for name in config.shares}
    return build_on(config, sets)


def build_on(config: Config, sets: dict[str, PreparedFaces]) -> Experiment:
    """Return the experiment on given faces."""
    torch.manual_seed(config.seed)
    spec = input_spec(config)
    if config.smile_from_happiness:
        sets = {**sets, "ferplus": with_smile_from_happiness(sets["ferplus"])}
    batches = MixedBatches(
        sets=sets,
        shares=config.shares,
        spec=spec,
        augmentation=config.augmentation,
        align=config.align,
        epoch_set="ferplus",
        seed=config.seed,
    )
    net = build_net(config).to(memory_format=torch.channels_last)
    if config.initial:
        net.load_state_dict(averaged_weights(Path(config.initial)))
    optimizer = torch.optim.SGD(
        net.parameters(),
        lr=config.learning_rate,
        momentum=0.9,
        nesterov=config.nesterov,
        weight_decay=config.weight_decay,
    )
    return Experiment(
        net=net,
        batches=batches,
        loss=MultiTaskLoss(config),
        optimizer=optimizer,
        schedule=_schedule(config, optimizer, batches.steps),
        evaluate=lambda trained: validation_figures(trained, sets, config),
        epochs=config.epochs,
        config=asdict(config),
        average_decay=config.average_decay,
        bfloat16=config.bfloat16,
    )


def with_smile_from_happiness(faces: PreparedFaces) -> PreparedFaces:
    """Return FER+ with smile labels on its training faces whose votes leave no doubt; held-out faces get none."""
    happiness = faces.emotion[:, EMOTIONS.index("happiness")]
    smile = np.full(len(faces), np.nan, np.float32)
    smile[happiness >= 0.9] = 1
    smile[happiness == 0] = 0
    smile[faces.split != SPLITS.index("train")] = np.nan
    return replace(faces, smile=smile)


def build_net(config: Config) -> nn.Module:
    """Return the untrained network."""
    channels = input_spec(config).channels
    return bknet.build(
        size=config.size, channels=channels, dropout=config.dropout, initial_std=config.initial_std
    )


class MultiTaskLoss(nn.Module):
    """The weighted, masked losses of all tasks (equation 3; the L2 term is the optimizer's weight decay)."""

    def __init__(self, config: Config) -> None:
        super().__init__()
        self.weights = config.task_weights
        self.classes = MaskedSquaredHinge() if config.loss == "squared_hinge" else MaskedCrossEntropy()
        self.age = AgeDistributionLoss()

    def forward(self, outputs: dict[str, Tensor], batch: dict[str, Tensor]) -> dict[str, Tensor]:
        """Return task -> weighted scalar loss."""
        return {
            "emotion": self.weights["emotion"] * self.classes(outputs["emotion"], batch["emotion"]),
            "age": self.weights["age"] * self.age(outputs["age"], batch["age_years"]),
            "gender": self.weights["gender"] * self.classes(outputs["gender"], one_hot(batch["female"], 2)),
            "smile": self.weights["smile"] * self.classes(outputs["smile"], one_hot(batch["smile"], 2)),
        }


def input_spec(config: Config) -> InputSpec:
    """Return the input contract of the card."""
    return InputSpec(size=config.size, crop="aligned_face" if config.align else "whole_box")


def draft_card(config: Config, sha256: str = "0" * 64, version: str = "0") -> ModelCard:
    """Return the card without figures."""
    heads = (
        HeadSpec("emotion", "emotion", "softmax", LABELS["emotion"]),
        HeadSpec("age", "age", "distribution", AGES_YEARS, "years"),
        HeadSpec("gender", "gender", "softmax", LABELS["gender"]),
        HeadSpec("smile", "smile", "softmax", LABELS["smile"]),
    )
    return ModelCard(name=MODEL_NAME, version=version, input=input_spec(config), heads=heads, sha256=sha256)


def validation_figures(net: nn.Module, sets: dict[str, PreparedFaces], config: Config) -> dict[str, float]:
    """Return the validation figures of a network: "<set>_<figure>" -> value."""
    card = draft_card(config)

    def predict(images: npt.NDArray[np.float32]) -> dict[str, npt.NDArray[np.float32]]:
        with torch.inference_mode(), torch.autocast("cpu", torch.bfloat16, enabled=config.bfloat16):
            outputs = net(torch.from_numpy(images).to(memory_format=torch.channels_last))
        return decode({name: output.float().numpy() for name, output in outputs.items()}, card)

    values: dict[str, float] = {}
    for name, faces in sets.items():
        positions = faces.where("validation")
        if len(positions):
            said = predict_faces(predict, faces, positions, card.input, config.align)
            values |= {
                f"{name}_{key}": figure.value for key, figure in figures(faces, positions, said).items()
            }
    return {key: value for key, value in values.items() if math.isfinite(value)}


def _schedule(
    config: Config, optimizer: torch.optim.Optimizer, steps: int
) -> torch.optim.lr_scheduler.LRScheduler:
    if config.schedule == "exponential":
        return torch.optim.lr_scheduler.LambdaLR(optimizer, lambda step: 0.8 ** (step / 10_000))
    return torch.optim.lr_scheduler.OneCycleLR(
        optimizer,
        max_lr=config.learning_rate,
        total_steps=config.epochs * steps,
        pct_start=0.2,
        cycle_momentum=False,
    )
