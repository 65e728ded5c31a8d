"""Batches of one task's faces, which lie in memory as the network takes them: images, or the frozen encoder's maps."""

from __future__ import annotations

from collections.abc import Generator
from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor, nn

from engines.card import InputSpec
from training.batches.mixed_batches import plain_images
from training.errors import RecipeError
from training.fitting.experiment import Batch
from training.progressive.network import ProgressiveNet
from training.progressive.tasks import TaskFaces

TARGET = "target"
_AT_ONCE = 256


@dataclass(frozen=True, eq=False)
class TaskBatches:
    """Training batches in another order every epoch; the rest that fills no batch is left out of it.

    Attributes:
        inputs: float (N, C, h, w), what the network takes.
        targets: float (N, classes), shares.
        size: Pictures in a batch.
        seed: Makes the order repeatable.
        steps: Batches in an epoch.
    """

    inputs: Tensor
    targets: Tensor
    size: int
    seed: int
    steps: int = field(init=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "size", min(self.size, len(self.inputs)))
        object.__setattr__(self, "steps", len(self.inputs) // self.size)

    def epoch(
        self, number: int, first: int = 0, part: int = 0, parts: int = 1
    ) -> Generator[Batch, None, None]:
        """Yield part `part` of `parts` of the batches of one epoch from batch `first` on.

        Yields:
            "image" and "target".

        Raises:
            RecipeError: The batch can't be divided into equal parts.
        """
        if self.size % parts:
            raise RecipeError(
                f"batch: expected a size that {parts} processes can share equally, found {self.size}"
            )
        order = torch.from_numpy(np.random.default_rng((self.seed, number)).permutation(len(self.inputs)))
        for step in range(first, self.steps):
            rows = order[step * self.size : (step + 1) * self.size][part::parts]
            yield {"image": self.inputs[rows], TARGET: self.targets[rows]}


def part_images(found: TaskFaces, part: str, spec: InputSpec) -> Tensor:
    """Return the pictures of one part as the program would prepare them, float32 (N, 1, S, S)."""
    return torch.from_numpy(plain_images(found.faces, found.positions[part], spec, True))


def encoded(net: ProgressiveNet, images: Tensor) -> Tensor:
    """Return the encoder's maps of images, float32, in evaluation mode."""
    net.encoder.eval()
    with torch.inference_mode():
        maps = torch.cat(
            [net.encoder.maps(images[at : at + _AT_ONCE]) for at in range(0, len(images), _AT_ONCE)]
        )
    return maps.clone()  # one that gradients may flow through


def predicted(net: nn.Module, inputs: Tensor, column: str) -> Tensor:
    """Return the probabilities that a column gives, float32 (N, classes) on the CPU.

    Args:
        net: A `ProgressiveNet` in evaluation mode.
        inputs: As its `forward` takes them.
        column: Its name.
    """
    assert isinstance(net, ProgressiveNet)
    device = next(net.parameters()).device
    with torch.inference_mode():
        logits = [
            net.answer(inputs[at : at + _AT_ONCE].to(device), column)
            for at in range(0, len(inputs), _AT_ONCE)
        ]
    return torch.cat(logits).float().softmax(dim=1).cpu()


def accuracy(net: nn.Module, inputs: Tensor, truth: npt.NDArray[np.int64], column: str) -> float:
    """Return the share of faces whose class a column hits; `truth` is int64 (N,), the rest as in `predicted`."""
    return float((predicted(net, inputs, column).argmax(dim=1).numpy() == truth).mean())
