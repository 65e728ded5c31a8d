"""VGG-face for small pictures: the sixteen-layer VGG with the two wide layers that made it known on faces.

Parkhi, Vedaldi, Zisserman: Deep face recognition, BMVC 2015, table 3 (network A: VGG-16 of Simonyan and Zisserman, ICLR 2015,
with dropout of 0.5 after both fully connected layers); one of three networks (Georgescu et al.: Teacher-student
training and triplet loss to reduce the effect of drastic face occlusion, 2021).

Image (N, C, 48, 48); five blocks of 2, 2, 3, 3 and 3 convolutions of 3x3 with ReLU, and 2x2 max pooling: (N, 64, 24, 24),
(N, 128, 12, 12), (N, 256, 6, 6), (N, 512, 3, 3), (N, 512, 2, 2); two fully connected layers with ReLU and dropout: (N, 4096),
the embedding. All of that is shared; a task's branch is one linear layer.

We differ: there are no weights of the 2.6 million faces it was trained on, so it starts from He's random ones; at 48 pixels
the fifth pooling leaves 2x2 places where 224 pixels leave 7x7.
"""

from __future__ import annotations

from collections.abc import Mapping

from training.blocks.multi_task import MultiTaskNet
from training.blocks.vgg import vgg

INPUT = (1, 48, 48)
DEPTHS = (2, 2, 3, 3, 3)
SMALL = {"width": 8, "hidden": 32}


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
        channels: 1 gray or 3 RGB.
        dropout: Probability after the fully connected layers.
        width: Channels of the first block; the others have 2, 4, 8 and 8 times as many.
        hidden: Width of the fully connected layers, which is that of the embedding.
        batch_norm: Normalise after every convolution and fully connected layer; without, this depth hardly learns from
            random weights.

    Raises:
        ValueError: The size is too small.
    """
    return vgg(DEPTHS, classes, size, channels, dropout, width, hidden, batch_norm)
