"""Teacher, distilled labels, student: the network that ships as `multitask`, from one command.

A wide network is trained on all sets; it labels the training faces of every set for every task, averaged over views of
the face (Distill-2MD-MTL, chapter 3.2: GF10); a network that costs no more than BKNet learns from the sets' own labels
and from these. We differ: the soft labels are kept where the set has its own label too (Hinton et al.: Distilling the
knowledge in a neural network, 2015), and the student starts anew.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from training.data.prepared import load_prepared
from training.distillation.command import label_sets
from training.errors import RecipeError
from training.loop import fit
from training.recipes import multitask
from training.recipes.multitask import build, build_net, build_on, draft_card, input_spec

__all__ = ["Config", "build", "build_net", "build_on", "draft_card", "input_spec", "prepare"]

TEACHER = {"net_settings": {"widths": [96, 192, 320, 512], "dropout": 0.3}}


@dataclass(frozen=True)
class Config(multitask.Config):
    """Settings of the student, and what differs for its teacher.

    Attributes:
        teacher: Name -> value of the teacher's settings where they differ from the defaults of `multitask`.
        more_teachers: Folders of finished runs whose answers are averaged with the teacher's.
    """

    teacher: dict[str, Any] = field(default_factory=lambda: dict(TEACHER))
    more_teachers: tuple[str, ...] = ()


def prepare(config: Config, out: Path) -> Config:
    """Train the teacher and label the sets in folders below the run's own; return the student's settings.

    Every step goes on from what is there.

    Args:
        config: Settings.
        out: The run's folder; `teacher` and `labels` are made in it.

    Raises:
        RecipeError: A teacher's setting is unknown or wrong.
        DatasetError: A set is missing or malformed.
    """
    if config.distilled:
        return config
    settings = multitask.Config(data=config.data, cache=config.cache)
    try:
        teacher = replace(settings, **config.teacher)
    except TypeError as error:
        raise RecipeError(
            f"teacher: expected settings of the multitask recipe, found {config.teacher} ({error})"
        ) from error
    experiment = multitask.build(teacher)
    experiment.config = {"recipe": "multitask", **experiment.config}
    fit(experiment, out / "teacher")
    sets = [load_prepared(name, Path(config.data), Path(config.cache)) for name in config.shares]
    runs = [out / "teacher", *(Path(run) for run in config.more_teachers)]
    label_sets(runs, sets, out / "labels", features=config.loss.feature_weight > 0)
    return replace(config, distilled=str(out / "labels"))
