"""The one training loop: any experiment, with checkpoints, resume, progress bar, a CSV and a picture of the curves."""

from __future__ import annotations

import csv
import json
import logging
import math
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Protocol

import torch
from torch import Tensor, nn
from torch.optim.swa_utils import AveragedModel, get_ema_multi_avg_fn
from tqdm import tqdm

from training.curves import draw_curves
from training.errors import RecipeError

logger = logging.getLogger(__name__)

CHECKPOINT = "checkpoint.pt"
CURVES = "curves.csv"
CONFIG = "config.json"


class Batches(Protocol):
    """Batches of one epoch after another."""

    steps: int

    def epoch(self, number: int) -> Iterator[dict[str, Tensor]]:
        """Yield the batches of one epoch."""


@dataclass
class Experiment:
    """Everything `fit` needs; a recipe builds it.

    Attributes:
        net: The network, trained in place.
        batches: Training batches.
        loss: (outputs, batch) -> part name -> scalar; the parts are summed.
        optimizer: Over the network's parameters.
        schedule: Learning-rate schedule, stepped after every batch, or None.
        evaluate: (network in evaluation mode) -> figure name -> value.
        epochs: How many.
        config: The resolved configuration, saved beside every checkpoint.
        average_decay: Decay of the running average of the weights, 0 for none; the average is evaluated and exported.
        bfloat16: Run the forward pass in bfloat16.
    """

    net: nn.Module
    batches: Batches
    loss: Callable[[dict[str, Tensor], dict[str, Tensor]], dict[str, Tensor]]
    optimizer: torch.optim.Optimizer
    schedule: torch.optim.lr_scheduler.LRScheduler | None
    evaluate: Callable[[nn.Module], dict[str, float]]
    epochs: int
    config: dict[str, Any] = field(default_factory=dict)
    average_decay: float = 0.999
    bfloat16: bool = True

    def step(self, batch: dict[str, Tensor]) -> dict[str, float]:
        """Train on one batch and return the parts of the loss; recipes with another kind of step override it."""
        image = batch["image"].to(memory_format=torch.channels_last)
        with torch.autocast("cpu", torch.bfloat16, enabled=self.bfloat16):
            outputs = self.net(image)
        parts = self.loss(outputs, batch)
        total = torch.stack(list(parts.values())).sum()
        values = {name: float(part.detach()) for name, part in parts.items()}
        if not math.isfinite(sum(values.values())):
            raise RecipeError(f"loss: expected finite numbers, found {values}; lower the learning rate")
        self.optimizer.zero_grad(set_to_none=True)
        total.backward()
        self.optimizer.step()
        if self.schedule is not None:
            self.schedule.step()
        return values


def fit(experiment: Experiment, out: Path, resume: bool = True, progress: bool = True) -> nn.Module:
    """Train and return the network to export, in evaluation mode.

    Args:
        experiment: What to train.
        out: Folder for the checkpoint, the resolved configuration, `curves.csv` and `curves.png`.
        resume: Go on from the folder's checkpoint where there is one.
        progress: Show a progress bar.

    Returns:
        The averaged network, or the network itself where nothing is averaged.

    Raises:
        RecipeError: The loss is not finite, or the checkpoint belongs to another configuration.
    """
    out.mkdir(parents=True, exist_ok=True)
    averaged = _averaged(experiment)
    first = _restore(experiment, averaged, out / CHECKPOINT) if resume else 0
    (out / CONFIG).write_text(json.dumps(experiment.config, indent=1) + "\n")
    for epoch in range(first, experiment.epochs):
        started_s = time.perf_counter()
        losses = _train_epoch(experiment, averaged, epoch, progress)
        shown = averaged.module if averaged is not None else experiment.net
        figures = experiment.evaluate(shown.eval())
        rate = experiment.optimizer.param_groups[0]["lr"]
        row = {"epoch": epoch + 1, "learning_rate": rate, "duration_s": time.perf_counter() - started_s}
        _append_row(
            out / CURVES,
            {**row, **{f"loss_{name}": value for name, value in losses.items()}, **figures},
            first=epoch == 0,
        )
        _save(experiment, averaged, epoch + 1, out / CHECKPOINT)
        draw_curves(out / CURVES, out / "curves.png")
        logger.info("epoch %d of %d: %s", epoch + 1, experiment.epochs, _summary({**losses, **figures}))
    return (averaged.module if averaged is not None else experiment.net).eval()


def _train_epoch(
    experiment: Experiment, averaged: AveragedModel | None, epoch: int, progress: bool
) -> dict[str, float]:
    experiment.net.train()
    sums: dict[str, float] = {}
    title = f"epoch {epoch + 1}/{experiment.epochs}"
    with tqdm(total=experiment.batches.steps, desc=title, unit="batch", disable=not progress) as bar:
        for batch in experiment.batches.epoch(epoch):
            for name, value in experiment.step(batch).items():
                sums[name] = sums.get(name, 0.0) + value
            if averaged is not None:
                averaged.update_parameters(experiment.net)
            bar.update()
    return {name: total / experiment.batches.steps for name, total in sums.items()}


def _averaged(experiment: Experiment) -> AveragedModel | None:
    if not experiment.average_decay:
        return None
    average = get_ema_multi_avg_fn(experiment.average_decay)
    return AveragedModel(experiment.net, multi_avg_fn=average, use_buffers=True)


def _save(experiment: Experiment, averaged: AveragedModel | None, epoch: int, path: Path) -> None:
    """Write the checkpoint in one step, so that a killed run leaves the last whole one."""
    state: dict[str, Any] = {"epoch": epoch, "config": json.dumps(experiment.config, sort_keys=True)}
    state["net"] = experiment.net.state_dict()
    state["optimizer"] = experiment.optimizer.state_dict()
    state["schedule"] = None if experiment.schedule is None else experiment.schedule.state_dict()
    state["averaged"] = None if averaged is None else averaged.state_dict()
    state["random"] = torch.get_rng_state()
    partial = path.with_suffix(".partial")
    torch.save(state, partial)
    partial.replace(path)


def _restore(experiment: Experiment, averaged: AveragedModel | None, path: Path) -> int:
    """Load a checkpoint; return how many epochs it has behind it."""
    if not path.is_file():
        return 0
    state = torch.load(path, map_location="cpu", weights_only=True)
    if state["config"] != json.dumps(experiment.config, sort_keys=True):
        raise RecipeError(
            f"{path}: expected a checkpoint of these settings, found another; use an empty folder, or the settings in {CONFIG}"
        )
    experiment.net.load_state_dict(state["net"])
    experiment.optimizer.load_state_dict(state["optimizer"])
    if experiment.schedule is not None:
        experiment.schedule.load_state_dict(state["schedule"])
    if averaged is not None:
        averaged.load_state_dict(state["averaged"])
    torch.set_rng_state(state["random"])
    logger.info("resuming after epoch %d", state["epoch"])
    return int(state["epoch"])


def averaged_weights(run: Path) -> dict[str, Tensor]:
    """Return the weights that a run exports: the running average, or the network's own where nothing was averaged.

    Raises:
        RecipeError: The folder holds no checkpoint.
    """
    try:
        state = torch.load(run / CHECKPOINT, map_location="cpu", weights_only=True)
    except OSError as error:
        raise RecipeError(
            f"{run}: expected a run with {CHECKPOINT}, found none ({error.strerror}); name the --out of a run"
        ) from error
    if state["averaged"] is None:
        return dict(state["net"])
    prefix = "module."
    return {
        key.removeprefix(prefix): value for key, value in state["averaged"].items() if key.startswith(prefix)
    }


def _append_row(path: Path, row: Mapping[str, float], first: bool) -> None:
    with path.open("w" if first else "a", newline="") as stream:
        writer = csv.DictWriter(stream, fieldnames=list(row))
        if first:
            writer.writeheader()
        writer.writerow({name: f"{value:.6g}" for name, value in row.items()})


def _summary(figures: Mapping[str, float]) -> str:
    return ", ".join(f"{name} {value:.4g}" for name, value in figures.items())
