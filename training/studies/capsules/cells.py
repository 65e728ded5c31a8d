"""The trainings of the capsule study: which network learns what from which faces."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields
from typing import Any

from training.blocks.capsules.routing import SOFT
from training.blocks.gabor import GaborSettings
from training.data.augmentation import Augmentation
from training.multi_task.config import Config as MultiTaskConfig
from training.multi_task.loss import LossSettings
from training.recipes import capsules, multitask

ONE_CONVOLUTION = ((32, 5, 4),)
"""A single convolution of stride 4, so that routing sees as many places as behind two of stride 2."""
TWO_CONVOLUTIONS = ((16, 5, 2), (32, 3, 2))
CNN = "cnn"


@dataclass(frozen=True, slots=True)
class Settings:
    """What all trainings share; other settings are another study.

    Attributes:
        faces: Training faces of each set, the first of a fixed order.
        measured: Validation faces of each set that answers are kept of.
        epochs: Passes over them.
        batch: Faces in a step.
        learning_rate: At the beginning; it falls along a cosine. Adam.
        kinds: Of capsules in the three layers.
        strides: Of the two convolutional capsule layers.
        iterations: Of the routing.
        inverse_temperature: lambda of the routing.
        sharpness: Of the routing's E step.
        reconstruction_weight: r of equation 2.9.
        cnn_widths: Of `training.nets.fast_face`, chosen for the capsules' number of parameters.
    """

    faces: int = 1200
    measured: int = 500
    epochs: int = 4
    batch: int = 16
    learning_rate: float = 0.005
    kinds: tuple[int, ...] = (4, 4, 8)
    strides: tuple[int, ...] = (2, 2)
    iterations: int = 3
    inverse_temperature: float = 2.0
    sharpness: float = SOFT
    reconstruction_weight: float = 0.1
    cnn_widths: tuple[int, ...] = (8, 12, 17, 22)

    def __post_init__(self) -> None:
        for field in fields(self):
            value = getattr(self, field.name)
            if isinstance(value, tuple | list):
                object.__setattr__(self, field.name, tuple(value))
            elif not value > 0:
                raise ValueError(f"{field.name}: expected above 0, found {value!r}")

    def as_dict(self) -> dict[str, Any]:
        """Return the fields as they read back from JSON."""
        return {name: list(v) if isinstance(v, tuple) else v for name, v in asdict(self).items()}


@dataclass(frozen=True, slots=True)
class Variant:
    """A network of the study.

    Attributes:
        title: As table 4.7 of the thesis calls it.
        convolutions: At the head; empty for the CNN.
        gabor: Feeding of Gabor responses.
        reconstruction: See `training.recipes.capsules`.
        spread: Spread loss; else cross-entropy on the logits of the activations.
    """

    title: str
    convolutions: tuple[tuple[int, int, int], ...] = TWO_CONVOLUTIONS
    gabor: str = "none"
    reconstruction: str = "none"
    spread: bool = True


VARIANTS: Mapping[str, Variant] = {
    "capsnet": Variant("CapsNet, EM routing (baseline)", ONE_CONVOLUTION),
    "capsnet2": Variant("CapsNet-2 (one more convolution)"),
    "gf_capsnet2": Variant("GF-CapsNet-2 (Gabor responses beside the image)", gabor="concatenation"),
    "gf_capsnet2_pixels": Variant(
        "GF-CapsNet-2, reconstruction of pixels", gabor="concatenation", reconstruction="pixels"
    ),
    "capsnet2_gabor": Variant("CapsNet-2, reconstruction in Gabor space (2.9)", reconstruction="gabor"),
    "gf_capsnet2_gabor": Variant(
        "GF-CapsNet-2, reconstruction in Gabor space (2.9)", gabor="concatenation", reconstruction="gabor"
    ),
    "capsnet2_cross_entropy": Variant("CapsNet-2, cross-entropy in place of the spread loss", spread=False),
    CNN: Variant("CNN of as many parameters", ()),
}
TABLE = tuple(VARIANTS)[:6]
"""The six of table 4.7."""


@dataclass(frozen=True, slots=True)
class Cell:
    """One training.

    Attributes:
        variant: A key of `VARIANTS`.
        data_set: What it learns from; "utkface" learns age groups, the others emotion.
        seed: Of weights, order and changes.
    """

    variant: str
    data_set: str
    seed: int

    @property
    def name(self) -> str:
        """Name of its folder."""
        return f"{self.data_set}-{self.variant}-{self.seed}"

    @property
    def task(self) -> str:
        """What it learns."""
        return "age" if self.data_set == "utkface" else "emotion"


def cells(seeds: tuple[int, ...]) -> list[Cell]:
    """Return all trainings, emotion first, then age; seed by seed, so that a study that is stopped has whole rows."""
    found = []
    for seed in seeds:
        found += [Cell(variant, "ferplus", seed) for variant in VARIANTS]
        found += [Cell(variant, "ckplus", seed) for variant in ("capsnet2", "gf_capsnet2_gabor", CNN)]
    aged = (*TABLE, CNN)
    return found + [Cell(variant, "utkface", seed) for seed in seeds for variant in aged]


def cell_config(cell: Cell, settings: Settings) -> MultiTaskConfig:
    """Return the settings of a cell's training."""
    variant = VARIANTS[cell.variant]
    shared: dict[str, Any] = {
        "tasks": (cell.task,),
        "shares": {cell.data_set: settings.batch},
        "epochs": settings.epochs,
        "optimizer": "adam",
        "learning_rate": settings.learning_rate,
        "schedule": "cosine",
        "weight_decay": 0.0,
        "average_decay": 0.97,
        "augmentation": Augmentation(rotation_deg=10, patch=0, blur=0),
        "smile_from_happiness": False,
        "bfloat16": False,
        "device": "cpu",
        "seed": cell.seed,
    }
    if cell.variant == CNN:
        return multitask.Config(
            **shared,
            net="fast_face",
            net_settings={"widths": list(settings.cnn_widths), "dropout": 0.0},
            loss=LossSettings(emotion="majority", age="classes"),
            task_weights={"emotion": 1.0, "age": 1.0, "gender": 1.0, "smile": 1.0},
        )
    return capsules.Config(
        **shared,
        net_settings={
            "convolutions": [list(one) for one in variant.convolutions],
            "kinds": list(settings.kinds),
            "strides": list(settings.strides),
            "iterations": settings.iterations,
            "inverse_temperature": settings.inverse_temperature,
            "through_all": False,
            "sharpness": settings.sharpness,
        },
        gabor=GaborSettings(variant.gabor),
        reconstruction=variant.reconstruction,  # type: ignore[arg-type]
        reconstruction_weight=settings.reconstruction_weight,
        loss=LossSettings(
            emotion="spread" if variant.spread else "majority", binary="spread", age="regression"
        ),
        margin_share=1.0,
        decoder_hidden=(64, 128),
        task_weights={"emotion": 1.0, "age": 0.0, "gender": 1.0, "smile": 1.0},
        group_weight=1.0,
    )
