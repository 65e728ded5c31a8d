"""Multi-task MobileFaceNet: a network made to tell people apart, read by a branch a task.

Chen, Liu, Gao and Han: MobileFaceNets: efficient CNNs for accurate real-time face verification on mobile devices, 2018,
section 3 and table 1, in the widths of MobileFaceNet_TF: input (N, C, S, S) -> stem: 3x3 of stride 2 to 64 channels, 3x3
depthwise, 1x1 -> fifteen inverted bottlenecks (Sandler et al. 2018: 1x1 out, 3x3 depthwise, 1x1 back, added to the input where
sizes agree), three of stride 2, to (N, 128, S / 16, S / 16) -> 1x1 to 512 channels. Activations are PReLU.

We differ: in place of the 7x7 depthwise convolution, which fixes the input at 112 pixels, stand mean and maximum over the
places, (N, 1024), with batch normalisation; each task has one linear layer on them. Padding is symmetric, inside the
convolutions, which run-times fuse. Weights that tell people apart have their normalisation folded in
(`training.trained.pretrained`), so the convolutions have a bias and no normalisation of their own.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import torch
from torch import Tensor, nn

from training.blocks.convolution import he_initialise, require_size
from training.blocks.multi_task import MultiTaskNet, task_classes

INPUT = (1, 80, 80)
STEM = 64
PLAN = (
    (64, 128, 64, 2),
    *[(64, 128, 64, 1)] * 4,
    (64, 256, 128, 2),
    *[(128, 256, 128, 1)] * 6,
    (128, 512, 128, 2),
    *[(128, 256, 128, 1)] * 2,
)
"""Channels in, in the middle and out, and the stride, of each bottleneck."""
LAST = 512


def build(
    classes: Mapping[str, int] | None = None,
    size: int = INPUT[1],
    channels: int = INPUT[0],
    dropout: float = 0.2,
    stem: int = STEM,
    plan: Sequence[Sequence[int]] = PLAN,
    last: int = LAST,
) -> MultiTaskNet:
    """Return an untrained network.

    Args:
        classes: Task -> number of classes; all tasks of `engines.card.LABELS` unless given.
        size: Side of the input in pixels.
        channels: 1 gray or 3 RGB.
        dropout: Probability before the last layers.
        stem: Channels of the first layers.
        plan: See `PLAN`; a shorter one makes a quick network of the kind.
        last: Channels that are pooled.

    Raises:
        ValueError: The size is under 16 pixels.
    """
    require_size(size)
    trunk = MobileFaceTrunk(channels, stem, plan, last)
    branches = {
        task: nn.Sequential(nn.Dropout(dropout), nn.Linear(2 * last, count))
        for task, count in task_classes(classes).items()
    }
    net = MultiTaskNet(trunk, branches)
    he_initialise(net)
    for branch in branches.values():
        nn.init.normal_(branch[1].weight, std=0.01)
    return net


class MobileFaceTrunk(nn.Module):
    """Image (N, C, S, S) -> features (N, 2 * last).

    Attributes:
        stem: First layers, to half the side.
        blocks: Bottlenecks.
        conv7: Last 1x1 convolution, named as in the paper's code.
        norm: Batch normalisation of the pooled features.
    """

    def __init__(self, channels: int, stem: int, plan: Sequence[Sequence[int]], last: int) -> None:
        super().__init__()
        self.stem = nn.Sequential(
            unit(channels, stem, stride=2), unit(stem, stem, groups=stem), unit(stem, stem, 1, active=False)
        )
        self.blocks = nn.Sequential(*(Bottleneck(*row) for row in plan))
        self.conv7 = unit(plan[-1][2], last, 1)
        self.norm = nn.BatchNorm1d(2 * last)

    def forward(self, image: Tensor) -> Tensor:
        """Return the pooled features."""
        places = self.conv7(self.blocks(self.stem(image))).flatten(2)
        features: Tensor = self.norm(torch.cat([places.mean(dim=2), places.amax(dim=2)], dim=1))
        return features

    def stages(self) -> list[nn.Module]:
        """Return the parts that can be frozen from the front: the stem, then every bottleneck, then the last convolution."""
        return [self.stem, *self.blocks, self.conv7]


class Bottleneck(nn.Module):
    """Inverted bottleneck: (N, entry, h, w) -> (N, width, h / stride, w / stride)."""

    def __init__(self, entry: int, middle: int, width: int, stride: int) -> None:
        super().__init__()
        self.m = nn.Sequential(
            unit(entry, middle, 1),
            unit(middle, middle, stride=stride, groups=middle),
            unit(middle, width, 1, active=False),
        )
        self.adds = stride == 1 and entry == width

    def forward(self, entry: Tensor) -> Tensor:
        """Return the bottleneck's answer, added to its input where the shapes agree."""
        found: Tensor = self.m(entry)
        return entry + found if self.adds else found


def unit(
    entry: int, width: int, kernel: int = 3, stride: int = 1, groups: int = 1, active: bool = True
) -> nn.Sequential:
    """Return a convolution with a bias, and PReLU with a slope a channel where it is active."""
    layers = nn.Sequential()
    layers.add_module("conv", nn.Conv2d(entry, width, kernel, stride, kernel // 2, groups=groups))
    if active:
        layers.add_module("act", nn.PReLU(width))
    return layers
