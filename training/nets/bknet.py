"""Multi-task BKNet.

Sang and Cuong: Effective deep multi-source multi-task learning frameworks for smile detection, emotion recognition
and gender classification, Informatica 42, 2018, section 3.2 and figure 3.

Shared trunk, input (N, C, 48, 48): four blocks of 3x3 convolutions, each followed by batch normalisation and ReLU,
with 2x2 max pooling after every block: (32, 32) -> (N, 32, 24, 24), (64, 64) -> (N, 64, 12, 12), (128, 128) ->
(N, 128, 6, 6), (256, 256, 256) -> (N, 256, 3, 3). Per task two fully connected layers of 256 units with batch
normalisation, ReLU and dropout, then one of as many units as the task has classes; softmax belongs to the loss and to
`engines.decode`.

We differ in two things: there is a branch for age (101 classes, see `losses.age_distribution`), and layers before a
batch normalisation have no bias, which it would remove.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from torch import nn

from training.blocks.fully_connected import fully_connected_branches
from training.blocks.multi_task import MultiTaskNet
from training.blocks.vgg import vgg_blocks

INPUT = (1, 48, 48)
BLOCKS = ((32, 32), (64, 64), (128, 128), (256, 256, 256))
HIDDEN = (256, 256)


def build(
    classes: Mapping[str, int] | None = None,
    size: int = INPUT[1],
    channels: int = INPUT[0],
    dropout: float = 0.5,
    initial_std: float | None = None,
    blocks: Sequence[Sequence[int]] = BLOCKS,
    hidden: Sequence[int] = HIDDEN,
) -> MultiTaskNet:
    """Return an untrained network.

    Args:
        classes: Task -> number of classes; all tasks of `engines.card.LABELS` unless given.
        size: Side of the input in pixels, a multiple of 16.
        channels: 1 gray or 3 RGB.
        dropout: Probability in the branches (paper: 0.5).
        initial_std: Deviation of the Gaussian initial weights (paper: 0.01); None keeps He's, which needs fewer epochs.
        blocks: Widths of the convolutions of each of the four blocks; narrower ones make a quick network of the kind.
        hidden: Widths of each branch's fully connected layers before the last.

    Raises:
        ValueError: The size is no multiple of 16.
    """
    if size % 16:
        raise ValueError(f"size: expected a multiple of 16 (four poolings), found {size}")
    layers, features = vgg_blocks(channels, size, blocks, batch_norm=True)
    branches = fully_connected_branches(classes, features, hidden, dropout)
    net = MultiTaskNet(nn.Sequential(*layers, nn.Flatten()), branches)
    for module in net.modules():
        if isinstance(module, nn.Conv2d | nn.Linear):
            if initial_std is None:
                nn.init.kaiming_normal_(module.weight, nonlinearity="relu")
            else:
                nn.init.normal_(module.weight, std=initial_std)
    return net
