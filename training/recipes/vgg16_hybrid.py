"""VGG16-Hybrid in the thesis's steps: the gender, then an age expert for each gender, then all of it together.

Hosseini and Cho: GF-CapsNet, 2019, section 2.1.2 of the thesis: "we first pre-train the gender network and each of the
gender-specific networks separately on their specific data. Then, the network is finely tuned using the whole dataset."

Step "gender" trains the shared blocks and every head but the age. Step "experts" trains the two age experts alone, on the
shared blocks as they are; each learns only from faces of its gender and shares no trained number with the other, so one run
trains both as two would. Step "joint" trains everything on all faces. `--set gabor=fusion` feeds it with Gabor responses.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, Literal

import torch
from torch import Tensor, nn

from engines.card import GENDERS
from training.data.prepared import PreparedFaces
from training.errors import RecipeError
from training.fitting.loop import Experiment, fit
from training.multi_task.loss import MultiTaskLoss
from training.nets.vgg16_hybrid import AGE_OF, age_experts
from training.recipes import multitask
from training.recipes.multitask import build_net, draft_card, input_spec, load_sets

__all__ = ["Config", "build", "build_net", "build_on", "draft_card", "input_spec", "prepare"]

TINY = {"tasks": ("emotion", "age", "gender")}
"""Settings of a tiny run for checks, besides a small network."""


@dataclass(frozen=True)
class Config(multitask.Config):
    """Settings of the joint step, and how long the two before it are.

    Attributes:
        step: Which step this is; the first two are run before "joint" unless `initial` names where to start.
        gender_epochs: Epochs of the step "gender".
        expert_epochs: Epochs of the step "experts".
    """

    net: str = "vgg16_hybrid"
    net_settings: dict[str, Any] = field(default_factory=lambda: {"batch_norm": True})
    tasks: tuple[str, ...] = ("age", "gender")
    shares: dict[str, int] = field(default_factory=lambda: {"utkface": 128})
    learning_rate: float = 0.02
    step: Literal["gender", "experts", "joint"] = "joint"
    gender_epochs: int = 10
    expert_epochs: int = 10

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.step not in ("gender", "experts", "joint"):
            raise RecipeError(f"step: expected gender, experts or joint, found {self.step!r}")
        if self.net != "vgg16_hybrid" or not {"age", "gender"} <= set(self.tasks):
            raise RecipeError(
                f"net, tasks: expected vgg16_hybrid with age and gender, found {self.net} with {', '.join(self.tasks)}"
            )
        if min(self.gender_epochs, self.expert_epochs) < 1:
            raise RecipeError(
                f"gender_epochs, expert_epochs: expected 1 or more, found {self.gender_epochs}, {self.expert_epochs}"
            )


def prepare(config: Config, out: Path) -> Config:
    """Train the first two steps in folders below the run's own, each going on from what is there; return the joint one.

    Raises:
        DatasetError: A set is missing or malformed.
    """
    return config if config.initial else before_joint(config, load_sets(config), out)


def before_joint(config: Config, sets: dict[str, PreparedFaces], out: Path, progress: bool = True) -> Config:
    """Train the first two steps on given faces; return the settings of the joint one.

    Args:
        config: Settings of the joint step.
        sets: Name -> faces.
        out: Folder that gets `gender` and `experts`.
        progress: Show progress bars.
    """
    initial = ""
    for step, epochs in (("gender", config.gender_epochs), ("experts", config.expert_epochs)):
        stage = replace(config, step=step, epochs=epochs, initial=initial)
        experiment = build_on(stage, sets)
        experiment.config = {"recipe": "vgg16_hybrid", **experiment.config}
        fit(experiment, out / step, progress=progress)
        initial = str(out / step)
    return replace(config, initial=initial)


def build(config: Config) -> Experiment:
    """Return the experiment of the configuration's step.

    Raises:
        DatasetError: A set is missing or malformed.
    """
    return build_on(config, load_sets(config))


def build_on(config: Config, sets: dict[str, PreparedFaces]) -> Experiment:
    """Return the experiment on given faces."""
    experiment = multitask.build_on(config, sets)
    if config.step == "joint":
        return experiment
    experiment.loss = StepLoss(config)
    if config.step == "experts":
        experiment.balance = None
        net = experiment.net
        net.requires_grad_(False)
        gated, last = net.branches["age"]  # type: ignore[index, misc]
        gated.experts.requires_grad_(True)
        last.requires_grad_(True)
        net.training_heads.update(age_experts(net))  # type: ignore[arg-type, operator]
    return experiment


class StepLoss(nn.Module):
    """The parts of a step: every task but age; or the age of each gender's faces by its own expert.

    Args:
        config: Settings of the step.
    """

    def __init__(self, config: Config) -> None:
        super().__init__()
        self.whole = MultiTaskLoss(config.loss)
        self.of_experts = config.step == "experts"

    def forward(self, outputs: Mapping[str, Tensor], batch: Mapping[str, Tensor]) -> dict[str, Tensor]:
        """Return part -> scalar."""
        if not self.of_experts:
            return self.whole({task: logits for task, logits in outputs.items() if task != "age"}, batch)
        return {
            name: self.whole({"age": outputs[name]}, _of_gender(batch, number))["age"]
            for number, name in enumerate(AGE_OF)
        }


def _of_gender(batch: Mapping[str, Tensor], number: int) -> dict[str, Tensor]:
    """Return the batch with the ages of one gender's faces only."""
    own = batch["female"] == float(number == GENDERS.index("female"))
    ages = {name: values for name, values in batch.items() if name.startswith("age_")}
    return {**batch, **{name: torch.where(own, values, torch.nan) for name, values in ages.items()}}
