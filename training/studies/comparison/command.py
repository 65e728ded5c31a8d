"""Many settings side by side on the same validation faces: one short training each, one table, paired differences.

The settings stand in a JSON file: `{"recipe": "multitask", "base": ["epochs=2"], "reference": "name", "variants":
{"name": ["net=bknet"]}}`; every text is one that `--set` takes.
"""

from __future__ import annotations

import argparse
import csv
import json
import logging
import time
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
from torch import nn

from engines.engine import load_engine
from training.blocks.multi_task import parameter_count
from training.data.prepared import PreparedFaces, load_prepared
from training.errors import RecipeError
from training.exporting.export import export_model
from training.fitting.experiment import Experiment
from training.fitting.loop import CURVES, fit
from training.measuring.latency import latencies_ms
from training.measuring.report import predict_set
from training.names import load_recipe
from training.settings import with_settings
from training.study_parts.comparison_table import Row, write_tables
from training.study_parts.options import add_places

logger = logging.getLogger(__name__)

Predictions = dict[str, dict[str, npt.NDArray[np.float32]]]
"""Set -> decoded answers for its validation faces."""

ROW = "row.json"
PREDICTIONS = "predictions.npz"


@dataclass(frozen=True, slots=True)
class Plan:
    """What is compared.

    Attributes:
        recipe: File name in `training/recipes`.
        base: Settings of every variant.
        reference: The variant that the others are held against.
        variants: Name -> settings on top of the base.
    """

    recipe: str
    base: tuple[str, ...]
    reference: str
    variants: Mapping[str, tuple[str, ...]]


def load_plan(path: Path) -> Plan:
    """Read a plan.

    Raises:
        RecipeError: No such file, or not a plan.
    """
    try:
        content = json.loads(path.read_text())
        variants = {name: tuple(map(str, texts)) for name, texts in content["variants"].items()}
        plan = Plan(content["recipe"], tuple(content["base"]), content["reference"], variants)
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
        raise RecipeError(
            f'{path}: expected {{"recipe", "base", "reference", "variants"}}, found something else ({error!r})'
        ) from error
    if plan.reference not in plan.variants:
        raise RecipeError(f"{path}: expected the reference among the variants, found {plan.reference!r}")
    return plan


def compare(plan: Plan, data: Path, cache: Path, out: Path) -> Path:
    """Train, export and measure every variant that has no result yet; write the tables anew after each.

    Args:
        plan: What to compare.
        data: Folder with the unpacked sets.
        cache: Folder for prepared faces.
        out: Folder with one run a variant, `comparison.csv` and `comparison.md`.

    Returns:
        The Markdown table.

    Raises:
        RecipeError: A setting is unknown or wrong; named before the first training.
        DatasetError: A set is missing or malformed.
    """
    recipe = load_recipe(plan.recipe)
    first = recipe.Config(data=str(data), cache=str(cache))
    configs = {name: with_settings(first, [*plan.base, *texts]) for name, texts in plan.variants.items()}
    table = out / "comparison.md"
    for name, config in configs.items():
        folder = out / name
        if not (folder / ROW).is_file():
            logger.info("variant %s", name)
            _run(recipe, config, name, folder)
        rows = [_row(out / done) for done in configs if (out / done / ROW).is_file()]
        sets = {key: load_prepared(key, data, cache) for key in first.shares}
        write_tables(rows, plan.reference, sets, out)
    return table


def _run(recipe: Any, config: Any, name: str, folder: Path) -> None:
    experiment = recipe.build(config)
    experiment.config = {"recipe": recipe.__name__.rsplit(".", 1)[-1], **experiment.config}
    evaluate_s = _clocked(experiment)
    net = fit(experiment, folder)
    export_model(net, recipe.draft_card(config), folder / "model")
    sets = {key: load_prepared(key, Path(config.data), Path(config.cache)) for key in recipe.Config().shares}
    answers = _predictions(folder / "model", sets)
    np.savez_compressed(
        folder / PREDICTIONS,
        **{f"{key}/{task}": rows for key, said in answers.items() for task, rows in said.items()},
    )
    faces = sum(config.shares.values()) * experiment.batches.steps
    with (folder / CURVES).open(newline="") as stream:
        epochs_s = [float(row["duration_s"]) for row in csv.DictReader(stream)]
    content = {
        "name": name,
        "parameters": parameter_count(net),
        "train_faces_per_s": faces / float(np.median(epochs_s) - np.median(evaluate_s)),
        "latency_ms": latencies_ms(folder / "model", (1, 8)),
    }
    (folder / ROW).write_text(json.dumps(content, indent=1) + "\n")


def _clocked(experiment: Experiment) -> list[float]:
    """Let the experiment note how long its evaluations take, which is no part of the speed of training."""
    taken_s: list[float] = []
    evaluate = experiment.evaluate

    def clocked(net: nn.Module) -> dict[str, float]:
        started_s = time.perf_counter()
        figures = evaluate(net)
        taken_s.append(time.perf_counter() - started_s)
        return figures

    experiment.evaluate = clocked
    return taken_s


def _predictions(model: Path, sets: Mapping[str, PreparedFaces]) -> Predictions:
    with load_engine(model, backend="onnxruntime") as engine:
        held = {name: faces.where("validation") for name, faces in sets.items()}
        return {name: predict_set(engine, sets[name], places) for name, places in held.items() if len(places)}


def _row(folder: Path) -> Row:
    content = json.loads((folder / ROW).read_text())
    with (folder / PREDICTIONS).open("rb") as stream, np.load(stream, allow_pickle=False) as arrays:
        flat = dict(arrays)
    said: Predictions = {}
    for key, rows in flat.items():
        name, task = key.split("/")
        said.setdefault(name, {})[task] = rows
    return Row(said=said, **content)


def add_options(parser: argparse.ArgumentParser) -> None:
    """Add the options."""
    parser.add_argument("plan", type=Path, help="JSON file, for example docs/training/comparison.json")
    add_places(parser)


def run(options: argparse.Namespace) -> int:
    """Compare; return the exit code."""
    print(compare(load_plan(options.plan), options.data, options.cache, options.out).read_text())
    return 0
