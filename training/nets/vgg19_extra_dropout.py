"""VGG-19 with one more dropout: the FER2013 network that GF-VGG feeds with Gabor responses.

Hosseini and Cho: GF-CapsNet, 2019 (figure 2.7 and table 4.11 of the thesis); Simonyan and Zisserman: Very deep convolutional
networks for large-scale image recognition, ICLR 2015, configuration E.

Image (N, C, 48, 48); five blocks of 2, 2, 4, 4 and 4 convolutions of 3x3 with ReLU, and 2x2 max pooling: (N, 64, 24, 24),
(N, 128, 12, 12), (N, 256, 6, 6), (N, 512, 3, 3), (N, 512, 2, 2); two fully connected layers with ReLU: (N, 4096), shared. A
task's branch is the extra dropout and one linear layer.

"One more dropout after the last fully connected layer" is read as after the last hidden one: after the layer of the
classes it would strike out the answer itself. `vgg` with 19 layers is the same network without it.
"""

from __future__ import annotations

from collections.abc import Mapping

from torch import nn

from training.blocks.convolution import he_initialise, require_size
from training.blocks.fully_connected import fully_connected, linear_branches
from training.blocks.multi_task import MultiTaskNet
from training.blocks.vgg import vgg_blocks, vgg_widths
from training.nets.vgg import DEPTHS, INPUT, SMALL

__all__ = ["DEPTHS", "INPUT", "SMALL", "build"]


def build(
    classes: Mapping[str, int] | None = None,
    size: int = INPUT[1],
    channels: int = INPUT[0],
    dropout: float = 0.5,
    width: int = 64,
    hidden: int = 4096,
    batch_norm: bool = False,
) -> MultiTaskNet:
    """Return an untrained network.

    Args:
        classes: Task -> number of classes; all tasks of `engines.card.LABELS` unless given.
        size: Side of the input in pixels, at least 16.
        channels: 1 gray, 3 RGB, or more with Gabor responses.
        dropout: Probability of the extra dropout.
        width: Channels of the first block; the others have 2, 4, 8 and 8 times as many.
        hidden: Width of the fully connected layers.
        batch_norm: Normalise after every convolution and fully connected layer.

    Raises:
        ValueError: The size is too small.
    """
    require_size(size)
    blocks, features = vgg_blocks(channels, size, vgg_widths(width, DEPTHS[19]), batch_norm)
    shared = fully_connected(features, (hidden, hidden), 0.0, batch_norm)
    net = MultiTaskNet(
        nn.Sequential(*blocks, nn.Flatten(), *shared), linear_branches(classes, hidden, dropout)
    )
    he_initialise(net)
    return net
