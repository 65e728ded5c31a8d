"""One run of a recipe from data to exported, measured model."""

from __future__ import annotations

import dataclasses
import hashlib
import json
import os
from collections.abc import Sequence
from pathlib import Path
from types import ModuleType
from typing import Any

import torch

from engines.card import ModelCard, load_card
from engines.models import find_model
from training.data.prepared import load_prepared
from training.distillation.command import ABOUT
from training.errors import RecipeError
from training.exporting.export import export_model
from training.fitting.checkpoints import CONFIG, averaged_weights, kept_epochs, mean_weights
from training.fitting.loop import first_process, fit
from training.fitting.processes import first_goes_ahead
from training.measuring.calibration import calibrate
from training.measuring.report import measured_card, report_model
from training.names import load_recipe
from training.occlusion.views import VIEWS_OF_OCCLUSION, view
from training.settings import config_from_json, with_settings
from training.trained.initial_weights import names_model


def run_recipe(name: str, data: Path, out: Path, cache: Path, assignments: Sequence[str]) -> int:
    """Train, export and measure; goes on from the folder's checkpoint.

    Args:
        name: File name in `training/recipes`.
        data: Folder with the unpacked sets.
        out: Folder for everything the run makes.
        cache: Folder for prepared faces.
        assignments: `--set` texts.

    Returns:
        0.

    Raises:
        RecipeError: Unknown recipe or setting.
        DatasetError: A set is missing or malformed.
    """
    recipe = load_recipe(name)
    torch.set_num_threads(max(1, (os.cpu_count() or 1) // int(os.environ.get("LOCAL_WORLD_SIZE", "1"))))
    config = with_settings(recipe.Config(data=str(data), cache=str(cache)), assignments)
    with first_goes_ahead(config.device):
        for data_set in config.shares:
            load_prepared(data_set, data, cache)
    if hasattr(recipe, "prepare"):
        config = recipe.prepare(config, out)
    experiment = recipe.build(config)
    experiment.config = {"recipe": name, **experiment.config}
    net = fit(experiment, out)
    if not first_process():
        return 0
    _load_mean(net, config, out)
    if hasattr(recipe, "finish"):  # a network whose answers no card describes has files of its own
        print(recipe.finish(config, net, out))
        return 0
    _export(recipe, name, config, net, out / "model")
    if not hasattr(recipe, "measured_card"):
        print(report_model(out / "model", data, cache, "validation", "card", out))
    return 0


def export_run(run: Path, folder: Path) -> ModelCard | None:
    """Export and measure the checkpoint of a run; return its card, None where no card describes its outputs.

    Raises:
        RecipeError: The folder holds no run.
    """
    try:
        saved = json.loads((run / CONFIG).read_text())
    except OSError as error:
        raise RecipeError(
            f"{run}: expected a run with {CONFIG}, found none; name the --out folder of a run"
        ) from error
    name = saved.pop("recipe", "multitask")
    recipe = load_recipe(name)
    config = config_from_json(recipe.Config, saved)
    net = recipe.build_net(config)
    net.load_state_dict(averaged_weights(run))
    _load_mean(net, config, run)
    if hasattr(recipe, "export"):
        exported: ModelCard | None = recipe.export(config, net.eval(), folder)
        return exported
    return _export(recipe, name, config, net.eval(), folder)


def _export(recipe: ModuleType, name: str, config: Any, net: Any, folder: Path) -> ModelCard:
    about: dict[str, Any] = {"name": name, "config": _shareable(dataclasses.asdict(config))}
    if distilled := getattr(config, "distilled", ""):
        about["teacher"] = json.loads((Path(distilled) / ABOUT).read_text())
    if getattr(config, "calibrate", False):
        sets = {key: load_prepared(key, Path(config.data), Path(config.cache)) for key in config.shares}
        spec = recipe.input_spec(config)
        hide = view(VIEWS_OF_OCCLUSION[recipe.draft_card(config).occlusion][0], spec, Path(config.cache))
        found = calibrate(net, sets, spec, config.align, hide)
        about["calibration"] = {task: one.as_dict() for task, one in found.items()}
    if initial := getattr(config, "initial", ""):
        about["started_from"] = _history(initial)
    card = dataclasses.replace(recipe.draft_card(config), recipe=about, version=config.version)
    export_model(net, card, folder)
    if hasattr(recipe, "measured_card"):  # a network that does not read faces has figures of its own
        found: ModelCard = recipe.measured_card(config, folder)
        return found
    return measured_card(folder, Path(config.data), Path(config.cache))


def _load_mean(net: Any, config: Any, run: Path) -> None:
    """Give the network the mean of its last epochs' weights where the settings ask for it."""
    if count := getattr(config, "average_last", 0):
        net.load_state_dict(mean_weights(kept_epochs(run)[-count:]))


def _history(initial: str) -> dict[str, Any]:
    """Return the settings of a run or exported model, and of the one it started from in turn; of a file its name and hash."""
    if Path(initial).is_file():
        return {
            "weights": Path(initial).name,
            "sha256": hashlib.sha256(Path(initial).read_bytes()).hexdigest(),
        }
    if names_model(initial):
        card = load_card(find_model(initial))
        return {"model": card.name, "version": card.version, "sha256": card.sha256, **card.recipe}
    saved = json.loads((Path(initial) / CONFIG).read_text())
    earlier = {"started_from": _history(saved["initial"])} if saved.get("initial") else {}
    return {**_shareable(saved), **earlier}


def _shareable(settings: dict[str, Any]) -> dict[str, Any]:
    """Return settings without the places of one machine, for a card that travels."""
    kept = {key: value for key, value in settings.items() if key not in ("data", "cache")}
    for name in ("initial", "distilled"):
        if kept.get(name):
            kept[name] = Path(kept[name]).name
    if "more_teachers" in kept:
        kept["more_teachers"] = [Path(run).name for run in kept["more_teachers"]]
    return kept
