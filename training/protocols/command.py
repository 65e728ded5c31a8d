"""`python -m training protocol k-fold | leave-one-person-out | cross-data-set | five-by-two | ensemble | compare`."""

from __future__ import annotations

import argparse
from collections.abc import Callable
from pathlib import Path
from typing import Any

from training.data.prepared import DATA_SETS
from training.protocols import comparing, running

_LAST_CHECKPOINTS = 10


def add_protocol(commands: Any, default_cache: Path) -> None:
    """Add the command to a parser's subcommands."""
    protocol = commands.add_parser("protocol", help="k-fold, leave one out, cross-data-set, ensembles, tests")
    kinds = protocol.add_subparsers(required=True, metavar="NAME")

    folds = _training_parser(kinds, "k-fold", "folds with no person on both sides", _k_fold, default_cache)
    folds.add_argument("--on", required=True, choices=DATA_SETS, help="set that is folded")
    folds.add_argument("--folds", default="4", help="how many, or own for the set's own (default: 4)")
    _add_whole(folds)

    person = _training_parser(
        kinds, "leave-one-person-out", "a training per person", _leave_one_out, default_cache
    )
    person.add_argument("--on", required=True, choices=DATA_SETS, help="set whose people are left out")
    _add_whole(person)

    cross = _training_parser(
        kinds, "cross-data-set", "train on each set, test on every set", _cross, default_cache
    )
    cross.add_argument("--sets", nargs="+", default=["ferplus", "ckplus"], choices=DATA_SETS, metavar="SET")
    cross.add_argument("--split", choices=("validation", "test"), default="validation")

    halves = _training_parser(
        kinds, "five-by-two", "Dietterich's test of two configurations", _five_by_two, default_cache
    )
    halves.add_argument("--on", required=True, choices=DATA_SETS, help="set that is halved")
    halves.add_argument("--score", required=True, help="figure to compare, for example emotion_accuracy")
    halves.add_argument(
        "--other", action="append", required=True, metavar="NAME=VALUE", help="setting of the second one"
    )

    ensemble = kinds.add_parser("ensemble", help="last checkpoints of a run and mirrored faces, averaged")
    ensemble.add_argument("--run", type=Path, required=True, help="folder of a run with checkpoints/")
    ensemble.add_argument("--count", type=int, default=_LAST_CHECKPOINTS, help="how many (default: 10)")
    _add_measuring(ensemble, default_cache, _ensemble)

    compare = kinds.add_parser("compare", help="McNemar's test and paired bootstrap of two exported models")
    compare.add_argument("--model", type=Path, required=True, help="folder of the first model")
    compare.add_argument("--other", type=Path, required=True, help="folder of the second model")
    _add_measuring(compare, default_cache, _compare)


def _training_parser(
    kinds: Any, name: str, text: str, command: Callable[[argparse.Namespace], int], cache: Path
) -> argparse.ArgumentParser:
    """Return the parser of a protocol that trains."""
    parser: argparse.ArgumentParser = kinds.add_parser(name, help=text)
    parser.add_argument("--recipe", default="multitask", help="file in training/recipes (default: multitask)")
    parser.add_argument("--data", type=Path, required=True, help="folder with the unpacked data sets")
    parser.add_argument("--out", type=Path, required=True, help="folder for the trainings and the result")
    parser.add_argument("--cache", type=Path, default=cache, help="folder for prepared faces")
    parser.add_argument("--set", action="append", default=[], metavar="NAME=VALUE", help="change a setting")
    parser.add_argument(
        "--checkpoints", type=int, default=1, help="average the last ones of every training (BKNet: 10)"
    )
    parser.add_argument("--flip", action="store_true", help="average every face with its mirror image")
    parser.add_argument(
        "--age-groups",
        default="",
        choices=("adience", "gallagher"),
        help="also measure the age as these groups where a set gives years",
    )
    parser.set_defaults(command=command)
    return parser


def _add_whole(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--whole",
        action="store_true",
        help="fold our own test pictures too; they then choose no model any more",
    )


def _add_measuring(
    parser: argparse.ArgumentParser, cache: Path, command: Callable[[argparse.Namespace], int]
) -> None:
    """Add the arguments of a protocol that only measures."""
    parser.add_argument("--data", type=Path, required=True, help="folder with the unpacked data sets")
    parser.add_argument("--cache", type=Path, default=cache, help="folder for prepared faces")
    parser.add_argument("--split", choices=("validation", "test"), default="validation")
    parser.add_argument("--out", type=Path, help="folder for the result (default: not saved)")
    parser.set_defaults(command=command)


def _method(options: argparse.Namespace) -> running.Method:
    return running.Method(
        recipe=options.recipe,
        data=options.data,
        cache=options.cache,
        out=options.out,
        assignments=tuple(options.set),
        checkpoints=options.checkpoints,
        flip=options.flip,
        age_groups=options.age_groups,
    )


def _k_fold(options: argparse.Namespace) -> int:
    return running.k_fold(_method(options), options.on, options.folds, options.whole)


def _leave_one_out(options: argparse.Namespace) -> int:
    return running.leave_one_out(_method(options), options.on, options.whole)


def _cross(options: argparse.Namespace) -> int:
    return running.cross(_method(options), options.sets, options.split)


def _five_by_two(options: argparse.Namespace) -> int:
    return running.halves(_method(options), options.on, options.score, options.other)


def _ensemble(options: argparse.Namespace) -> int:
    return comparing.ensemble(
        options.run, options.count, options.data, options.cache, options.split, options.out
    )


def _compare(options: argparse.Namespace) -> int:
    return comparing.compare(
        options.model, options.other, options.data, options.cache, options.split, options.out
    )
