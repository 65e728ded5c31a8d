"""The networks that the tests go through, small or without numbers."""

from __future__ import annotations

from types import ModuleType

import pytest
import torch

from training.blocks.multi_task import MultiTaskNet
from training.names import load, names_in
from training.nets import resnet, vgg

NETS = [load("nets", name) for name in names_in("nets")]


class OfDepth:
    """A network of several depths at one of them, with what a file of `training/nets` has."""

    def __init__(self, net: ModuleType, depth: int) -> None:
        self.__name__ = f"{net.__name__}{depth}"
        self.INPUT = net.INPUT
        self.SMALL = {**net.SMALL, "depth": depth}
        self._net, self._depth = net, depth

    def build(self, **settings: object) -> MultiTaskNet:
        return self._net.build(**{"depth": self._depth, **settings})


vgg13, vgg16, vgg19 = (OfDepth(vgg, depth) for depth in (13, 16, 19))
resnet18, resnet34, resnet50, resnet101 = (OfDepth(resnet, depth) for depth in (18, 34, 50, 101))


def short_name(value: object) -> str | None:
    return value.__name__.rsplit(".", 1)[-1] if isinstance(value, ModuleType | OfDepth) else None


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
