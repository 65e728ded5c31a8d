"""ResNet-101 for small pictures.

He et al.: Deep residual learning for image recognition, CVPR 2016, table 1; the deepest age network of Hosseini and Cho:
GF-CapsNet, 2019 (tables 4.1 to 4.4 of the thesis), there also with Gabor responses (GF-ResNet-101).

Image (N, C, 48, 48); the stem (N, 64, 24, 24); four stages of 3, 4, 23 and 3 bottlenecks: (N, 256, 24, 24),
(N, 512, 12, 12), (N, 1024, 6, 6), (N, 2048, 3, 3); the mean over the places: (N, 2048). A task's branch is one linear layer.

We differ in the stem, as `resnet50` does and says. With eight age groups it has 42.5 million numbers; the thesis writes 46.0.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from training.blocks.multi_task import MultiTaskNet
from training.blocks.residual import bottleneck, residual_network

INPUT = (1, 48, 48)
DEPTHS = (3, 4, 23, 3)
SMALL = {"width": 4, "depths": (1, 1, 2, 1)}


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
        channels: 1 gray, 3 RGB, or more with Gabor responses.
        dropout: Probability before the branches' linear layers (paper: none).
        width: Channels of the stem and of the first bottlenecks, which put out four times as many; doubled in every stage.
        depths: Blocks of each stage.
        stem_stride: Stride of the stem; 1 keeps every pixel, at four times the cost.

    Raises:
        ValueError: The size is too small.
    """
    return residual_network(bottleneck, depths, classes, size, channels, dropout, width, stem_stride)
