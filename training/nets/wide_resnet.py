"""Wide ResNet 28-4.

Zagoruyko and Komodakis: Wide residual networks, BMVC 2016, table 1 and figure 1d; the best single network of Kyritsis
(Deep models and transfer learning for facial emotion recognition, EPFL master thesis, section 7.9), with dropout of 0.3.

Image (N, C, 48, 48); a 3x3 convolution, (N, 16, 48, 48); three groups of four pre-activation blocks with dropout between
their two 3x3 convolutions: (N, 64, 48, 48), (N, 128, 24, 24), (N, 256, 12, 12); batch normalisation, ReLU and the mean
over the places: (N, 256). A task's branch is one linear layer.

The stem is the paper's, made for 32 pixels; with `stem_stride=2` the network costs a quarter.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial

from torch import nn

from training.blocks.convolution import he_initialise, require_size
from training.blocks.fully_connected import linear_branches
from training.blocks.multi_task import MultiTaskNet
from training.blocks.pre_activation import normalised_mean, pre_activation_basic, pre_activation_stage

INPUT = (1, 48, 48)
STEM = 16
GROUPS = 3
SMALL = {"depth": 10, "widen": 1, "stem_stride": 2}


def build(
    classes: Mapping[str, int] | None = None,
    size: int = INPUT[1],
    channels: int = INPUT[0],
    dropout: float = 0.3,
    depth: int = 28,
    widen: int = 4,
    stem_stride: int = 1,
) -> MultiTaskNet:
    """Return an untrained network.

    Args:
        classes: Task -> number of classes; all tasks of `engines.card.LABELS` unless given.
        size: Side of the input in pixels, at least 16.
        channels: 1 gray or 3 RGB.
        dropout: Probability between the two convolutions of a block.
        depth: Number of convolutions on the longest way, 6 n + 4 for n blocks a group.
        widen: The paper's k; the groups have 16 k, 32 k and 64 k channels.
        stem_stride: Stride of the stem.

    Raises:
        ValueError: The size is too small, or no whole number of blocks gives the depth.
    """
    require_size(size)
    blocks, left = divmod(depth - 4, 2 * GROUPS)
    if left or blocks < 1:
        raise ValueError(f"depth: expected 6 n + 4 such as 16, 28 or 40, found {depth}")
    modules: list[nn.Module] = [nn.Conv2d(channels, STEM, 3, stem_stride, padding=1, bias=False)]
    block = partial(pre_activation_basic, dropout=dropout)
    entry = STEM
    for group in range(GROUPS):
        width = STEM * widen * 2**group
        stage, entry = pre_activation_stage(block, entry, width, blocks, stride=2 if group else 1)
        modules.append(stage)
    net = MultiTaskNet(
        nn.Sequential(*modules, *normalised_mean(entry)), linear_branches(classes, entry, dropout=0.0)
    )
    he_initialise(net)
    return net
