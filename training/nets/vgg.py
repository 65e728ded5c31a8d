"""VGG-13, VGG-16 and VGG-19 for small pictures.

Simonyan and Zisserman: Very deep convolutional networks for large-scale image recognition, ICLR 2015, configurations B, D
and E; networks that Kyritsis (Deep models and transfer learning for facial emotion recognition, EPFL master thesis, sections
7.2 to 7.4) trains from scratch on FER+.

Image (N, C, 48, 48); five blocks of 3x3 convolutions with ReLU, and 2x2 max pooling: (N, 64, 24, 24), (N, 128, 12, 12),
(N, 256, 6, 6), (N, 512, 3, 3), (N, 512, 2, 2); two fully connected layers with ReLU: (N, 4096). All of that is shared; a
task's branch is one linear layer. There is neither batch normalisation nor, as in the thesis, dropout.

We differ: the fifth pooling reads all 3x3 places and leaves 2x2; rounding down, it would read four of the nine.
"""

from __future__ import annotations

from collections.abc import Mapping

from training.blocks.multi_task import MultiTaskNet
from training.blocks.vgg import vgg

INPUT = (1, 48, 48)
DEPTHS = {13: (2, 2, 2, 2, 2), 16: (2, 2, 3, 3, 3), 19: (2, 2, 4, 4, 4)}
"""Layers -> convolutions of each block."""
SMALL = {"width": 8, "hidden": 32}


def build(
    classes: Mapping[str, int] | None = None,
    size: int = INPUT[1],
    channels: int = INPUT[0],
    dropout: float = 0.0,
    width: int = 64,
    hidden: int = 4096,
    batch_norm: bool = False,
    depth: int = 16,
) -> MultiTaskNet:
    """Return an untrained network.

    Args:
        classes: Task -> number of classes; all tasks of `engines.card.LABELS` unless given.
        size: Side of the input in pixels, at least 16.
        channels: 1 gray or 3 RGB, or more with Gabor responses.
        dropout: Probability after the fully connected layers (thesis: none; Simonyan and Zisserman: 0.5).
        width: Channels of the first block; the others have 2, 4, 8 and 8 times as many.
        hidden: Width of the fully connected layers.
        batch_norm: Normalise after every convolution and fully connected layer.
        depth: A key of `DEPTHS`.

    Raises:
        ValueError: The size is too small, or there is no such depth.
    """
    if depth not in DEPTHS:
        raise ValueError(f"depth: expected one of {', '.join(map(str, DEPTHS))}, found {depth!r}")
    return vgg(DEPTHS[depth], classes, size, channels, dropout, width, hidden, batch_norm)
