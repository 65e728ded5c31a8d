"""What a run leaves on disk to go on from: the checkpoint, and the last epochs' weights. Every file is whole or absent."""

from __future__ import annotations

import json
import logging
import pickle
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn
from torch.optim.swa_utils import AveragedModel

from engines.whole_file import whole_file
from training.errors import RecipeError
from training.fitting.experiment import Experiment

logger = logging.getLogger(__name__)

CHECKPOINT = "checkpoint.pt"
CONFIG = "config.json"
LAST_EPOCHS = "checkpoints"

Weights = dict[str, Tensor]


@dataclass
class Progress:
    """How far a run has come.

    Attributes:
        epoch: Whole epochs behind it.
        step: Batches of the epoch after these.
        sums: Part of the loss -> sum over these batches; float64, so that it is the same after a resume.
    """

    epoch: int = 0
    step: int = 0
    sums: dict[str, Any] = field(default_factory=dict)


def save_checkpoint(
    experiment: Experiment, averaged: AveragedModel | None, progress: Progress, path: Path
) -> None:
    """Write everything that decides how the run goes on; all processes call it, the first writes."""
    random = experiment.processes.random_states()
    if not experiment.processes.first:
        return
    state = {
        name: part.state_dict() for name, part in _stateful(experiment, averaged).items() if part is not None
    }
    state |= {
        "averaged": state.get("averaged"),
        "epoch": progress.epoch,
        "step": progress.step,
        "sums": {name: float(value) for name, value in progress.sums.items()},
        "config": _as_text(experiment.config),
        "random": random,
    }
    _write(state, path)


def restore_checkpoint(experiment: Experiment, averaged: AveragedModel | None, path: Path) -> Progress:
    """Load a checkpoint, where there is one; return how far it was.

    Raises:
        RecipeError: It is damaged, or of other settings.
    """
    if not path.is_file():
        return Progress()
    state = _read(path)
    if state["config"] != _as_text(experiment.config):
        raise RecipeError(
            f"{path}: expected a checkpoint of these settings, found another; use an empty folder, or the settings in {CONFIG}"
        )
    for name, part in _stateful(experiment, averaged).items():
        if part is not None:
            part.load_state_dict(state[name])
    experiment.processes.set_random_states(state["random"])
    # A checkpoint of before there were ones within an epoch has neither step nor sums.
    progress = Progress(int(state["epoch"]), int(state.get("step", 0)), dict(state.get("sums", {})))
    logger.info("resuming after epoch %d, batch %d", progress.epoch, progress.step)
    return progress


def averaged_weights(run: Path) -> Weights:
    """Return the weights that a run exports: the running average, or the network's own where nothing was averaged.

    Raises:
        RecipeError: The folder holds no checkpoint, or a damaged one.
    """
    if not (run / CHECKPOINT).is_file():
        raise RecipeError(f"{run}: expected a run with {CHECKPOINT}, found none; name the --out of a run")
    state = _read(run / CHECKPOINT)
    if state["averaged"] is None:
        return dict(state["net"])
    prefix = "module."
    return {
        key.removeprefix(prefix): value for key, value in state["averaged"].items() if key.startswith(prefix)
    }


def keep_epoch(weights: Mapping[str, Tensor], out: Path, epoch: int, last: int) -> None:
    """Write an epoch's weights and remove those that are no longer among the last ones.

    Args:
        weights: To keep, as the network's `state_dict` names them.
        out: Folder of the run.
        epoch: Its number, from 1.
        last: How many epochs to keep; 0 keeps none.
    """
    if not last:
        return
    folder = out / LAST_EPOCHS
    folder.mkdir(exist_ok=True)
    _write({"net": dict(weights)}, _epoch_file(folder, epoch))
    for old in range(epoch - last, 0, -1):
        if not _epoch_file(folder, old).exists():
            break
        _epoch_file(folder, old).unlink()


def kept_epochs(run: Path) -> list[Weights]:
    """Return the weights of a run's last epochs, oldest first.

    Raises:
        RecipeError: The run kept none, or one is damaged.
    """
    paths = sorted((run / LAST_EPOCHS).glob("epoch_*.pt"))
    if not paths:
        raise RecipeError(f"{run}: expected weights in {LAST_EPOCHS}, found none; train with keep_last=10")
    return [dict(_read(path)["net"]) for path in paths]


def mean_weights(epochs: Sequence[Weights]) -> Weights:
    """Return the mean of several epochs' weights (Izmailov et al.: Averaging weights leads to wider optima, UAI 2018).

    We differ: the statistics of batch normalisation are averaged too, which small steps of the last epochs allow.

    Args:
        epochs: As `kept_epochs` gives them.
    """
    return {
        name: torch.stack([weights[name].double() for weights in epochs]).mean(dim=0).to(value.dtype)
        for name, value in epochs[-1].items()
    }


def _epoch_file(folder: Path, epoch: int) -> Path:
    return folder / f"epoch_{epoch:04d}.pt"


def _stateful(experiment: Experiment, averaged: AveragedModel | None) -> dict[str, Any]:
    """Return name -> what has a `state_dict`, or None where the run has no such part."""
    balance = experiment.balance if isinstance(experiment.balance, nn.Module) else None
    return {
        "net": experiment.net,
        "optimizer": experiment.optimizer,
        "schedule": experiment.schedule,
        "averaged": averaged,
        "balance": balance,
        "extra": nn.ModuleDict(experiment.extra_modules) if experiment.extra_modules else None,
    }


def _as_text(config: Mapping[str, Any]) -> str:
    return json.dumps(config, sort_keys=True)


def _read(path: Path) -> dict[str, Any]:
    try:
        state: dict[str, Any] = torch.load(path, map_location="cpu", weights_only=True)
    except (OSError, RuntimeError, ValueError, EOFError, pickle.UnpicklingError) as error:
        reason = (str(error) or type(error).__name__).splitlines()[0]
        raise RecipeError(
            f"{path}: expected a checkpoint, found a damaged file ({reason}); remove it"
        ) from error
    return state


def _write(state: Mapping[str, Any], path: Path) -> None:
    """Write in one step, so that a killed run, or a machine without power, leaves the last whole file."""
    with whole_file(path) as stream:
        torch.save(dict(state), stream)
