"""Which weights a training changes, and how fast: frozen stages, a smaller rate for shared layers, the optimizer."""

from __future__ import annotations

from typing import Any

import torch
from torch import nn

from training.blocks.multi_task import MultiTaskNet
from training.errors import RecipeError
from training.multi_task.config import Config


def optimizer_of(config: Config, net: nn.Module) -> torch.optim.Optimizer:
    """Return the optimizer that the settings ask for, over a network's parameters."""
    trained = _rate_groups(config, net)
    if config.optimizer != "sgd":
        kind = torch.optim.Adam if config.optimizer == "adam" else torch.optim.AdamW
        return kind(trained, lr=config.learning_rate, weight_decay=config.weight_decay)
    return torch.optim.SGD(
        trained,
        lr=config.learning_rate,
        momentum=0.9,
        nesterov=config.nesterov,
        weight_decay=config.weight_decay,
    )


def freeze(net: MultiTaskNet, count: int) -> None:
    """Keep the first stages of the trunk as they are.

    Raises:
        RecipeError: The trunk has not so many stages.
    """
    stages = net.trunk.stages() if hasattr(net.trunk, "stages") else []
    if count > len(stages):
        raise RecipeError(f"frozen: expected 0 to {len(stages)} with this network, found {count}")
    for stage in stages[:count]:
        stage.requires_grad_(False)


def _rate_groups(config: Config, net: nn.Module) -> list[dict[str, Any]]:
    """Return the trained weights: the shared layers with their own rate, the others with the full one."""
    shared = {id(weight) for weight in net.trunk.parameters()} if isinstance(net, MultiTaskNet) else set()
    trained = [weight for weight in net.parameters() if weight.requires_grad]
    if config.trunk_rate == 1:
        return [{"params": trained}]
    trunk = [weight for weight in trained if id(weight) in shared]
    branches = [weight for weight in trained if id(weight) not in shared]
    return [{"params": branches}, {"params": trunk, "lr": config.learning_rate * config.trunk_rate}]
