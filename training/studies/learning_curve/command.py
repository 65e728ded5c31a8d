"""Train what lacks, as far as the time goes, then say what limits each task."""

from __future__ import annotations

import argparse
import logging
from pathlib import Path
from types import ModuleType
from typing import Any

from training.data.prepared import load_prepared
from training.studies.learning_curve.plan import Plan
from training.studies.learning_curve.report import write_report
from training.studies.learning_curve.trainings import Sets, is_done, recipe_and_config, train
from training.study_parts.options import add_minutes, add_places, add_settings, use_all_processors
from training.study_parts.pieces import claim_folder, within

logger = logging.getLogger(__name__)


def add_options(parser: argparse.ArgumentParser) -> None:
    """Add the options."""
    plan = Plan()
    add_places(parser)
    add_settings(parser)
    add_minutes(parser)
    parser.add_argument("--recipe", default=plan.recipe, help="what is trained (default: %(default)s)")
    parser.add_argument(
        "--larger",
        action="append",
        default=[],
        metavar="NAME=VALUE",
        help="setting that makes a larger network",
    )
    parser.add_argument("--steps", type=int, default=plan.steps, help="batches (default: %(default)s)")
    parser.add_argument(
        "--shares",
        type=float,
        nargs="+",
        default=list(plan.shares),
        help="of the faces (default: 0.25 0.5 1)",
    )
    parser.add_argument(
        "--lengths", type=float, nargs="+", default=list(plan.lengths), help="of the steps (default: 0.5 1 2)"
    )
    parser.add_argument("--seeds", type=int, default=1, help="trainings of each kind (default: %(default)s)")
    parser.add_argument(
        "--corner", action="store_true", help="also train longest on the second largest share of the faces"
    )


def run(options: argparse.Namespace) -> int:
    """Run the study; return the exit code."""
    use_all_processors()
    plan = Plan(
        recipe=options.recipe,
        settings=tuple(options.set),
        larger=tuple(options.larger),
        steps=options.steps,
        shares=tuple(options.shares),
        lengths=tuple(options.lengths),
        seeds=tuple(range(1, options.seeds + 1)),
        corner=options.corner,
    )
    recipe, config = recipe_and_config(plan, options.data, options.cache)
    sets = {name: load_prepared(name, options.data, options.cache) for name in config.shares}
    print(run_study(plan, recipe, config, sets, options.out, options.minutes).read_text(encoding="utf-8"))
    return 0


def run_study(
    plan: Plan, recipe: ModuleType, config: Any, sets: Sets, out: Path, minutes: float | None = None
) -> Path:
    """Train what has no result yet; write the report of what is done; return its Markdown file.

    Args:
        plan: What to train.
        recipe: Module of `training.recipes`.
        config: Its settings, which all trainings share.
        sets: Name -> faces, for every share of the settings.
        out: Folder with a folder for each training, and the report.
        minutes: Begin no further training after so many; None trains all.

    Raises:
        RecipeError: The folder holds a study of other settings, or nothing is trained yet.
        DatasetError: A set has no training or no validation faces.
    """
    for faces in sets.values():
        faces.require("train", "validation")
    claim_folder(out, plan.as_dict())
    for cell in within(minutes, (cell for cell in plan.cells() if not is_done(cell, out))):
        logger.info("%s: %d batches", cell.name, plan.steps_of(cell))
        train(plan, cell, recipe, config, sets, out)
    return write_report(plan, sets, out)
