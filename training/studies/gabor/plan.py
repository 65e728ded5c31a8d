"""What the Gabor study trains, and which claim of the thesis each pair of variants tests.

Hosseini and Cho: GF-CapsNet, 2019, tables 4.1, 4.3 to 4.6, 4.11 and 4.15 of the thesis. Networks are as narrow as a machine
without a GPU trains in a minute; both sides of a pair have the same width, faces, epochs and seeds.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

PLAIN, FUSED, BESIDE = (), ("gabor=fusion",), ("gabor=concatenation",)
FIVE, SEVEN = (*FUSED, "gabor.kernel=5"), (*FUSED, "gabor.kernel=7")
SINGLE = (*FUSED, "gabor.bank=single")
REGRESSION = ("loss.age=regression",)


@dataclass(frozen=True, slots=True)
class Network:
    """A network of the study.

    Attributes:
        net: File in `training/nets`.
        settings: Keywords of its `build`.
        learning_rate: Peak of the one-cycle schedule.
        stages: For the hybrid, the share of the epochs of each of its steps; empty trains in one.
    """

    net: str
    settings: dict[str, Any]
    learning_rate: float = 0.05
    stages: tuple[str, ...] = ()


NETWORKS = {
    "levi": Network("levi", {"widths": [32, 64, 96], "hidden": [128, 128], "batch_norm": True}),
    "zero_bias_cnn": Network("zero_bias_cnn", {"widths": [16, 32, 64], "hidden": 100}, 0.01),
    "vgg16": Network("vgg", {"depth": 16, "width": 8, "hidden": 64, "batch_norm": True}),
    "vgg19_extra_dropout": Network("vgg19_extra_dropout", {"width": 8, "hidden": 64, "batch_norm": True}),
    "vgg16_hybrid": Network(
        "vgg16_hybrid", {"width": 8, "hidden": [64], "batch_norm": True}, 0.05, ("gender", "experts", "joint")
    ),
    "resnet101": Network("resnet", {"depth": 101, "width": 4}),
}


@dataclass(frozen=True, slots=True)
class Variant:
    """One side of a comparison.

    Attributes:
        network: Key of `NETWORKS`.
        source: Set it is trained on.
        changes: `--set` texts.
    """

    network: str
    source: str
    changes: tuple[str, ...] = PLAIN

    @property
    def name(self) -> str:
        """Of its folder."""
        parts = [text.replace("=", "-").replace(".", "-") for text in self.changes] or ["plain"]
        return "_".join((self.network, self.source, *parts))


@dataclass(frozen=True, slots=True)
class Contrast:
    """A claim about two variants.

    Attributes:
        claim: In words.
        first: The one that is said to be better.
        second: The other.
        score: Key of the scores that `scores.scores_of` gives.
        thesis: By how much the first is better there, in points of 100, or in years less.
    """

    claim: str
    first: Variant
    second: Variant
    score: str
    thesis: float | None = None


@dataclass(frozen=True, slots=True)
class Plan:
    """The whole study.

    Attributes:
        faces: Training faces of a set at most, the same for all variants.
        epochs: Passes over them.
        seeds: Of weights, order and changes.
        batch: Faces in a step.
        contrasts: In the order in which they are trained, with one seed after the other.
        first: How many of the contrasts are trained with all seeds before the others.
        small_set_epochs: Epochs for a set with fewer faces than half of `faces`.
    """

    faces: int = 4000
    epochs: int = 6
    seeds: tuple[int, ...] = (1, 2, 3)
    batch: int = 32
    first: int = 3
    small_set_epochs: int = 25
    contrasts: tuple[Contrast, ...] = field(default_factory=lambda: CONTRASTS)

    def variants(self) -> tuple[Variant, ...]:
        """Return every variant once, in the order of the contrasts."""
        return _sides(self.contrasts)

    def trainings(self) -> tuple[tuple[Variant, int], ...]:
        """Return every variant with every seed, in the order in which they are trained."""
        order = [(variant, seed) for seed in self.seeds for variant in _sides(self.contrasts[: self.first])]
        order += [(variant, seed) for seed in self.seeds for variant in self.variants()]
        return tuple(dict.fromkeys(order))


def _sides(contrasts: Sequence[Contrast]) -> tuple[Variant, ...]:
    return tuple(dict.fromkeys(side for one in contrasts for side in (one.first, one.second)))


def _pair(
    claim: str,
    network: str,
    source: str,
    score: str,
    thesis: float | None,
    first: tuple[str, ...] = FUSED,
    second: tuple[str, ...] = PLAIN,
) -> Contrast:
    return Contrast(claim, Variant(network, source, first), Variant(network, source, second), score, thesis)


AGE, GENDER, EMOTION, YEARS = "utkface/age_group", "utkface/gender", "ferplus/emotion", "utkface/age_error"
CONTRASTS = (
    _pair("fusion helps Levi with the age group", "levi", "utkface", AGE, 7.6),
    _pair("fusion helps Levi with the gender", "levi", "utkface", GENDER, 3.3),
    _pair("fusion helps Levi with the emotion", "levi", "ferplus", EMOTION, None),
    _pair("concatenation helps Levi slightly (age group)", "levi", "utkface", AGE, None, BESIDE),
    _pair(
        "fusion is much better than concatenation (age group)", "levi", "utkface", AGE, None, FUSED, BESIDE
    ),
    _pair("kernel 3 beats 5 (age group)", "levi", "utkface", AGE, 0.7, FUSED, FIVE),
    _pair("kernel 3 beats 7 (age group)", "levi", "utkface", AGE, 1.6, FUSED, SEVEN),
    _pair("the jet beats a single scale (age group)", "levi", "utkface", AGE, 0.5, FUSED, SINGLE),
    _pair("the jet beats a single scale (gender)", "levi", "utkface", GENDER, 0.5, FUSED, SINGLE),
    _pair("fusion helps the zero-bias CNN with the emotion", "zero_bias_cnn", "ferplus", EMOTION, None),
    _pair(
        "fusion carries the emotion over from FER+ to CK+", "levi", "ferplus", "ckplus/emotion_shared", None
    ),
    _pair(
        "fusion carries the emotion over from CK+ to FER+", "levi", "ckplus", "ferplus/emotion_shared", None
    ),
    _pair("fusion helps the emotion on CK+ itself", "levi", "ckplus", "ckplus/emotion_shared", None),
    _pair("fusion helps VGG-16 with the age group", "vgg16", "utkface", AGE, 6.0),
    _pair("fusion helps VGG-19 with the emotion", "vgg19_extra_dropout", "ferplus", EMOTION, 2.75),
    _pair("fusion helps VGG16-Hybrid with the age group", "vgg16_hybrid", "utkface", AGE, None),
    _pair("fusion helps VGG16-Hybrid with the gender", "vgg16_hybrid", "utkface", GENDER, None),
    _pair(
        "fusion helps Levi with the age in years",
        "levi",
        "utkface",
        YEARS,
        None,
        (*FUSED, *REGRESSION),
        REGRESSION,
    ),
    _pair("fusion helps ResNet-101 with the age group", "resnet101", "utkface", AGE, 5.2),
)
