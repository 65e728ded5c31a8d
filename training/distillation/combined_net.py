"""The combination of distilled students as one network from image to logits, for export as one graph."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
import numpy.typing as npt
import torch
from scipy.optimize import brentq
from torch import Tensor, nn

from engines.card import LABELS
from training.blocks.multi_task import MultiTaskNet
from training.distillation.combination import Machine
from training.errors import RecipeError

Floats = npt.NDArray[np.float32]

OLDEST_YEARS = len(LABELS["age"]) - 1

_LEAST_PROBABILITY = 1e-7
"""Years that can't be are this likely, not 0, so that their logits stay finite; together they weigh 1e-5."""


class YearsDistribution(nn.Module):
    """Years as a distribution over the ages 0 to 100, which is what a model card's age head holds.

    A Gaussian around the years would, cut off at 0, have a higher expectation: 6.1 years for a newborn with a deviation of
    8. So for every whole age the Gaussian on the whole numbers is moved until its expectation is that age, and years between
    two ages mix their distributions: the expectation is then the machine's number itself, within 0 to 100.

    Args:
        std_years: Deviation of the Gaussian.
    """

    table: Tensor
    ages: Tensor

    def __init__(self, std_years: float) -> None:
        super().__init__()
        self.register_buffer("table", torch.from_numpy(years_table(std_years)))
        self.register_buffer("ages", torch.arange(OLDEST_YEARS + 1, dtype=torch.float32))

    def forward(self, years: Tensor) -> Tensor:
        """Return logits, float (N, 101), of years, float (N, 1)."""
        shares = (1 - (years.clamp(0, OLDEST_YEARS) - self.ages).abs()).clamp(min=0)
        return (shares @ self.table).clamp(min=_LEAST_PROBABILITY).log()


def years_table(std_years: float) -> Floats:
    """Return for every whole age the Gaussian on 0 to 100 that has it as expectation, float32 (101, 101)."""
    ages = np.arange(OLDEST_YEARS + 1)

    def gaussian(centre: float) -> npt.NDArray[np.float64]:
        exponents = -((ages - centre) ** 2) / (2 * std_years**2)
        weights = np.exp(exponents - exponents.max())
        return weights / weights.sum()

    table = np.eye(OLDEST_YEARS + 1)
    far = 100 * std_years**2 + 200
    for age in ages[1:-1]:
        centre = brentq(lambda middle, age=age: float(gaussian(middle) @ ages) - age, -far, far)
        table[age] = gaussian(centre)
    return table.astype(np.float32)


class CombinedNet(nn.Module):
    """Networks whose embeddings, side by side, a linear machine reads: one graph from image to logits.

    Args:
        nets: Students of one input.
        machines: Task -> machine on the concatenated embeddings of that task.

    Raises:
        RecipeError: A machine reads embeddings of another width.
    """

    def __init__(self, nets: Sequence[MultiTaskNet], machines: Mapping[str, Machine]) -> None:
        super().__init__()
        self.nets = nn.ModuleList(nets)
        self.layers = nn.ModuleDict({task: _layers(task, machine) for task, machine in machines.items()})
        for task, machine in machines.items():
            width = sum(net.logits_layer(task).in_features for net in nets)
            if machine.weight.shape[1] != width:
                raise RecipeError(
                    f"{task}: expected a machine on embeddings of {width} numbers, found {machine.weight.shape[1]}; "
                    "fit it on these networks"
                )

    def forward(self, image: Tensor) -> dict[str, Tensor]:
        """Return task -> logits, float (N, classes), of images as the students take them."""
        found = [net.embeddings(image) for net in self.nets]
        return {
            task: layers(torch.cat([embeddings[task] for embeddings in found], dim=1))
            for task, layers in self.layers.items()
        }


def _layers(task: str, machine: Machine) -> nn.Sequential:
    linear = nn.Linear(machine.weight.shape[1], len(machine.weight))
    scale = 1.0 if task == "age" else 1 / machine.spread
    with torch.no_grad():
        linear.weight.copy_(torch.from_numpy(machine.weight * np.float32(scale)))
        linear.bias.copy_(torch.from_numpy(machine.bias * np.float32(scale)))
    return (
        nn.Sequential(linear, YearsDistribution(machine.spread)) if task == "age" else nn.Sequential(linear)
    )
