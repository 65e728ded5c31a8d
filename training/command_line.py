"""The commands of `python -m training`: prepare, train, label, compare, measure, explain, export and time networks."""

from __future__ import annotations

import argparse
import logging
import sys
from collections.abc import Sequence
from pathlib import Path

from engines.errors import CardError, EngineError
from training.commands.prepare import add_prepare
from training.commands.verify import add_verify
from training.distillation.command import add_label
from training.errors import DatasetError, RecipeError
from training.explain.command import add_explain
from training.names import load, names_in
from training.occlusion.views import VIEWS
from training.protocols.command import add_protocol
from training.search.command import add_search
from training.study_parts.options import DEFAULT_CACHE


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command; return its exit code (0 done, 2 wrong input, 130 interrupted)."""
    options = _parser().parse_args(arguments)
    logging.basicConfig(level=logging.INFO, format="%(message)s")
    try:
        return int(options.command(options))
    except (DatasetError, RecipeError, CardError, EngineError) as error:
        print(f"training: {error}", file=sys.stderr)
        return 2
    except KeyboardInterrupt:
        print(
            "training: interrupted; run the same command again to go on from the last checkpoint",
            file=sys.stderr,
        )
        return 130


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m training", description="Train, measure and export the networks."
    )
    commands = parser.add_subparsers(required=True, metavar="COMMAND")

    listing = commands.add_parser("list", help="show recipes, networks, losses and data sets")
    listing.set_defaults(command=_list)

    add_prepare(commands, DEFAULT_CACHE)

    run = commands.add_parser("run", help="train a recipe, going on from its last checkpoint, then export it")
    run.add_argument("recipe", help="name of a file in training/recipes, for example multitask")
    run.add_argument("--data", type=Path, required=True, help="folder with the unpacked data sets")
    run.add_argument(
        "--out", type=Path, required=True, help="folder for checkpoint, curves, model and report"
    )
    run.add_argument(
        "--cache", type=Path, default=DEFAULT_CACHE, help="folder for prepared faces (default: %(default)s)"
    )
    run.add_argument(
        "--set", action="append", default=[], metavar="NAME=VALUE", help="change a setting of the recipe"
    )
    run.set_defaults(command=_run)

    add_label(commands, DEFAULT_CACHE)
    add_protocol(commands, DEFAULT_CACHE)
    add_search(commands, DEFAULT_CACHE)

    evaluate = commands.add_parser("evaluate", help="measure an exported model, print and save a report")
    evaluate.add_argument("--model", required=True, help="name of a shipped model, or folder of one")
    evaluate.add_argument("--data", type=Path, required=True, help="folder with the unpacked data sets")
    evaluate.add_argument("--split", choices=("validation", "test"), default="validation")
    evaluate.add_argument(
        "--crop", choices=("card", "aligned", "whole"), default="card", help="crop to measure with"
    )
    evaluate.add_argument(
        "--views",
        nargs="+",
        default=(),
        choices=VIEWS,
        help="what hides the faces (default: what the model is made for)",
    )
    evaluate.add_argument("--out", type=Path, help="folder for the report (default: not saved)")
    evaluate.add_argument(
        "--cache", type=Path, default=DEFAULT_CACHE, help="folder for prepared faces (default: %(default)s)"
    )
    evaluate.set_defaults(command=_evaluate)

    export = commands.add_parser("export", help="export a run's checkpoint and measure it")
    export.add_argument("run", type=Path, nargs="?", help="folder of a run")
    export.add_argument(
        "--model", help="instead of a run: name or folder of a model exported long ago, to convert in place"
    )
    export.add_argument("--to", type=Path, help="folder for model.onnx and card.json (default: RUN/model)")
    export.set_defaults(command=_export)

    add_explain(commands, DEFAULT_CACHE)
    add_verify(commands, DEFAULT_CACHE)

    study = commands.add_parser(
        "study", help="what answers a question of a paper once; --help after its name"
    )
    study.add_argument(
        "name", choices=names_in("studies"), metavar="NAME", help=", ".join(names_in("studies"))
    )
    study.add_argument("options", nargs=argparse.REMAINDER, metavar="...", help="its options")
    study.set_defaults(command=_study)

    timing = commands.add_parser("bench", help="latency of the engines beside plain PyTorch, in one run")
    timing.add_argument("--model", default="multitask", help="name or folder (default: %(default)s)")
    timing.add_argument(
        "--batch", type=int, nargs="+", default=(1, 4, 16), help="faces in a call (default: 1 4 16)"
    )
    timing.set_defaults(command=_bench)
    return parser


def _study(options: argparse.Namespace) -> int:
    study = load(f"studies.{options.name}", "command")
    parser = argparse.ArgumentParser(
        prog=f"python -m training study {options.name}", description=study.__doc__
    )
    study.add_options(parser)
    return int(study.run(parser.parse_args(options.options)))


def _bench(options: argparse.Namespace) -> int:
    from engines.measure.bench import table
    from training.commands.bench import bench

    print(table(bench(options.model, options.batch)))
    return 0


def _list(options: argparse.Namespace) -> int:
    for folder in ("recipes", "nets", "losses", "balancing", "schedules", "data.sets", "studies"):
        print(folder)
        for name in names_in(folder):
            module = load(folder, name)
            print(f"  {name:24} {(module.__doc__ or '').strip().splitlines()[0]}")
    return 0


def _run(options: argparse.Namespace) -> int:
    from training.commands.run import run_recipe

    return run_recipe(options.recipe, options.data, options.out, options.cache, options.set)


def _evaluate(options: argparse.Namespace) -> int:
    from training.measuring.report import report_model

    print(
        report_model(
            options.model,
            options.data,
            options.cache,
            options.split,
            options.crop,
            options.out,
            options.views,
        )
    )
    return 0


def _export(options: argparse.Namespace) -> int:
    if (options.run is None) == (options.model is None):
        raise RecipeError("export: expected a run or --model, found neither or both; name one")
    if options.model is not None:
        from training.exporting.conversion import convert_model

        card = convert_model(options.model)
        print(f"{card.name} {card.version}: SHA-256 {card.sha256}")
        return 0
    from training.commands.run import export_run

    export_run(options.run, options.to or options.run / "model")
    return 0
