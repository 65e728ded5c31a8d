"""Stacks of 3x3 convolutions with pooling between them.

Simonyan and Zisserman: Very deep convolutional networks for large-scale image recognition, ICLR 2015, section 2.1.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from torch import nn

from training.blocks.convolution import convolutions, he_initialise, require_size
from training.blocks.fully_connected import fully_connected, linear_branches
from training.blocks.multi_task import MultiTaskNet


def vgg_blocks(
    channels: int,
    size: int,
    blocks: Sequence[Sequence[int]],
    batch_norm: bool = False,
    dropout: float = 0.0,
    pools: int | None = None,
) -> tuple[list[nn.Module], int]:
    """Return one module per block, (N, channels, size, size) -> (N, blocks[-1][-1], s, s), and the features of the last.

    Args:
        channels: Channels of the image.
        size: Side of the image in pixels.
        blocks: Widths of each block's convolutions.
        batch_norm: Normalise after every convolution.
        dropout: Probability after every pooling.
        pools: How many blocks, from the first, end in 2x2 max pooling; None = all. A row and a column left over are
            pooled too: at 48 pixels the fifth pooling reads 3x3 places, of which rounding down would drop five.
    """
    modules: list[nn.Module] = []
    for position, widths in enumerate(blocks):
        layers = convolutions(channels, widths, batch_norm)
        if pools is None or position < pools:
            layers.append(nn.MaxPool2d(2, ceil_mode=size % 2 == 1))
            size = (size + 1) // 2
            if dropout:
                layers.append(nn.Dropout(dropout))
        modules.append(nn.Sequential(*layers))
        channels = widths[-1]
    return modules, channels * size**2


def vgg_widths(width: int, depths: Sequence[int]) -> list[list[int]]:
    """Return the widths of VGG's blocks: twice as many channels in every block, at most eight times the first's."""
    return [[width * min(2**position, 8)] * depth for position, depth in enumerate(depths)]


def vgg(
    depths: Sequence[int],
    classes: Mapping[str, int] | None,
    size: int,
    channels: int,
    dropout: float,
    width: int,
    hidden: int,
    batch_norm: bool,
) -> MultiTaskNet:
    """Return VGG of the given convolutions a block; all of it is shared but one linear layer a task.

    Raises:
        ValueError: The size is too small.
    """
    require_size(size)
    blocks, features = vgg_blocks(channels, size, vgg_widths(width, depths), batch_norm)
    shared = fully_connected(features, (hidden, hidden), dropout, batch_norm)
    net = MultiTaskNet(
        nn.Sequential(*blocks, nn.Flatten(), *shared), linear_branches(classes, hidden, dropout=0.0)
    )
    he_initialise(net)
    return net
