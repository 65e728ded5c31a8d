"""GoogLeNet for small pictures.

Szegedy et al.: Going deeper with convolutions, CVPR 2015, table 1; one of the networks that Kyritsis (Deep models and
transfer learning for facial emotion recognition, EPFL master thesis, section 7) trains from scratch on FER+.

Image (N, C, 48, 48); a 3x3 convolution of stride 2, (N, 64, 24, 24); 1x1 and 3x3 convolutions, (N, 192, 24, 24); 3x3 max
pooling of stride 2; inception 3a and 3b, (N, 480, 12, 12); pooling; 4a to 4e, (N, 832, 6, 6); pooling; 5a and 5b,
(N, 1024, 3, 3); the mean over the places, (N, 1024). A task's branch is dropout of 0.4 and one linear layer.

We differ: the paper's stem, for 224 pixels, is a 7x7 convolution of stride 2 and 3x3 max pooling of stride 2. Batch
normalisation follows every convolution (Ioffe and Szegedy: Batch normalization, ICML 2015), and so the two auxiliary
classifiers, there to carry gradients to the first layers, are left out: without both, this depth hardly learns from
scratch (35.64% in the thesis). There is no local response normalisation.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from torch import nn

from training.blocks.convolution import convolution, he_initialise, require_size
from training.blocks.fully_connected import linear_branches
from training.blocks.inception import Inception
from training.blocks.multi_task import MultiTaskNet

INPUT = (1, 48, 48)
STEM = (64, 64, 192)
STAGES = (
    ((64, 96, 128, 16, 32, 32), (128, 128, 192, 32, 96, 64)),
    (
        (192, 96, 208, 16, 48, 64),
        (160, 112, 224, 24, 64, 64),
        (128, 128, 256, 24, 64, 64),
        (112, 144, 288, 32, 64, 64),
        (256, 160, 320, 32, 128, 128),
    ),
    ((256, 160, 320, 32, 128, 128), (384, 192, 384, 48, 128, 128)),
)
"""Modules 3a to 5b, as `blocks.inception.Inception` takes them, a stage each between two poolings."""
SMALL = {"width": 1 / 16, "stages": tuple(stage[:1] for stage in STAGES)}


def build(
    classes: Mapping[str, int] | None = None,
    size: int = INPUT[1],
    channels: int = INPUT[0],
    dropout: float = 0.4,
    width: float = 1.0,
    stages: Sequence[Sequence[Sequence[int]]] = STAGES,
    stem_stride: int = 2,
) -> MultiTaskNet:
    """Return an untrained network.

    Args:
        classes: Task -> number of classes; all tasks of `engines.card.LABELS` unless given.
        size: Side of the input in pixels, at least 16.
        channels: 1 gray or 3 RGB.
        dropout: Probability before the branches' linear layers.
        width: Channels of every convolution, relative to the paper's.
        stages: The paper's widths of every inception module, in stages between two poolings.
        stem_stride: Stride of the first convolution; 1 keeps every pixel, at four times the cost.

    Raises:
        ValueError: The size is too small.
    """
    require_size(size)
    first, narrow, entry = (round(count * width) for count in STEM)
    modules: list[nn.Module] = [
        nn.Sequential(
            *convolution(channels, first, stride=stem_stride),
            *convolution(first, narrow, 1),
            *convolution(narrow, entry),
        )
    ]
    for stage in stages:
        modules.append(nn.MaxPool2d(3, stride=2, padding=1))
        for widths in stage:
            module = Inception(entry, [round(count * width) for count in widths])
            modules.append(module)
            entry = module.channels
    trunk = nn.Sequential(*modules, nn.AdaptiveAvgPool2d(1), nn.Flatten())
    net = MultiTaskNet(trunk, linear_branches(classes, entry, dropout))
    he_initialise(net)
    return net
