"""The students for hidden halves: a full-face network goes on with a half of every face hidden, taught by itself.

Georgescu, Duta and Ionescu: Teacher-student training and triplet loss to reduce the effect of drastic face occlusion,
Machine Vision and Applications, 2021: the teacher has seen whole faces; the student has the teacher's
architecture and weights, sees the same faces with a half hidden, and learns from the labels and from what the teacher
says of the whole face, with `loss.feature_weight` also from its features. We differ: all tasks are learned
together, on all sets; besides black halves of the aligned chip there are black halves of the picture before it is
aligned, and drawn headsets and masks; the teacher's answers are averaged over the face and its mirror image; age is
distilled as a distribution, like the classes.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from pathlib import Path

from engines.card import ModelCard
from engines.models import find_model
from training.data.augmentation import Augmentation
from training.data.prepared import PreparedFaces, load_prepared
from training.distillation.command import label_with
from training.distillation.teachers import shipped_teacher
from training.distillation.views import FLIPPED
from training.fitting.experiment import Experiment
from training.fitting.processes import first_goes_ahead
from training.occlusion.hiding import Hider, Hiding
from training.occlusion.layers import load_layers
from training.occlusion.views import VIEWS_OF_OCCLUSION, view
from training.recipes import multitask
from training.recipes.multitask import build_net, input_spec
from training.trained.initial_weights import start_from, statistics_images

__all__ = ["Config", "build", "build_net", "build_on", "draft_card", "input_spec", "prepare"]

TINY = {"teacher": "", "hiding": Hiding(drawn=0)}
"""Settings with which it trains on made-up faces of any size: from scratch, nothing drawn."""
_OCCLUSION_OF_HALF = {"upper": "headset", "lower": "mask"}


@dataclass(frozen=True)
class Config(multitask.Config):
    """Settings of a student, and what differs from `multitask`.

    Attributes:
        teacher: Name or folder of the exported full-face model that teaches, and where the student starts; empty starts
            anew.
        hiding: Which half is hidden, and how.
    """

    net: str = "bknet"
    net_settings: dict[str, object] = field(default_factory=lambda: {"dropout": 0.2})
    learning_rate: float = 0.02
    epochs: int = 10
    shares: dict[str, int] = field(
        default_factory=lambda: {"ferplus": 72, "utkface": 40, "genki4k": 12, "ckplus": 4}
    )
    task_weights: dict[str, float] = field(
        default_factory=lambda: {"emotion": 1.0, "age": 0.5, "gender": 1.0, "smile": 1.0}
    )
    augmentation: Augmentation = field(
        default_factory=lambda: Augmentation(rotation_deg=10, patch=0.05, blur=0.1)
    )
    keep_last: int = 4
    average_last: int = 4
    teacher: str = "multitask"
    hiding: Hiding = field(default_factory=Hiding)


def prepare(config: Config, out: Path) -> Config:
    """Let the teacher label the training faces, whole, in the run's folder; return the settings with the labels.

    Raises:
        CardError: The teacher is missing or damaged.
        DatasetError: A set is missing or malformed.
    """
    if config.distilled or not config.teacher:
        return config
    sets = [load_prepared(name, Path(config.data), Path(config.cache)) for name in config.shares]
    with first_goes_ahead(config.device):
        label_with(
            shipped_teacher(config.teacher),
            [find_model(config.teacher).name],
            sets,
            out / "labels",
            FLIPPED,
            features=config.loss.feature_weight > 0,
        )
    return replace(config, distilled=str(out / "labels"))


def build(config: Config) -> Experiment:
    """Return the experiment; prepares the sets and draws what hides their faces where the cache lacks it.

    Raises:
        DatasetError: A set is missing or malformed, or has no training faces.
        CardError: The teacher is missing or damaged.
    """
    sets = {name: load_prepared(name, Path(config.data), Path(config.cache)) for name in config.shares}
    for faces in sets.values():
        faces.require("train")
    return build_on(config, sets)


def build_on(config: Config, sets: dict[str, PreparedFaces]) -> Experiment:
    """Return the experiment on given faces."""
    cache = Path(config.cache)
    layers = tuple(
        load_layers(sets[name], cache, config.hiding.layers_name, config.hiding.drawn_kinds)
        for name in config.shares
        if config.hiding.drawn
    )
    spec = input_spec(config)
    views = {name: view(name, spec, cache) for name in VIEWS_OF_OCCLUSION[_occlusion(config)]}
    experiment = multitask.build_on(config, sets, Hider(config.hiding, layers), views)
    if config.teacher and not config.initial:
        first = sets[next(iter(config.shares))]
        start_from(
            experiment.net,
            config.teacher,
            lambda: statistics_images(first, spec, config.align, config.seed),
            spec,
        )
    return experiment


def draft_card(config: Config, sha256: str = "0" * 64, version: str = "0") -> ModelCard:
    """Return the card without figures."""
    card = multitask.draft_card(config, sha256, version)
    occlusion = _occlusion(config)
    return replace(card, name=f"{multitask.MODEL_NAME}-{occlusion}", occlusion=occlusion)


def _occlusion(config: Config) -> str:
    return _OCCLUSION_OF_HALF[config.hiding.half]
