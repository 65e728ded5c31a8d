"""Matrix capsules with EM routing, small enough for a face of 48 pixels on a processor.

Hinton, Sabour and Frosst: Matrix capsules with EM routing, ICLR 2018, section 4, figure 1: a convolution, primary
capsules, two convolutional capsule layers of kernel 3 (strides 2 and 1), class capsules with coordinate addition, three
iterations. Hosseini and Cho (the thesis behind GF-CapsNet, 2019), section 2.2.1, put one more convolution at the head
("Capsnet-2") and, for age, one more capsule at the end.

Image (N, C, 48, 48); convolutions (N, 32, 24, 24) and (N, 64, 12, 12), each with batch normalisation and ReLU; primary
capsules, 8 kinds of 4x4 poses at 12 x 12 places; convolutional capsules, 8 kinds at 5 x 5 places, then 12 kinds at 3 x 3.
These are the shared features (N, 17 * 12, 3, 3). Per task one capsule a class, whose activations' logits are the answer
(N, classes); for age a capsule an age group, one more capsule, and the years from its pose.

We differ from the papers: batch normalisation in the head and of all poses; soft routing
(`training.blocks.capsules.routing.SOFT`); strides that shrink the face early; fewer kinds (paper: 32 in every layer).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from torch import nn

from training.blocks.capsules.branches import AgeBranch, ClassBranch, Packed
from training.blocks.capsules.layers import ConvolutionalCapsules, PrimaryCapsules
from training.blocks.capsules.net import CapsuleNet
from training.blocks.capsules.routing import SOFT, Routing
from training.blocks.multi_task import task_classes

INPUT = (1, 48, 48)
CONVOLUTIONS = ((32, 5, 2), (64, 3, 2))
"""Width, kernel and stride of the convolutions at the head."""
KINDS = (8, 8, 12)
"""Kinds of the primary capsules and of the two convolutional capsule layers."""
SMALL = {"convolutions": ((8, 5, 2), (8, 3, 1)), "kinds": (2, 2, 3), "iterations": 1, "strides": (1, 1)}
"""One iteration: exporting each further one of four heads takes seconds, and their own test exports two."""


def build(
    classes: Mapping[str, int] | None = None,
    size: int = INPUT[1],
    channels: int = INPUT[0],
    convolutions: Sequence[Sequence[int]] = CONVOLUTIONS,
    kinds: Sequence[int] = KINDS,
    strides: Sequence[int] = (2, 1),
    iterations: int = 3,
    inverse_temperature: float = 2.0,
    through_all: bool = True,
    sharpness: float = SOFT,
    age_groups: int = 8,
) -> CapsuleNet:
    """Return an untrained network.

    Args:
        classes: Task -> number of classes; all tasks of `engines.card.LABELS` unless given.
        size: Side of the input in pixels.
        channels: 1 gray, 3 RGB, or more with Gabor responses.
        convolutions: Width, kernel and stride of each convolution at the head; one makes the papers' baseline, two the
            thesis' Capsnet-2.
        kinds: Kinds of capsules in the primary and in the two convolutional layers.
        strides: Of the two convolutional capsule layers.
        iterations: Of the routing.
        inverse_temperature: lambda of the routing.
        through_all: Send gradients through all iterations of the routing.
        sharpness: Of the routing's E step; 1 is the papers'.
        age_groups: Class capsules of the age branch.

    Raises:
        ValueError: The size leaves no place for two layers of kernel 3, or a setting is out of its range.
    """
    if len(kinds) != 3 or len(strides) != 2:
        raise ValueError(f"kinds, strides: expected three and two numbers, found {kinds} and {strides}")
    routing = Routing(iterations, inverse_temperature, through_all, sharpness)
    layers, width, side = _head(channels, size, convolutions)
    primary, middle, last = kinds
    layers.append(PrimaryCapsules(width, primary))
    for entry, kind, stride in ((primary, middle, strides[0]), (middle, last, strides[1])):
        layer = ConvolutionalCapsules(entry, kind, side, 3, stride, routing)
        layers.append(layer)
        side = layer.fields.side
    trunk = nn.Sequential(*layers, Packed(side))
    branches = {
        task: AgeBranch(last, age_groups, count, side, routing)
        if task == "age"
        else ClassBranch(last, count, side, routing)
        for task, count in task_classes(classes).items()
    }
    return CapsuleNet(trunk, branches)


def _head(
    channels: int, size: int, convolutions: Sequence[Sequence[int]]
) -> tuple[list[nn.Module], int, int]:
    """Return the convolutions, their last width, and the side of the maps they give."""
    layers: list[nn.Module] = []
    for width, kernel, stride in convolutions:
        convolution = nn.Conv2d(channels, width, kernel, stride, padding=kernel // 2, bias=False)
        nn.init.kaiming_normal_(convolution.weight, nonlinearity="relu")
        layers.append(nn.Sequential(convolution, nn.BatchNorm2d(width), nn.ReLU(inplace=True)))
        channels, size = width, (size - 1) // stride + 1
    return layers, channels, size
