"""`python -m training search`: the best settings of a recipe, from trials that go on where they stopped."""

from __future__ import annotations

import argparse
import os
from pathlib import Path
from typing import Any

from training.errors import RecipeError


def add_search(commands: Any, default_cache: Path) -> None:
    """Add the command to the parser."""
    search = commands.add_parser(
        "search", help="search a recipe's settings with a tree-structured Parzen estimator, or over a grid"
    )
    search.add_argument("recipe", help="name of a file in training/recipes")
    search.add_argument(
        "--tune",
        action="append",
        default=[],
        metavar="NAME=VALUES",
        help="low..high, low..high:log, or first|second|third",
    )
    search.add_argument("--set", action="append", default=[], metavar="NAME=VALUE", help="of every trial")
    search.add_argument(
        "--figure", default="validation_accuracy", help="column of curves.csv (default: %(default)s)"
    )
    search.add_argument("--minimize", action="store_true", help="a small figure is better")
    search.add_argument("--sampler", choices=("tpe", "grid"), default="tpe")
    search.add_argument(
        "--trials", type=int, default=50, help="complete trials in all (default: %(default)s)"
    )
    search.add_argument("--seed", type=int, default=1, help="another one for each process that helps")
    search.add_argument("--stop-after-s", type=float, help="start no trial after so many seconds")
    search.add_argument("--data", type=Path, required=True, help="folder with the unpacked data sets")
    search.add_argument("--out", type=Path, required=True, help="folder of the search; the same one goes on")
    search.add_argument("--cache", type=Path, default=default_cache, help="folder for prepared faces")
    search.set_defaults(command=_search)


def _search(options: argparse.Namespace) -> int:
    import torch

    try:
        from training.search.trials import Search, best_line, run_trials
    except ModuleNotFoundError as error:
        if error.name != "optuna":
            raise
        raise RecipeError("search: expected optuna, found none; pip install 'faceapp[train]'") from error
    from training.search.space import parse_space

    if options.trials < 1:
        raise RecipeError(f"--trials: expected at least 1, found {options.trials}")
    torch.set_num_threads(int(os.environ.get("OMP_NUM_THREADS") or os.cpu_count() or 1))
    search = Search(
        recipe=options.recipe,
        settings=tuple(options.set),
        tuned=tuple(options.tune),
        figure=options.figure,
        direction="minimize" if options.minimize else "maximize",
        sampler=options.sampler,
    )
    space = parse_space(options.tune)
    study = run_trials(
        search,
        space,
        options.data,
        options.cache,
        options.out,
        options.trials,
        options.seed,
        options.stop_after_s,
    )
    print(best_line(study, search, space))
    return 0
