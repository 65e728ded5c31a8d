"""Multi-task ResNet v1: a pre-activation ResNet-50 that all tasks share, with fully connected branches.

Sang and Cuong: Effective deep multi-source multi-task learning frameworks for smile detection, emotion recognition
and gender classification, Informatica 42, 2018, section 3.3 and figures 4 and 5a; the blocks are those of He et al.:
Identity mappings in deep residual networks, ECCV 2016.

Image (N, C, 48, 48); the stem (N, 64, 24, 24); four stages of bottlenecks with base depths 64, 128, 256 and 512 and 3, 4,
6 and 3 blocks: (N, 256, 24, 24), (N, 512, 12, 12), (N, 1024, 6, 6), (N, 2048, 3, 3); batch normalisation, ReLU and the
mean over the places: (N, 2048). The first stage keeps the places, every other one begins with a sub-sampling block whose
3x3 convolution has stride 2. Per task, as in BKNet, two fully connected layers of 256 units with batch normalisation,
ReLU and dropout, then one of as many units as the task has classes.

We differ: there is a branch for age. The paper does not give the stem nor what joins the last stage and the branches:
ours is one 3x3 convolution of stride 2 (ResNet's own, 7x7 of stride 2 and pooling of stride 2, would leave 2x2 places of
48 pixels at the end), and ResNet's mean over the places.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from torch import nn

from training.blocks.convolution import he_initialise, require_size
from training.blocks.fully_connected import fully_connected_branches
from training.blocks.multi_task import MultiTaskNet
from training.blocks.pre_activation import normalised_mean, pre_activation_bottlenecks

INPUT = (1, 48, 48)
DEPTHS = (3, 4, 6, 3)
SMALL = {"width": 4, "depths": (1, 2, 1, 1), "hidden": (16, 16)}


def build(
    classes: Mapping[str, int] | None = None,
    size: int = INPUT[1],
    channels: int = INPUT[0],
    dropout: float = 0.5,
    width: int = 64,
    hidden: Sequence[int] = (256, 256),
    depths: Sequence[int] = DEPTHS,
    stem_stride: int = 2,
) -> MultiTaskNet:
    """Return an untrained network.

    Args:
        classes: Task -> number of classes; all tasks of `engines.card.LABELS` unless given.
        size: Side of the input in pixels, at least 16.
        channels: 1 gray or 3 RGB.
        dropout: Probability in the branches.
        width: Channels of the stem and base depth of the first stage.
        hidden: Widths of the branches' fully connected layers.
        depths: Blocks of each stage.
        stem_stride: Stride of the stem; 1 keeps every pixel, at four times the cost.

    Raises:
        ValueError: The size is too small.
    """
    require_size(size)
    stages, features = pre_activation_bottlenecks(channels, width, depths, stem_stride)
    trunk = nn.Sequential(*stages, *normalised_mean(features))
    net = MultiTaskNet(trunk, fully_connected_branches(classes, features, hidden, dropout))
    he_initialise(net)
    return net
