"""DenseNet-121 for small pictures.

Huang et al.: Densely connected convolutional networks, CVPR 2017, table 1 (DenseNet-BC with compression 0.5); Kyritsis
(Deep models and transfer learning for facial emotion recognition, EPFL master thesis, section 7.8) names it but could
not train it.

Image (N, C, 48, 48); a 3x3 convolution of stride 2 to twice the growth, (N, 64, 24, 24); four dense blocks of 6, 12, 24
and 16 layers that append 32 channels each: (N, 256, 24, 24), (N, 512, 12, 12), (N, 1024, 6, 6), (N, 1024, 3, 3); between
them a 1x1 convolution to half the channels and 2x2 average pooling; batch normalisation, ReLU and the mean over the
places: (N, 1024). A task's branch is one linear layer.

We differ: the paper's stem, for 224 pixels, is a 7x7 convolution of stride 2, batch normalisation, ReLU and 3x3 max
pooling of stride 2; ours has no normalisation since the first dense layer begins with one.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from torch import nn

from training.blocks.convolution import he_initialise, require_size
from training.blocks.dense import dense_block, transition
from training.blocks.fully_connected import linear_branches
from training.blocks.multi_task import MultiTaskNet
from training.blocks.pre_activation import normalised_mean

INPUT = (1, 48, 48)
DEPTHS = (6, 12, 24, 16)
SMALL = {"growth": 4, "depths": (2, 2, 2, 2)}


def build(
    classes: Mapping[str, int] | None = None,
    size: int = INPUT[1],
    channels: int = INPUT[0],
    dropout: float = 0.0,
    growth: int = 32,
    depths: Sequence[int] = DEPTHS,
    stem_stride: int = 2,
) -> MultiTaskNet:
    """Return an untrained network.

    Args:
        classes: Task -> number of classes; all tasks of `engines.card.LABELS` unless given.
        size: Side of the input in pixels, at least 16.
        channels: 1 gray or 3 RGB.
        dropout: Probability after every layer's 3x3 convolution (paper: 0 where the pictures are augmented, else 0.2).
        growth: Channels that every layer appends.
        depths: Layers of each dense block.
        stem_stride: Stride of the stem; 1 keeps every pixel, at four times the cost.

    Raises:
        ValueError: The size is too small.
    """
    require_size(size)
    entry = 2 * growth
    modules: list[nn.Module] = [nn.Conv2d(channels, entry, 3, stem_stride, padding=1, bias=False)]
    for position, depth in enumerate(depths):
        if position:
            modules.append(transition(entry))
            entry //= 2
        modules.append(dense_block(entry, growth, depth, dropout))
        entry += depth * growth
    trunk = nn.Sequential(*modules, *normalised_mean(entry))
    net = MultiTaskNet(trunk, linear_branches(classes, entry, dropout=0.0))
    he_initialise(net)
    return net
