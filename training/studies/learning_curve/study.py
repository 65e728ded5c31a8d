"""`python -m training learning-curve`: train what lacks, as far as the time goes, then say what limits each task."""

from __future__ import annotations

import argparse
import json
import logging
import os
import time
from pathlib import Path
from types import ModuleType
from typing import Any

import torch

from training.data.prepared import load_prepared
from training.errors import RecipeError
from training.studies.learning_curve.plan import Plan
from training.studies.learning_curve.report import write_report
from training.studies.learning_curve.trainings import Sets, is_done, recipe_and_config, train

logger = logging.getLogger(__name__)

PLAN = "plan.json"


def add_learning_curve(commands: Any, default_cache: Path) -> None:
    """Add the command to the parser."""
    parser = commands.add_parser(
        "learning-curve",
        help="what limits a recipe: faces, length of training or size, going on from what is done",
    )
    plan = Plan()
    parser.add_argument("--data", type=Path, required=True, help="folder with the unpacked data sets")
    parser.add_argument("--out", type=Path, required=True, help="folder for the trainings and the result")
    parser.add_argument("--cache", type=Path, default=default_cache, help="folder for prepared faces")
    parser.add_argument("--recipe", default=plan.recipe, help="what is trained (default: %(default)s)")
    parser.add_argument("--set", action="append", default=[], metavar="NAME=VALUE", help="change a setting")
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
    parser.add_argument("--minutes", type=float, help="begin no training after so many (default: do all)")
    parser.set_defaults(command=_study)


def _study(options: argparse.Namespace) -> int:
    torch.set_num_threads(int(os.environ.get("OMP_NUM_THREADS") or os.cpu_count() or 1))
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
    _claim_folder(plan, out)
    started_s = time.monotonic()
    for cell in plan.cells():
        if is_done(cell, out):
            continue
        if minutes is not None and time.monotonic() - started_s >= 60 * minutes:
            break
        logger.info("%s: %d batches", cell.name, plan.steps_of(cell))
        train(plan, cell, recipe, config, sets, out)
    return write_report(plan, sets, out)


def _claim_folder(plan: Plan, out: Path) -> None:
    out.mkdir(parents=True, exist_ok=True)
    path = out / PLAN
    if path.is_file() and json.loads(path.read_text()) != plan.as_dict():
        raise RecipeError(f"{path}: expected this plan, found another; use an empty folder or the plan there")
    path.write_text(json.dumps(plan.as_dict(), indent=1) + "\n")
