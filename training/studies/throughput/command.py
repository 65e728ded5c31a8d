"""Training speed on real batches against one batch that lies in memory: what the data path costs.

Both are trained with the loop's own step. They take turns, so that a machine that slows down meanwhile slows both.
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import time
from collections.abc import Generator, Iterator
from contextlib import closing
from dataclasses import asdict, dataclass
from itertools import count, cycle
from pathlib import Path
from typing import Any

import torch

from training.batches.mixed_batches import PREFETCHED
from training.errors import RecipeError
from training.fitting.experiment import Batch, Experiment
from training.fitting.loop import changed_batches
from training.fitting.processes import join
from training.names import load_recipe
from training.settings import with_settings
from training.study_parts.options import add_data, add_settings

_WARM_UP = 5
_GPU_AHEAD = 10
"""Steps that may wait for the GPU: as often as the loop looks at its loss."""


@dataclass(frozen=True)
class Throughput:
    """Training speed of one run.

    Attributes:
        batch: Faces in a batch of this process.
        device: Where.
        real: Images a second in each round, on batches that are made meanwhile.
        synthetic: The same on one batch in memory.
    """

    batch: int
    device: str
    real: tuple[float, ...]
    synthetic: tuple[float, ...]

    @property
    def shares(self) -> tuple[float, ...]:
        """Real speed as a share of the synthetic one, for each round."""
        return tuple(real / ideal for real, ideal in zip(self.real, self.synthetic, strict=True))

    def as_dict(self) -> dict[str, Any]:
        """Return everything as JSON takes it."""
        return {
            **asdict(self),
            "images_per_s_real": statistics.median(self.real),
            "images_per_s_synthetic": statistics.median(self.synthetic),
            "share": statistics.median(self.shares),
        }

    def __str__(self) -> str:
        return (
            f"{self.device}, batches of {self.batch}: {statistics.median(self.real):.0f} images/s on real batches, "
            f"{statistics.median(self.synthetic):.0f} on one in memory: {statistics.median(self.shares):.1%} "
            f"({min(self.shares):.1%} to {max(self.shares):.1%} in {len(self.shares)} rounds)"
        )


def measure(experiment: Experiment, seconds: float = 60.0, rounds: int = 10) -> Throughput:
    """Train in turns on real batches and on one batch in memory, at rate 0: the weights stay as they are.

    Args:
        experiment: What to train.
        seconds: Time for all rounds together.
        rounds: Turns that each gets.

    Raises:
        RecipeError: The device is not there.
    """
    experiment.place(join(experiment.device))
    experiment.train()
    experiment.schedule = None
    for group in experiment.optimizer.param_groups:
        group["lr"] = 0.0
    turn_s = seconds / rounds / 2
    real: list[float] = []
    synthetic: list[float] = []
    with closing(_endless(experiment)) as batches:
        kept = next(batches)
        _speed(experiment, cycle([kept]), steps=_WARM_UP)
        for _ in range(rounds):
            # Batches that were made during the other's turn don't count.
            _speed(experiment, batches, steps=PREFETCHED + 1)
            real.append(_speed(experiment, batches, turn_s))
            synthetic.append(_speed(experiment, cycle([kept]), turn_s))
    device = experiment.processes.device.type
    return Throughput(len(kept["image"]), device, tuple(real), tuple(synthetic))


def _endless(experiment: Experiment) -> Generator[Batch, None, None]:
    for epoch in count():
        with closing(changed_batches(experiment, epoch)) as batches:
            yield from batches


def _speed(experiment: Experiment, batches: Iterator[Batch], turn_s: float = 0.0, steps: int = 1) -> float:
    """Return the images a second of so many steps, and more until the time is over."""
    images, done = 0, 0
    started_s = time.perf_counter()
    while done < steps or time.perf_counter() - started_s < turn_s:
        batch = next(batches)
        experiment.step(batch)
        images, done = images + len(batch["image"]), done + 1
        if experiment.processes.device.type == "cuda" and done % _GPU_AHEAD == 0:
            torch.cuda.synchronize(experiment.processes.device)
    if experiment.processes.device.type == "cuda":
        torch.cuda.synchronize(experiment.processes.device)
    return images / (time.perf_counter() - started_s)


def add_options(parser: argparse.ArgumentParser) -> None:
    """Add the options."""
    parser.add_argument("recipe", help="name of a file in training/recipes, for example multitask")
    add_data(parser)
    add_settings(parser)
    parser.add_argument("--seconds", type=float, default=60.0, help="time of all rounds (default: 60)")
    parser.add_argument("--rounds", type=int, default=10, help="turns that each gets (default: 10)")
    parser.add_argument("--json", type=Path, metavar="FILE", help="also write the figures there")


def run(options: argparse.Namespace) -> int:
    """Run the study; return the exit code."""
    if options.rounds < 1 or not options.seconds > 0:
        raise RecipeError(
            f"--rounds, --seconds: expected 1 or more and above 0, found {options.rounds} and {options.seconds}"
        )
    recipe = load_recipe(options.recipe)
    torch.set_num_threads(os.cpu_count() or 1)
    config = with_settings(recipe.Config(data=str(options.data), cache=str(options.cache)), options.set)
    found = measure(recipe.build(config), options.seconds, options.rounds)
    if options.json is not None:
        options.json.write_text(json.dumps(found.as_dict(), indent=1) + "\n")
    print(found)
    return 0
