"""ResNet-18 for small pictures.

He et al.: Deep residual learning for image recognition, CVPR 2016, table 1; one of the networks that Kyritsis (Deep models
and transfer learning for facial emotion recognition, EPFL master thesis, section 7.5) trains from scratch on FER+.

Image (N, C, 48, 48); the stem (N, 64, 24, 24); four stages of two blocks of two 3x3 convolutions: (N, 64, 24, 24),
(N, 128, 12, 12), (N, 256, 6, 6), (N, 512, 3, 3); the mean over the places: (N, 512). A task's branch is one linear layer.

We differ in the stem: one 3x3 convolution of stride 2. The paper's, 7x7 of stride 2 and 3x3 max pooling of stride 2, is
made for 224 pixels and would leave 2x2 places of 48 at the end.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from training.blocks.multi_task import MultiTaskNet
from training.blocks.residual import basic_block, residual_network

INPUT = (1, 48, 48)
DEPTHS = (2, 2, 2, 2)
SMALL = {"width": 8, "depths": (1, 2, 1, 1)}


def build(
    classes: Mapping[str, int] | None = None,
    size: int = INPUT[1],
    channels: int = INPUT[0],
    dropout: float = 0.0,
    width: int = 64,
    depths: Sequence[int] = DEPTHS,
    stem_stride: int = 2,
) -> MultiTaskNet:
    """Return an untrained network.

    Args:
        classes: Task -> number of classes; all tasks of `engines.card.LABELS` unless given.
        size: Side of the input in pixels, at least 16.
        channels: 1 gray or 3 RGB.
        dropout: Probability before the branches' linear layers (paper: none).
        width: Channels of the stem and the first stage; the others have 2, 4 and 8 times as many.
        depths: Blocks of each stage.
        stem_stride: Stride of the stem; 1 keeps every pixel, at four times the cost.

    Raises:
        ValueError: The size is too small.
    """
    return residual_network(basic_block, depths, classes, size, channels, dropout, width, stem_stride)
