"""The one training loop: any experiment, on CPU, one GPU or several, with checkpoints, resume and curves."""

from __future__ import annotations

import csv
import json
import logging
import math
import time
from collections.abc import Generator, Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass, field
from io import StringIO
from pathlib import Path

import numpy as np
import torch
from torch import nn
from torch.optim.swa_utils import AveragedModel, get_ema_multi_avg_fn
from tqdm import tqdm

from engines.whole_file import write_whole
from training.errors import RecipeError
from training.fitting.checkpoints import (
    CHECKPOINT,
    CONFIG,
    Progress,
    averaged_weights,
    keep_epoch,
    kept_epochs,
    restore_checkpoint,
    save_checkpoint,
)
from training.fitting.curves import draw_curves
from training.fitting.experiment import Batch, Batches, Experiment
from training.fitting.processes import first_process, join

__all__ = [
    "CHECKPOINT",
    "CONFIG",
    "CURVES",
    "Batches",
    "Experiment",
    "averaged_weights",
    "changed_batches",
    "first_process",
    "fit",
    "kept_epochs",
]

logger = logging.getLogger(__name__)

CURVES = "curves.csv"
_LOOK_EVERY = 10
"""Batches between looks at the loss and the clock: on a GPU, and between processes, each look waits."""


def fit(
    experiment: Experiment, out: Path, resume: bool = True, progress: bool = True, draw: bool = True
) -> nn.Module:
    """Train and return the network to export, in evaluation mode on the CPU.

    Started by `torchrun`, each process trains on its part of every batch and the first one writes; see
    `training.fitting.processes`. All return the same weights.

    Args:
        experiment: What to train.
        out: Folder for the checkpoint, the resolved configuration, `curves.csv` and `curves.png`.
        resume: Go on from the folder's checkpoint where there is one.
        progress: Show a progress bar.
        draw: Draw `curves.png` after every epoch; half a second, which counts where epochs are short.

    Returns:
        The averaged network, or the network itself where nothing is averaged.

    Raises:
        RecipeError: The loss is not finite, the device is not there, or the checkpoint is damaged or belongs to another
            configuration.
    """
    processes = join(experiment.device)
    experiment.place(processes)
    processes.separate_random_numbers()
    run = _Run(experiment, _averaged(experiment), out, progress and processes.first, draw)
    if processes.first:
        out.mkdir(parents=True, exist_ok=True)
    if resume:
        run.resume()
    if processes.first:
        (out / CONFIG).write_text(json.dumps(experiment.config, indent=1) + "\n")
    while run.progress.epoch < experiment.epochs:
        run.train_epoch()
    return run.exported().eval().to("cpu")


@dataclass
class _Run:
    experiment: Experiment
    averaged: AveragedModel | None
    out: Path
    shown: bool
    drawn: bool = True
    progress: Progress = field(default_factory=Progress)
    rows: list[dict[str, str]] = field(default_factory=list)
    saved_s: float = field(default_factory=time.monotonic)

    def resume(self) -> None:
        self.progress = restore_checkpoint(self.experiment, self.averaged, self.out / CHECKPOINT)
        # An epoch whose row was written before its checkpoint is trained again, and gets a new row.
        self.rows = _read_rows(self.out / CURVES)[: self.progress.epoch]

    def exported(self) -> nn.Module:
        return self.experiment.net if self.averaged is None else self.averaged.module

    def train_epoch(self) -> None:
        started_s = time.perf_counter()
        losses = self._train_batches()
        schedule = self.experiment.schedule
        if hasattr(schedule, "observe"):
            schedule.observe(sum(losses.values()))
        self.progress = Progress(self.progress.epoch + 1)
        if self.experiment.processes.first:
            figures = self.experiment.evaluate(self.exported().eval())
            named = {f"loss_{name}": value for name, value in losses.items()}
            self._write_row({**named, **figures}, time.perf_counter() - started_s)
        self._save()
        if self.experiment.processes.first and self.drawn:
            draw_curves(self.out / CURVES, self.out / "curves.png")

    def _train_batches(self) -> dict[str, float]:
        """Train on the rest of the epoch's batches; return the means of the loss's parts over the whole epoch."""
        experiment, progress = self.experiment, self.progress
        experiment.train()
        steps = experiment.batches.steps
        title = f"epoch {progress.epoch + 1}/{experiment.epochs}"
        with (
            tqdm(total=steps, initial=progress.step, desc=title, unit="batch", disable=not self.shown) as bar,
            closing(changed_batches(experiment, progress.epoch, progress.step)) as batches,
        ):
            for batch in batches:
                self._train_batch(batch)
                bar.update()
                if progress.step % _LOOK_EVERY == 0 and progress.step < steps:
                    self._look()
        self._check_finite()
        return {name: float(total) / steps for name, total in progress.sums.items()}

    def _train_batch(self, batch: Batch) -> None:
        sums = self.progress.sums
        for name, value in self.experiment.step(batch).items():
            sums[name] = sums.get(name, 0.0) + torch.as_tensor(value, dtype=torch.float64)
        if self.averaged is not None:
            self.averaged.update_parameters(self.experiment.net)
        self.progress.step += 1

    def _look(self) -> None:
        """Stop where the loss has exploded; write a checkpoint when it is time for one."""
        self._check_finite()
        every_s = self.experiment.checkpoint_every_s
        due = every_s is not None and time.monotonic() - self.saved_s >= every_s
        if every_s is not None and self.experiment.processes.agreed(due):
            self._save()

    def _check_finite(self) -> None:
        """Stop where the loss is no number any more; the checkpoint before stays."""
        values = {name: float(total) for name, total in self.progress.sums.items()}
        if all(map(math.isfinite, values.values())):
            return
        rate = self.experiment.optimizer.param_groups[0]["lr"]
        kept = (
            f"the last good checkpoint is {self.out / CHECKPOINT}"
            if (self.out / CHECKPOINT).is_file()
            else "none was kept"
        )
        raise RecipeError(
            f"epoch {self.progress.epoch + 1}, step {self.progress.step}: expected losses that are finite numbers, found "
            f"{_shown(values)} at a learning rate of {rate:.3g}; set a lower learning_rate, or clip_norm ({kept})"
        )

    def _save(self) -> None:
        save_checkpoint(self.experiment, self.averaged, self.progress, self.out / CHECKPOINT)
        self.saved_s = time.monotonic()

    def _write_row(self, figures: Mapping[str, float], duration_s: float) -> None:
        rate = self.experiment.optimizer.param_groups[0]["lr"]
        row = {"epoch": self.progress.epoch, "learning_rate": rate, "duration_s": duration_s, **figures}
        self.rows.append({name: f"{value:.6g}" for name, value in row.items()})
        _write_rows(self.rows, self.out / CURVES)
        keep_epoch(self.exported().state_dict(), self.out, self.progress.epoch, self.experiment.keep_last)
        shown = ", ".join(f"{name} {value:.4g}" for name, value in figures.items())
        logger.info("epoch %d of %d: %s", self.progress.epoch, self.experiment.epochs, shown)


def changed_batches(experiment: Experiment, epoch: int, first: int = 0) -> Generator[Batch, None, None]:
    """Yield this process's part of an epoch's batches as the loop trains on them: on the device, changed.

    Args:
        experiment: Placed, see `Experiment.place`.
        epoch: Which epoch, from 0.
        first: Leave out the batches before this one.
    """
    processes = experiment.processes
    made = experiment.batches.epoch(epoch, first=first, part=processes.rank, parts=processes.count)
    with closing(made):
        for step, batch in enumerate(made, start=first):
            if experiment.change_batch is not None:
                # Seeded for each batch and process: the same after a resume.
                random = np.random.default_rng((experiment.seed, epoch, step, processes.rank))
                batch = experiment.change_batch(batch, random)
            yield processes.moved(batch, experiment.channels_last)


def _averaged(experiment: Experiment) -> AveragedModel | None:
    if not experiment.average_decay:
        return None
    average = get_ema_multi_avg_fn(experiment.average_decay)
    return AveragedModel(experiment.net, multi_avg_fn=average, use_buffers=True)


def _shown(values: Mapping[str, float]) -> str:
    return ", ".join(f"{name} {value:.3g}" for name, value in values.items())


def _read_rows(path: Path) -> list[dict[str, str]]:
    if not path.is_file():
        return []
    with path.open(newline="") as stream:
        return list(csv.DictReader(stream))


def _write_rows(rows: Sequence[Mapping[str, str]], path: Path) -> None:
    names = list(dict.fromkeys(name for row in rows for name in row))
    text = StringIO()
    writer = csv.DictWriter(text, fieldnames=names, restval="nan")
    writer.writeheader()
    writer.writerows(rows)
    write_whole(path, text.getvalue())
