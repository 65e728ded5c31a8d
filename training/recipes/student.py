"""Teacher, first student, distilled labels, student: the network that ships as `multitask`, from one command.

A wide network and BKNet are trained on all sets; together they label the training faces of every set for every task,
averaged over views of the face (Distill-2MD-MTL, chapter 3.2); then BKNet goes on from its own weights with the
sets' labels and these (Furlanello et al.: Born-again neural networks, ICML 2018, for a student of its teacher's kind).
We differ from the thesis: the soft labels are kept where a set has its own label too (Hinton et al.: Distilling the
knowledge in a neural network, 2015).
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from training.data.prepared import load_prepared
from training.distillation.command import label_sets
from training.distillation.views import FLIPPED
from training.errors import RecipeError
from training.fitting.loop import fit
from training.fitting.processes import first_goes_ahead
from training.recipes import multitask
from training.recipes.multitask import build, build_net, build_on, draft_card, input_spec

__all__ = ["Config", "build", "build_net", "build_on", "draft_card", "input_spec", "prepare"]

TEACHER = {"net_settings": {"widths": [96, 192, 320, 512], "dropout": 0.3}}
FIRST = {
    "net": "bknet",
    "epochs": 33,
    "learning_rate": 0.05,
    "average_decay": 0.999,
    "shares": {"ferplus": 64, "utkface": 44, "genki4k": 14, "ckplus": 6},
}


@dataclass(frozen=True)
class Config(multitask.Config):
    """Settings of the student, and what differs from `multitask` for the two networks before it.

    Attributes:
        teacher: Name -> value of the wide teacher's settings.
        first: Name -> value of the settings of the student's first training, without a teacher.
    """

    net: str = "bknet"
    net_settings: dict[str, Any] = field(default_factory=lambda: {"dropout": 0.25})
    learning_rate: float = 0.05
    keep_last: int = 10
    teacher: dict[str, Any] = field(default_factory=lambda: dict(TEACHER))
    first: dict[str, Any] = field(default_factory=lambda: dict(FIRST))


def prepare(config: Config, out: Path) -> Config:
    """Train the two teachers and label the sets in folders below the run's own; return the student's settings.

    Every step goes on from what is there.

    Args:
        config: Settings.
        out: The run's folder; `teacher`, `first` and `labels` are made in it.

    Raises:
        RecipeError: A setting is unknown or wrong.
        DatasetError: A set is missing or malformed.
    """
    if config.distilled:
        return config
    stages = {"teacher": config.teacher, "first": config.first}
    settings = {name: _settings(config, name, changes) for name, changes in stages.items()}
    for name, stage in settings.items():
        experiment = multitask.build(stage)
        experiment.config = {"recipe": "multitask", **experiment.config}
        fit(experiment, out / name)
    sets = [load_prepared(name, Path(config.data), Path(config.cache)) for name in config.shares]
    runs = [out / name for name in stages]
    with first_goes_ahead(config.device):
        label_sets(runs, sets, out / "labels", FLIPPED, features=config.loss.feature_weight > 0)
    return replace(config, distilled=str(out / "labels"), initial=str(out / "first"))


def _settings(config: Config, name: str, changes: dict[str, Any]) -> multitask.Config:
    try:
        return replace(multitask.Config(data=config.data, cache=config.cache), **changes)
    except TypeError as error:
        raise RecipeError(
            f"{name}: expected settings of the multitask recipe, found {changes} ({error})"
        ) from error
