"""The protocols that train: a recipe, several times, and one result at the end."""

from __future__ import annotations

import dataclasses
import json
import os
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch

from training.data.prepared import PreparedFaces, load_prepared
from training.data.sample import SPLITS
from training.errors import RecipeError
from training.names import load_recipe
from training.protocols.age_groups import with_age_groups
from training.protocols.cross_data_set import cross_data_sets, cross_table
from training.protocols.cross_validation import cross_validate
from training.protocols.folds import Fold, Positions, leave_one_person_out, own_folds, subject_folds
from training.protocols.recipe_runner import RecipeRunner
from training.protocols.repeated_halves import compare_five_by_two, figure_score
from training.settings import with_settings

RESULT = "protocol.json"
_CROSS_FIGURES = (
    "emotion_accuracy",
    "emotion_accuracy_shared_classes",
    "emotion_weighted_accuracy_shared_classes",
    "age_error",
    "gender_accuracy",
    "smile_accuracy",
)


@dataclasses.dataclass(frozen=True)
class Method:
    """A recipe with its settings, as the command line names it; see `RecipeRunner`.

    `age_groups` names the groups that sets with years only are also tested by; empty adds none.
    """

    recipe: str
    data: Path
    cache: Path
    out: Path
    assignments: tuple[str, ...] = ()
    checkpoints: int = 1
    flip: bool = False
    age_groups: str = ""

    def runner(self, extra: Sequence[str] = ()) -> RecipeRunner:
        """Return the runner, its sets loaded; a set outside the shares is added by `with_sets`.

        Args:
            extra: Further `--set` texts.

        Raises:
            RecipeError: The recipe or its settings start from a training that has seen the test pictures.
            DatasetError: A set is missing or malformed.
        """
        recipe = load_recipe(self.recipe)
        config = with_settings(
            recipe.Config(data=str(self.data), cache=str(self.cache)), (*self.assignments, *extra)
        )
        earlier = [name for name in ("initial", "distilled") if getattr(config, name, "")]
        if earlier or hasattr(recipe, "prepare"):
            raise RecipeError(
                f"protocol: expected a recipe that trains from nothing, found {' and '.join(earlier) or self.recipe}, "
                "whose earlier training saw the pictures to test on; leave it out"
            )
        torch.set_num_threads(os.cpu_count() or 1)
        sets = {name: self.load(name) for name in config.shares}
        return RecipeRunner(recipe, config, sets, self.out, self.checkpoints, self.flip)

    def load(self, name: str) -> PreparedFaces:
        """Return a set; one without ages gets no groups of age."""
        faces = load_prepared(name, self.data, self.cache)
        has_ages = np.isfinite(faces.age_years).any()
        return with_age_groups(faces, self.age_groups) if self.age_groups and has_ages else faces


def k_fold(method: Method, name: str, folds: str, whole: bool) -> int:
    """Run k-fold cross-validation, print and save it; folds is a number, or "own" for the set's."""
    if folds != "own" and not folds.isdecimal():
        raise RecipeError(f"--folds: expected a number or own, found {folds!r}")
    runner = method.runner()
    faces = folded_set(runner, name)
    positions = taking_part(faces, whole)
    made = (
        own_folds(faces.fold[positions])
        if folds == "own"
        else subject_folds(faces.subject[positions], int(folds))
    )
    return _cross_validate(method, runner, name, within(made, positions), f"{folds} folds")


def leave_one_out(method: Method, name: str, whole: bool) -> int:
    """Train once per person, print and save the result."""
    runner = method.runner()
    faces = folded_set(runner, name)
    positions = taking_part(faces, whole)
    folds = within(leave_one_person_out(faces.subject[positions]), positions)
    return _cross_validate(method, runner, name, folds, "leave one person out")


def cross(method: Method, names: Sequence[str], split: str) -> int:
    """Train on each set alone and test on every set; print and save the result."""
    runner = method.runner()
    sets = {name: runner.sets[name] if name in runner.sets else method.load(name) for name in names}
    runner = dataclasses.replace(runner, sets=sets)
    tests = cross_data_sets(sets, runner.on_source, split)
    save_result({"tests": [test.as_dict() for test in tests], "split": split}, method.out)
    print(cross_table(tests, _CROSS_FIGURES).as_text())
    return 0


def halves(method: Method, name: str, score: str, other: Sequence[str]) -> int:
    """Compare the settings with others by Dietterich's 5x2 cv test; print and save the result."""
    runners = [
        dataclasses.replace(runner, out=method.out / folder)
        for runner, folder in ((method.runner(), "first"), (method.runner(other), "second"))
    ]
    faces = folded_set(runners[0], name)
    found = compare_five_by_two(
        faces,
        taking_part(faces, whole=False),
        lambda fold: runners[0].on_fold(name, fold),
        lambda fold: runners[1].on_fold(name, fold),
        figure_score(score),
    )
    save_result({"score": score, "second": list(other), **dataclasses.asdict(found)}, method.out)
    print(
        f"{score}, first minus second: mean {found.mean_difference:+.4g}, t(5) = {found.t:.3f}, p = {found.p_value:.3g}"
    )
    return 0


def folded_set(runner: RecipeRunner, name: str) -> PreparedFaces:
    """Return the set that is folded.

    Raises:
        RecipeError: The recipe does not train on it.
    """
    if name not in runner.sets:
        raise RecipeError(
            f"--on: expected one of the recipe's sets ({', '.join(runner.sets)}), found {name}; give it a share"
        )
    return runner.sets[name]


def taking_part(faces: PreparedFaces, whole: bool) -> Positions:
    """Return the positions to fold: all, or all but our own test pictures, which must choose no model."""
    return np.flatnonzero((faces.split != SPLITS.index("test")) | whole)


def within(folds: Sequence[Fold], positions: Positions) -> tuple[Fold, ...]:
    """Return folds of some of a set's pictures as folds of the set."""
    return tuple(Fold(fold.name, positions[fold.train], positions[fold.test]) for fold in folds)


def save_result(content: dict[str, Any], out: Path) -> None:
    """Write `protocol.json`."""
    out.mkdir(parents=True, exist_ok=True)
    (out / RESULT).write_text(json.dumps(content, indent=1) + "\n", encoding="utf-8")


def _cross_validate(
    method: Method, runner: RecipeRunner, name: str, folds: Sequence[Fold], title: str
) -> int:
    found = cross_validate(title, runner.sets[name], folds, lambda fold: runner.on_fold(name, fold))
    save_result(
        {"recipe": method.recipe, "settings": list(method.assignments), **found.as_dict()}, method.out
    )
    print(found.table().as_text())
    return 0
