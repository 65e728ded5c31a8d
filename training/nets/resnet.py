"""ResNet-18, ResNet-34, ResNet-50 and ResNet-101 for small pictures.

He et al.: Deep residual learning for image recognition, CVPR 2016, table 1; networks that Kyritsis (Deep models and transfer
learning for facial emotion recognition, EPFL master thesis, sections 7.5 to 7.7) trains from scratch on FER+, and the deepest
age network of Hosseini and Cho: GF-CapsNet, 2019 (tables 4.1 to 4.4 of the thesis), there also with Gabor responses.

Image (N, C, 48, 48); the stem (N, 64, 24, 24); four stages of blocks of two 3x3 convolutions: (N, 64, 24, 24),
(N, 128, 12, 12), (N, 256, 6, 6), (N, 512, 3, 3), or from 50 layers on of bottlenecks, with four times the channels; the mean
over the places: (N, 512) or (N, 2048). A task's branch is one linear layer.

We differ in the stem: one 3x3 convolution of stride 2. The paper's, 7x7 of stride 2 and 3x3 max pooling of stride 2, is
made for 224 pixels and would leave 2x2 places of 48 at the end. The bottlenecks' stride is in their 3x3 convolution, not
in the first 1x1, which would leave three of four places unread. With eight age groups ResNet-101 has 42.5 million numbers;
the thesis writes 46.0.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from training.blocks.multi_task import MultiTaskNet
from training.blocks.residual import basic_block, bottleneck, residual_network

INPUT = (1, 48, 48)
DEPTHS = {18: (2, 2, 2, 2), 34: (3, 4, 6, 3), 50: (3, 4, 6, 3), 101: (3, 4, 23, 3)}
"""Layers -> blocks of each stage."""
SMALL = {"width": 8, "depths": (1, 2, 1, 1)}

_FIRST_WITH_BOTTLENECKS = 50


def build(
    classes: Mapping[str, int] | None = None,
    size: int = INPUT[1],
    channels: int = INPUT[0],
    dropout: float = 0.0,
    width: int = 64,
    depths: Sequence[int] | None = None,
    stem_stride: int = 2,
    depth: int = 18,
) -> MultiTaskNet:
    """Return an untrained network.

    Args:
        classes: Task -> number of classes; all tasks of `engines.card.LABELS` unless given.
        size: Side of the input in pixels, at least 16.
        channels: 1 gray or 3 RGB, or more with Gabor responses.
        dropout: Probability before the branches' linear layers (paper: none).
        width: Channels of the stem and of the first stage, before the bottlenecks' four times; doubled in every stage.
        depths: Blocks of each stage; None takes those of the depth.
        stem_stride: Stride of the stem; 1 keeps every pixel, at four times the cost.
        depth: A key of `DEPTHS`.

    Raises:
        ValueError: The size is too small, or there is no such depth.
    """
    if depth not in DEPTHS:
        raise ValueError(f"depth: expected one of {', '.join(map(str, DEPTHS))}, found {depth!r}")
    block = bottleneck if depth >= _FIRST_WITH_BOTTLENECKS else basic_block
    return residual_network(
        block, depths or DEPTHS[depth], classes, size, channels, dropout, width, stem_stride
    )
