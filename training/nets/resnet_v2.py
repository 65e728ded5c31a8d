"""Multi-task ResNet v2: three shared stages of a pre-activation ResNet-50, and a fourth of its own for every task.

Sang and Cuong: Effective deep multi-source multi-task learning frameworks for smile detection, emotion recognition
and gender classification, Informatica 42, 2018, section 3.3 and figures 4 and 5b.

Shared: image (N, C, 48, 48) -> (N, 1024, 6, 6), as in `resnet_v1`. Per task: the stage of base depth 512, one sub-sampling
and two identity blocks: (N, 2048, 3, 3); batch normalisation, ReLU and the mean over the places: (N, 2048); one linear
layer. The shared features are not yet normalised: every branch begins with that.

We differ: there is a branch for age; the stem is that of `resnet_v1`, since the paper gives none.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from torch import nn

from training.blocks.convolution import he_initialise, require_size
from training.blocks.multi_task import MultiTaskNet, task_classes
from training.blocks.pre_activation import (
    normalised_mean,
    pre_activation_bottleneck,
    pre_activation_bottlenecks,
    pre_activation_stage,
)

INPUT = (1, 48, 48)
DEPTHS = (3, 4, 6, 3)
SMALL = {"width": 4, "depths": (1, 2, 1, 1)}


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
        width: Channels of the stem and base depth of the first stage.
        depths: Blocks of each shared stage, and of the branches'.
        stem_stride: Stride of the stem; 1 keeps every pixel, at four times the cost.

    Raises:
        ValueError: The size is too small.
    """
    require_size(size)
    *shared, own = depths
    stages, features = pre_activation_bottlenecks(channels, width, shared, stem_stride)
    base_depth = width * 2 ** len(shared)
    branches = {
        task: _branch(features, base_depth, own, dropout, count)
        for task, count in task_classes(classes).items()
    }
    net = MultiTaskNet(nn.Sequential(*stages), branches)
    he_initialise(net)
    return net


def _branch(entry: int, base_depth: int, depth: int, dropout: float, classes: int) -> nn.Sequential:
    stage, last = pre_activation_stage(pre_activation_bottleneck, entry, base_depth, depth, stride=2)
    return nn.Sequential(stage, *normalised_mean(last), nn.Dropout(dropout), nn.Linear(last, classes))
