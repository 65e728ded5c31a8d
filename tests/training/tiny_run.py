"""A small run with every part that has a state, for tests that start it as a program, alone or by torchrun.

`python -m tests.training.tiny_run CASES.json` trains each case and writes <folder's name>_result_<rank>.pt beside it.
"""

from __future__ import annotations

import json
import os
import sys
import time
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional

from engines.card import InputSpec
from tests.training.made_faces import made_faces
from training.balancing import gradnorm
from training.batches.mixed_batches import MixedBatches
from training.blocks.multi_task import MultiTaskNet
from training.data.augmentation import Augmentation
from training.fitting.loop import Experiment, fit
from training.fitting.processes import first_goes_ahead
from training.losses.masked_cross_entropy import MaskedCrossEntropy, one_hot

SIZE = 16
SHARES = {"ferplus": 3, "utkface": 2, "genki4k": 1}
"""With two processes one part holds a face of genki4k and the other none, and two faces of ferplus against one."""


@dataclass(frozen=True)
class TinyRun:
    """Settings; `normalise` adds batch normalisation, `noise` brightens batches, `pause_s` waits before every batch."""

    epochs: int = 2
    dropout: float = 0.0
    normalise: bool = False
    mixing: str = "mixed"
    checkpoint_every_s: float | None = None
    noise: float = 0.0
    pause_s: float = 0.0
    keep_last: int = 0
    device: str = "cpu"
    compile: bool = False
    bfloat16: bool = False
    average_decay: float = 0.9


class TinyLoss(nn.Module):
    """The tasks' masked losses, and a head of its own that tells the sets apart."""

    def __init__(self) -> None:
        super().__init__()
        self.classes = MaskedCrossEntropy()
        self.head = nn.Linear(8, len(SHARES))

    def forward(self, outputs: dict[str, Tensor], batch: dict[str, Tensor]) -> dict[str, Tensor]:
        """Return part -> scalar."""
        return {
            "emotion": self.classes(outputs["emotion"], batch["emotion"])
            + functional.cross_entropy(self.head(outputs["emotion"]), batch["source"]),
            "gender": self.classes(outputs["gender"], one_hot(batch["female"], 2)),
            "smile": self.classes(outputs["smile"], one_hot(batch["smile"], 2)),
        }


class StallingRate(torch.optim.lr_scheduler.LambdaLR):
    """A rate that falls with the steps, and by a share of the loss that it is told."""

    def __init__(self, optimizer: torch.optim.Optimizer) -> None:
        self.factor = 1.0
        super().__init__(optimizer, lambda step: self.factor * 0.99**step)

    def observe(self, loss: float) -> None:
        """Take note of an epoch's loss."""
        self.factor /= 1 + loss / 100


def tiny_experiment(settings: TinyRun) -> Experiment:
    """Return the experiment."""
    torch.manual_seed(5)
    sets = {name: made_faces(name, 240, side=24) for name in SHARES}
    batches = MixedBatches(
        sets, SHARES, InputSpec(size=SIZE), Augmentation(), True, "ferplus", 5, mixing=settings.mixing
    )
    net, loss = tiny_net(settings), TinyLoss()
    optimizer = torch.optim.SGD(
        [*net.parameters(), *loss.head.parameters()], lr=0.05, momentum=0.9, nesterov=True
    )
    return Experiment(
        net=net,
        batches=batches,
        loss=loss,
        optimizer=optimizer,
        schedule=StallingRate(optimizer),
        evaluate=lambda trained: {"weights": float(next(trained.parameters()).detach().norm())},
        epochs=settings.epochs,
        config={"normalise": settings.normalise},
        average_decay=settings.average_decay,
        bfloat16=settings.bfloat16,
        device=settings.device,
        compile=settings.compile,
        clip_norm=5.0,
        balance=gradnorm.build(("emotion", "gender", "smile")),
        change_batch=lambda batch, random: brightened(batch, random, settings),
        extra_modules={"head": loss.head},
        keep_last=settings.keep_last,
        checkpoint_every_s=settings.checkpoint_every_s,
    )


def tiny_net(settings: TinyRun) -> MultiTaskNet:
    """Return a network of some hundred weights."""
    trunk = nn.Sequential(
        nn.Conv2d(1, 6, 4, stride=4),
        *([nn.BatchNorm2d(6)] if settings.normalise else []),
        nn.ReLU(),
        nn.Flatten(),
        nn.Dropout(settings.dropout),
        nn.Linear(6 * 16, 12),
    )
    return MultiTaskNet(
        trunk, {"emotion": nn.Linear(12, 8), "gender": nn.Linear(12, 2), "smile": nn.Linear(12, 2)}
    )


def brightened(batch: dict[str, Tensor], random: np.random.Generator, settings: TinyRun) -> dict[str, Tensor]:
    """Return the batch with another brightness, after a pause."""
    time.sleep(settings.pause_s)
    return {**batch, "image": batch["image"] + settings.noise * float(random.normal())}


def main(arguments: list[str]) -> None:
    """Run each case of the JSON file: a list of [folder, settings]."""
    torch.set_num_threads(1)
    ahead = Path(arguments[0]).with_name("went_ahead.txt")
    with first_goes_ahead("cpu"):
        if not ahead.exists():
            ahead.write_text(os.environ.get("RANK", ""))
    for folder, settings in json.loads(Path(arguments[0]).read_text()):
        experiment = tiny_experiment(TinyRun(**settings))
        out = Path(folder.format(rank=os.environ.get("RANK", "0")))
        net = fit(experiment, out, progress=False)
        result = Path(arguments[0]).parent / f"{out.name}_result_{os.environ.get('RANK', '0')}.pt"
        torch.save({**net.state_dict(), **experiment.loss.state_dict(prefix="loss.")}, result)


if __name__ == "__main__":
    main(sys.argv[1:])
