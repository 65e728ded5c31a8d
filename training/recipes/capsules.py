"""Matrix capsules with the losses of GF-CapsNet: spread loss, the added capsule for age, reconstruction in Gabor space.

Hosseini and Cho: GF-CapsNet: using Gabor jet and capsule networks for face-related tasks, 2019 (section 2.2 of the
thesis). The six variants of its table 4.7 are settings of this recipe (`python -m training study capsules` trains
them): one convolution or two (`net_settings.convolutions`), `gabor=concatenation`, `reconstruction=pixels` or `gabor`.
The thesis trains one task a network; here all heads share the capsules, and `tasks` chooses.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import Literal, get_args

from torch import nn

from engines.card import ModelCard
from training.blocks.capsules.decoder import HIDDEN, PoseDecoder
from training.blocks.capsules.net import CapsuleNet
from training.data.augmentation import Augmentation
from training.data.prepared import PreparedFaces
from training.errors import RecipeError
from training.fitting.experiment import Experiment
from training.losses.age_classes import ADIENCE, AgeClassLoss
from training.losses.gabor_reconstruction import GaborReconstructionLoss
from training.losses.reconstruction import ReconstructionLoss
from training.losses.spread import FIRST_MARGIN, LAST_MARGIN
from training.multi_task.capsule_loss import CapsuleLoss, MarginSchedule
from training.multi_task.fine_tuning import optimizer_of
from training.multi_task.loss import LossSettings, MultiTaskLoss
from training.names import load
from training.recipes import multitask
from training.recipes.multitask import build_net, input_spec

__all__ = ["Config", "build", "build_net", "build_on", "draft_card", "input_spec"]

MODEL_NAME = "capsules"
Reconstruction = Literal["none", "pixels", "gabor"]
TINY = {"first_margin": LAST_MARGIN, "decoder_hidden": (16,)}
"""Settings with which one repeated batch gets easier: a rising margin makes it harder."""


@dataclass(frozen=True)
class Config(multitask.Config):
    """Settings of a capsule network, and what differs from `multitask`.

    Attributes:
        reconstruction: "none", "pixels" (Sabour et al. 2017) or "gabor" (equation 2.9).
        reconstruction_weight: r; its part of the loss.
        decoder_hidden: Units of the decoder's hidden layers.
        first_margin: Margin of the spread loss at the beginning.
        last_margin: Margin at the end.
        margin_share: Share of the training after which the last margin is reached.
        group_weight: Weight of the spread loss on the capsules of the eight Adience age groups; 0 leaves it out.
    """

    net: str = "matrix_capsules"
    loss: LossSettings = field(
        default_factory=lambda: LossSettings(emotion="spread", binary="spread", age="regression")
    )
    optimizer: Literal["sgd", "adam"] = "adam"
    learning_rate: float = 0.004
    schedule: str = "cosine"
    weight_decay: float = 0.0
    task_weights: dict[str, float] = field(
        default_factory=lambda: {"emotion": 1.0, "age": 0.02, "gender": 0.7, "smile": 0.5}
    )
    shares: dict[str, int] = field(
        default_factory=lambda: {"ferplus": 40, "utkface": 18, "genki4k": 4, "ckplus": 2}
    )
    average_decay: float = 0.99
    augmentation: Augmentation = field(
        default_factory=lambda: Augmentation(rotation_deg=10, patch=0.05, blur=0.05)
    )
    reconstruction: Reconstruction = "gabor"
    reconstruction_weight: float = 0.3
    decoder_hidden: tuple[int, ...] = HIDDEN
    first_margin: float = FIRST_MARGIN
    last_margin: float = LAST_MARGIN
    margin_share: float = 1.0
    group_weight: float = 0.5

    def __post_init__(self) -> None:
        super().__post_init__()
        object.__setattr__(self, "decoder_hidden", tuple(self.decoder_hidden))
        if self.reconstruction not in get_args(Reconstruction):
            raise RecipeError(
                f"reconstruction: expected one of {', '.join(get_args(Reconstruction))}, found {self.reconstruction!r}"
            )
        if min(self.reconstruction_weight, self.group_weight) < 0 or not 0 < self.margin_share <= 1:
            raise RecipeError(
                "reconstruction_weight, group_weight, margin_share: expected 0 or more, 0 or more, and above 0 to 1, "
                f"found {self.reconstruction_weight}, {self.group_weight}, {self.margin_share}"
            )
        if not 0 < self.first_margin <= self.last_margin <= 1:
            raise RecipeError(
                f"first_margin, last_margin: expected 0 < first <= last <= 1, found {self.first_margin}, {self.last_margin}"
            )


def build(config: Config) -> Experiment:
    """Return the experiment; prepares the sets first where the cache lacks them.

    Raises:
        DatasetError: A set is missing or malformed, has no training faces, or the first one no validation faces.
        RecipeError: The network has no capsules.
    """
    return build_on(config, multitask.load_sets(config))


def build_on(config: Config, sets: dict[str, PreparedFaces]) -> Experiment:
    """Return the experiment on given faces.

    Raises:
        RecipeError: The network has no capsules.
    """
    experiment = multitask.build_on(config, sets)
    net = experiment.net
    if not isinstance(net, CapsuleNet):
        raise RecipeError(f"net: expected one of capsules such as matrix_capsules, found {config.net!r}")
    net.shows_capsules = True
    total_steps = config.epochs * experiment.batches.steps
    loss = capsule_loss(config, net, total_steps)
    experiment.loss = loss
    experiment.extra_modules = loss.modules()
    experiment.clip_norm = 5.0
    trained = nn.ModuleList([net, *experiment.extra_modules.values()])
    experiment.optimizer = optimizer_of(config, trained)
    schedule = load("schedules", config.schedule)
    experiment.schedule = schedule.build(
        experiment.optimizer, total_steps=total_steps, **config.schedule_settings
    )
    return experiment


def draft_card(config: Config, sha256: str = "0" * 64, version: str = "0") -> ModelCard:
    """Return the card without figures."""
    return replace(multitask.draft_card(config, sha256, version), name=MODEL_NAME)


def capsule_loss(config: Config, net: CapsuleNet, total_steps: int) -> CapsuleLoss:
    """Return the loss of a network.

    Args:
        config: Settings.
        net: Its branches say how many capsules a task has.
        total_steps: Batches of the whole training.
    """
    task = config.tasks[0]
    decoder = None
    if config.reconstruction != "none":
        capsules = net.branches[task].read_by.parents
        spec = input_spec(config)
        decoder = PoseDecoder(capsules, spec.size, spec.channels, config.decoder_hidden)
    return CapsuleLoss(
        tasks=MultiTaskLoss(config.loss),
        margin=MarginSchedule(
            max(1, round(config.margin_share * total_steps)), config.first_margin, config.last_margin
        ),
        age_groups=AgeClassLoss(ADIENCE) if config.group_weight and "age" in config.tasks else None,
        group_weight=config.group_weight,
        decoder=decoder,
        reconstruction={"none": None, "pixels": ReconstructionLoss(), "gabor": GaborReconstructionLoss()}[
            config.reconstruction
        ],
        reconstruction_weight=config.reconstruction_weight,
        decoded_task=task,
    )
