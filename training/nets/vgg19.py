"""VGG-19 for small pictures.

Simonyan and Zisserman: Very deep convolutional networks for large-scale image recognition, ICLR 2015, configuration E; one
of the networks that Kyritsis (Deep models and transfer learning for facial emotion recognition, EPFL master thesis, section
7.4) trains from scratch on FER+.

Image (N, C, 48, 48); five blocks of 2, 2, 4, 4 and 4 convolutions of 3x3 with ReLU, and 2x2 max pooling: (N, 64, 24, 24),
(N, 128, 12, 12), (N, 256, 6, 6), (N, 512, 3, 3), (N, 512, 2, 2); two fully connected layers with ReLU: (N, 4096). All of
that is shared; a task's branch is one linear layer. There is neither batch normalisation nor, as in the thesis, dropout.

We differ: the fifth pooling reads all 3x3 places and leaves 2x2; rounding down, it would read four of the nine.
"""

from __future__ import annotations

from collections.abc import Mapping

from training.blocks.multi_task import MultiTaskNet
from training.blocks.vgg import vgg

INPUT = (1, 48, 48)
DEPTHS = (2, 2, 4, 4, 4)
SMALL = {"width": 8, "hidden": 32}


def build(
    classes: Mapping[str, int] | None = None,
    size: int = INPUT[1],
    channels: int = INPUT[0],
    dropout: float = 0.0,
    width: int = 64,
    hidden: int = 4096,
    batch_norm: bool = False,
) -> MultiTaskNet:
    """Return an untrained network.

    Args:
        classes: Task -> number of classes; all tasks of `engines.card.LABELS` unless given.
        size: Side of the input in pixels, at least 16.
        channels: 1 gray or 3 RGB.
        dropout: Probability after the fully connected layers (thesis: none; Simonyan and Zisserman: 0.5).
        width: Channels of the first block; the others have 2, 4, 8 and 8 times as many.
        hidden: Width of the fully connected layers.
        batch_norm: Normalise after every convolution and fully connected layer.

    Raises:
        ValueError: The size is too small.
    """
    return vgg(DEPTHS, classes, size, channels, dropout, width, hidden, batch_norm)
