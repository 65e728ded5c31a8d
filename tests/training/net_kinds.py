"""The networks that the tests go through, small or without numbers."""

from __future__ import annotations

import importlib
import pkgutil
from types import ModuleType

import pytest
import torch

from training import nets
from training.blocks.multi_task import MultiTaskNet

NETS = [
    importlib.import_module(f"training.nets.{found.name}") for found in pkgutil.iter_modules(nets.__path__)
]


def short_name(value: object) -> str | None:
    return value.__name__.rsplit(".", 1)[-1] if isinstance(value, ModuleType) else None


OTHER_KINDS = ("training.nets.gf_capsnet", "training.nets.matrix_capsules")
"""Capsules: no linear layers, no dropout, sizes of their own; see test_capsules.py."""

every_net = pytest.mark.parametrize(
    "net", [net for net in NETS if net.__name__ not in OTHER_KINDS], ids=short_name
)


def small(net: ModuleType, **settings: object) -> MultiTaskNet:
    return net.build(**{**getattr(net, "SMALL", {}), **settings})


def without_numbers(net: ModuleType, **settings: object) -> MultiTaskNet:
    """The network at full size, on a device that only knows shapes."""
    with torch.device("meta"):
        return net.build(**settings)
