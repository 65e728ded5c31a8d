"""The losses of all tasks of a batch, each masked to the faces that carry its label, with distillation beside them."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Literal, get_args

import torch
from torch import Tensor, nn

from engines.card import LABELS
from training.data.sample import LABEL_OF
from training.distillation.labels import FEATURES, PREFIX
from training.errors import RecipeError
from training.losses.age_classes import GALLAGHER, AgeClassLoss
from training.losses.age_distribution import AgeDistributionLoss
from training.losses.age_regression import AgeRegressionLoss
from training.losses.crowd_labels import CrowdLabelLoss
from training.losses.distillation import DistillationLoss
from training.losses.feature_distillation import FeatureDistillationLoss
from training.losses.masked_cross_entropy import MaskedCrossEntropy, one_hot
from training.losses.masked_squared_hinge import MaskedSquaredHinge
from training.losses.spread import SpreadLoss
from training.losses.triplet_domain import TripletDomainLoss
from training.multi_task.prior_adjustment import PriorAdjustment
from training.names import load, names_in

CLASS_LOSSES: Mapping[str, Callable[[float], nn.Module]] = {
    "distribution": lambda smoothing: CrowdLabelLoss("distribution", label_smoothing=smoothing),
    "majority": lambda smoothing: CrowdLabelLoss("majority", label_smoothing=smoothing),
    "probability": lambda smoothing: CrowdLabelLoss("probability", label_smoothing=smoothing),
    "multi_label": lambda smoothing: CrowdLabelLoss("multi_label", label_smoothing=smoothing),
    "cross_entropy": lambda smoothing: MaskedCrossEntropy(label_smoothing=smoothing),
    "squared_hinge": lambda smoothing: MaskedSquaredHinge(),
    "spread": lambda smoothing: SpreadLoss(),
}
AGE_LOSSES: Mapping[str, Callable[[], nn.Module]] = {
    "distribution": AgeDistributionLoss,
    "regression": AgeRegressionLoss,
    "classes": AgeClassLoss,
    "gallagher_classes": lambda: AgeClassLoss(GALLAGHER),
}


def class_loss(name: str, smoothing: float) -> nn.Module:
    """Return the loss of a task with classes: one of `CLASS_LOSSES`, or what `build()` of a file of that name gives."""
    return CLASS_LOSSES[name](smoothing) if name in CLASS_LOSSES else _of_file(name)


def age_loss(name: str) -> nn.Module:
    """Return the loss of age: one of `AGE_LOSSES`, or what `build()` of a file of that name gives."""
    return AGE_LOSSES[name]() if name in AGE_LOSSES else _of_file(name)


def _of_file(name: str) -> nn.Module:
    module = load("losses", name)
    if not hasattr(module, "build"):
        raise RecipeError(f"training/losses/{name}.py: expected build() -> nn.Module, found none; add it")
    built: nn.Module = module.build()
    return built


AGE_RANGE = ("age_low_years", "age_high_years")
"""Labels of a batch with faces of a set that gives ages as ranges of years."""
DOMAIN = "domain"
MeanOver = Literal["labelled", "all"]
EMBEDDING = "embedding"


@dataclass(frozen=True, slots=True)
class LossSettings:
    """Which loss each task takes.

    Attributes:
        emotion: One of `CLASS_LOSSES`, whose first four are the readings of crowd votes, or the name of a file in
            `training/losses` with `build() -> nn.Module`.
        age: One of `AGE_LOSSES`, or such a name.
        binary: Of gender and smile: "cross_entropy" or "squared_hinge".
        label_smoothing: Share of a class's probability spread over all; not with the hinge.
        domain_weight: Weight of the triplet domain loss; 0 trains no domain head.
        distillation_weight: Share of the distilled loss in a task's loss, where a face has distilled labels; the rest
            is the supervised loss.
        temperature: Of the soft labels.
        mean_over: What the supervised losses are divided by: the "labelled" faces of a batch, or "all", as equation 1 of Sang
            and Cuong 2018 is printed.
        feature_weight: Weight of the distance to the teacher's features.
    """

    emotion: str = "distribution"
    age: str = "distribution"
    binary: str = "cross_entropy"
    label_smoothing: float = 0.0
    domain_weight: float = 0.0
    distillation_weight: float = 0.5
    temperature: float = 1.0
    feature_weight: float = 0.0
    mean_over: MeanOver = "labelled"

    def __post_init__(self) -> None:
        for name, known in (("emotion", CLASS_LOSSES), ("age", AGE_LOSSES), ("binary", CLASS_LOSSES)):
            if getattr(self, name) not in {*known, *names_in("losses")}:
                raise ValueError(
                    f"{name}: expected one of {', '.join(known)}, or a file in training/losses, found {getattr(self, name)!r}"
                )
        if self.label_smoothing and {"squared_hinge", "multi_label", "spread"} & {self.emotion, self.binary}:
            raise ValueError(
                "label_smoothing: expected 0 with squared_hinge, multi_label and spread, "
                f"found {self.label_smoothing}"
            )
        if self.mean_over not in get_args(MeanOver):
            raise ValueError(f"mean_over: expected labelled or all, found {self.mean_over!r}")
        for name in ("label_smoothing", "domain_weight", "feature_weight"):
            if getattr(self, name) < 0:
                raise ValueError(f"{name}: expected 0 or more, found {getattr(self, name)}")
        if not 0 <= self.distillation_weight <= 1 or self.temperature <= 0:
            raise ValueError(
                f"distillation_weight, temperature: expected 0 to 1 and above 0, "
                f"found {self.distillation_weight}, {self.temperature}"
            )


class MultiTaskLoss(nn.Module):
    """Supervised and distilled loss of every task, and the losses of the training heads.

    Args:
        settings: Which losses.
        prior_adjustment: Of the emotions' logits, or None.
    """

    def __init__(self, settings: LossSettings, prior_adjustment: PriorAdjustment | None = None) -> None:
        super().__init__()
        self.prior_adjustment = prior_adjustment
        self.settings = settings
        self.emotion = class_loss(settings.emotion, settings.label_smoothing)
        self.binary = class_loss(settings.binary, settings.label_smoothing)
        self.age = age_loss(settings.age)
        for loss in (self.emotion, self.binary, self.age):
            loss.over_all = settings.mean_over == "all"
        self.soft = DistillationLoss(settings.temperature)
        self.domain = TripletDomainLoss()
        self.features = FeatureDistillationLoss()

    def forward(self, outputs: Mapping[str, Tensor], batch: Mapping[str, Tensor]) -> dict[str, Tensor]:
        """Return part -> scalar loss: a part per task the network has, "domain" and "embedding" where it has the heads.

        Args:
            outputs: Task -> logits (N, classes); "domain" and "embedding" from the training heads.
            batch: Labels of `training.batches.mixed_batches`, perhaps with distilled ones.
        """
        parts = {task: self._task(task, outputs[task], batch) for task in LABELS if task in outputs}
        if DOMAIN in outputs:
            parts[DOMAIN] = self.settings.domain_weight * self.domain(outputs[DOMAIN], batch["source"])
        if EMBEDDING in outputs:
            wanted = batch[PREFIX + FEATURES]
            parts[EMBEDDING] = self.settings.feature_weight * self.features(outputs[EMBEDDING], wanted)
        return parts

    def _task(self, task: str, logits: Tensor, batch: Mapping[str, Tensor]) -> Tensor:
        supervised = self._supervised(task, logits, batch)
        taught = batch.get(PREFIX + task)
        if taught is None:
            return supervised
        if task == "emotion" and self.prior_adjustment is not None:
            # A teacher that learned from the first set assumes that set's prior, whatever face it is asked about.
            logits = self.prior_adjustment(logits, torch.zeros_like(batch["source"]))
        share = self.settings.distillation_weight
        distilled: Tensor = self.soft(logits, taught)
        return (1 - share) * supervised + share * distilled

    def _supervised(self, task: str, logits: Tensor, batch: Mapping[str, Tensor]) -> Tensor:
        if task == "emotion":
            if self.prior_adjustment is not None:
                logits = self.prior_adjustment(logits, batch["source"])
            loss: Tensor = self.emotion(logits, batch["emotion"])
        elif task == "age":
            loss = self.age(logits, *self._ages(batch))
        else:
            loss = self.binary(logits, one_hot(batch[LABEL_OF[task]], 2))
        return loss

    def _ages(self, batch: Mapping[str, Tensor]) -> tuple[Tensor, ...]:
        """Return years, or for a loss over groups the lowest and the highest where a set gives ranges only."""
        years = batch["age_years"]
        if AGE_RANGE[0] not in batch or not isinstance(self.age, AgeClassLoss):
            return (years,)
        low, high = (torch.where(years.isnan(), batch[name], years) for name in AGE_RANGE)
        return low, high


class TaskBalance(nn.Module):
    """Weighs the tasks with a balancer and leaves the other parts of the loss as they are.

    Args:
        balancer: One of `training.balancing`.
    """

    def __init__(self, balancer: nn.Module) -> None:
        super().__init__()
        self.balancer = balancer

    def weigh(self, losses: dict[str, Tensor], shared: nn.Parameter) -> dict[str, Tensor]:
        """Return the parts with the tasks' ones weighted.

        Args:
            losses: Part -> scalar.
            shared: The last weight that all tasks share.
        """
        tasks = {name: loss for name, loss in losses.items() if name in LABELS}
        return {**losses, **self.balancer.weigh(tasks, shared)}  # type: ignore[operator]
