"""The VGG-13 of FER+, with a branch for every task.

Kyritsis: Deep models and transfer learning for facial emotion recognition, EPFL master thesis, sections 7.1 (one task)
and 7.11 (a branch for every task, figure 7.7), after Barsoum et al.: Training deep networks for facial expression
recognition with crowd-sourced label distribution, ICMI 2016.

Shared: image (N, C, 48, 48); four blocks of 3x3 convolutions with ReLU, (64, 64), (128, 128), (256, 256, 256), (256, 256,
256), each followed by 2x2 max pooling and dropout of 0.25: (N, 64, 24, 24), (N, 128, 12, 12), (N, 256, 6, 6),
(N, 256, 3, 3). Per task two fully connected layers of 1024 units with ReLU and dropout of 0.5, and one of as many
units as the task has classes. There is no batch normalisation, as in the papers; `batch_norm` adds it.

We differ: there is a branch for smile too; `classes={"emotion": 8}` gives the network of section 7.1. Where figure 7.7
parts the tasks is not in the text; ours part after the last convolution.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from torch import nn

from training.blocks.convolution import he_initialise, require_size
from training.blocks.fully_connected import fully_connected_branches
from training.blocks.multi_task import MultiTaskNet
from training.blocks.vgg import vgg_blocks

INPUT = (1, 48, 48)
BLOCKS = ((64, 64), (128, 128), (256, 256, 256), (256, 256, 256))
SMALL = {"blocks": ((8, 8), (16, 16), (32, 32, 32), (32, 32, 32)), "hidden": (32, 32)}


def build(
    classes: Mapping[str, int] | None = None,
    size: int = INPUT[1],
    channels: int = INPUT[0],
    dropout: float = 0.5,
    block_dropout: float = 0.25,
    blocks: Sequence[Sequence[int]] = BLOCKS,
    hidden: Sequence[int] = (1024, 1024),
    batch_norm: bool = False,
) -> MultiTaskNet:
    """Return an untrained network.

    Args:
        classes: Task -> number of classes; all tasks of `engines.card.LABELS` unless given.
        size: Side of the input in pixels, at least 16.
        channels: 1 gray or 3 RGB.
        dropout: Probability in the branches.
        block_dropout: Probability after every pooling.
        blocks: Widths of the convolutions, a block each.
        hidden: Widths of the branches' fully connected layers.
        batch_norm: Normalise after every convolution and fully connected layer.

    Raises:
        ValueError: The size is too small.
    """
    require_size(size)
    modules, features = vgg_blocks(channels, size, blocks, batch_norm, block_dropout)
    branches = fully_connected_branches(classes, features, hidden, dropout, batch_norm)
    net = MultiTaskNet(nn.Sequential(*modules, nn.Flatten()), branches)
    he_initialise(net)
    return net
