"""What reads the shared features: fully connected layers, one branch per task."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from torch import nn

from training.blocks.multi_task import task_classes


def fully_connected(
    entry: int, widths: Sequence[int], dropout: float, batch_norm: bool = True
) -> list[nn.Module]:
    """Return linear layers in a row, each with (batch normalisation,) ReLU and dropout: (N, entry) -> (N, widths[-1])."""
    layers: list[nn.Module] = []
    for width in widths:
        layers.append(nn.Linear(entry, width, bias=not batch_norm))
        if batch_norm:
            layers.append(nn.BatchNorm1d(width))
        layers += [nn.ReLU(inplace=True), nn.Dropout(dropout)]
        entry = width
    return layers


def fully_connected_branches(
    classes: Mapping[str, int] | None,
    features: int,
    widths: Sequence[int],
    dropout: float,
    batch_norm: bool = True,
) -> dict[str, nn.Module]:
    """Return task -> hidden layers of the given widths and one linear layer: (N, features) -> (N, classes)."""
    return {
        task: nn.Sequential(
            *fully_connected(features, widths, dropout, batch_norm), nn.Linear([features, *widths][-1], count)
        )
        for task, count in task_classes(classes).items()
    }


def linear_branches(classes: Mapping[str, int] | None, features: int, dropout: float) -> dict[str, nn.Module]:
    """Return task -> dropout and one linear layer: (N, features) -> (N, classes)."""
    return {
        task: nn.Sequential(nn.Dropout(dropout), nn.Linear(features, count))
        for task, count in task_classes(classes).items()
    }
