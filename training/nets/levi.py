"""Levi and Hassner's network of three convolutions for age and gender: the simplest GF-CNN.

Levi and Hassner: Age and gender classification using convolutional neural networks, CVPR workshops 2015, section 3.1; the
baseline "Levi" of Hosseini and Cho: GF-CapsNet, 2019 (figure 2.3 of the thesis), which as GF-Levi reads Gabor responses.

Image (N, C, 48, 48); 7x7 to 96 channels of stride 2, pooling and local response normalisation, (N, 96, 12, 12); 5x5 to 256
with the same, (N, 256, 6, 6); 3x3 to 384 and pooling, (N, 384, 3, 3); two fully connected layers of 512 with dropout of 0.5,
(N, 512). ReLU after each. All of that is shared; a task's branch is one linear layer.

We differ at the entrance, which is made for 227 pixels: a stride of 2 in place of 4, so that 48 pixels end in 3x3 places
(theirs: 7x7). Poolings are 2x2 instead of 3x3 of stride 2, because the sides are even here. With `stem_stride=4` at 224 gray
pixels the network has 11.4 million numbers for eight age groups; the thesis writes 22.6 million and does not say of what
(two such networks, for age and for gender, have 22.8 million).
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence

from torch import nn

from training.blocks.convolution import he_initialise, require_size
from training.blocks.fully_connected import fully_connected, linear_branches
from training.blocks.multi_task import MultiTaskNet

INPUT = (1, 48, 48)
WIDTHS = (96, 256, 384)
KERNELS = (7, 5, 3)
SMALL = {"widths": (8, 12, 16), "hidden": (32, 32)}


def build(
    classes: Mapping[str, int] | None = None,
    size: int = INPUT[1],
    channels: int = INPUT[0],
    dropout: float = 0.5,
    widths: Sequence[int] = WIDTHS,
    hidden: Sequence[int] = (512, 512),
    stem_stride: int = 2,
    batch_norm: bool = False,
) -> MultiTaskNet:
    """Return an untrained network.

    Args:
        classes: Task -> number of classes; all tasks of `engines.card.LABELS` unless given.
        size: Side of the input in pixels, at least 16.
        channels: 1 gray, 3 RGB, or more with Gabor responses.
        dropout: Probability after the fully connected layers.
        widths: Channels of the three convolutions.
        hidden: Widths of the fully connected layers.
        stem_stride: Stride of the first convolution.
        batch_norm: Normalise after every layer in place of the local response normalisation.

    Raises:
        ValueError: The size is too small.
    """
    require_size(size)
    modules: list[nn.Module] = []
    entry, side = channels, size
    for position, (width, kernel) in enumerate(zip(widths, KERNELS, strict=True)):
        stride = 1 if position else stem_stride
        modules.append(_layer(entry, width, kernel, stride, position < 2, batch_norm))
        entry, side = width, math.ceil(math.ceil(side / stride) / 2)
    shared = fully_connected(entry * side**2, hidden, dropout, batch_norm)
    net = MultiTaskNet(
        nn.Sequential(*modules, nn.Flatten(), *shared), linear_branches(classes, hidden[-1], dropout=0.0)
    )
    he_initialise(net)
    return net


def _layer(
    entry: int, width: int, kernel: int, stride: int, normalised: bool, batch_norm: bool
) -> nn.Sequential:
    """Return a convolution, ReLU, pooling that rounds up, and normalisation."""
    layers: list[nn.Module] = [
        nn.Conv2d(entry, width, kernel, stride, padding=kernel // 2, bias=not batch_norm)
    ]
    if batch_norm:
        layers.append(nn.BatchNorm2d(width))
    layers += [nn.ReLU(inplace=True), nn.MaxPool2d(2, ceil_mode=True)]
    if normalised and not batch_norm:
        layers.append(nn.LocalResponseNorm(5, alpha=1e-4, beta=0.75, k=1.0))
    return nn.Sequential(*layers)
