"""VGG-f for small pictures: the fast network of five convolutions.

Chatfield et al.: Return of the devil in the details: delving deep into convolutional nets, BMVC 2014, table 1, CNN-F; one
of the three networks of Georgescu et al. (Teacher-student training and triplet loss to reduce the effect of drastic
face occlusion, 2021).

Image (N, C, 48, 48); a convolution of 64 channels with local response normalisation and pooling, (N, 64, 24, 24); 5x5 to 256
channels with the same, (N, 256, 12, 12); three of 3x3, (N, 256, 12, 12); pooling, (N, 256, 6, 6); two fully connected layers,
(N, 4096). ReLU after each. All of that is shared; a task's branch is one linear layer.

We differ at the entrance, which is made for 224 pixels: there, 11x11 places with a stride of 4 see a twentieth of the side;
3x3 with a stride of 1 see as much of 48 pixels. From the first pooling on the maps are as large as the paper's (24, 12 and 6
where it has 27, 13 and 6), and so the first fully connected layer has the very same weights. Poolings are 2x2 instead of
3x3 of stride 2, because the sides are even here.
"""

from __future__ import annotations

from collections.abc import Mapping

from torch import nn

from training.blocks.convolution import he_initialise, require_size
from training.blocks.fully_connected import fully_connected, linear_branches
from training.blocks.multi_task import MultiTaskNet

INPUT = (1, 48, 48)
LAYERS = ((1, 3), (4, 5), (4, 3), (4, 3), (4, 3))
"""Width, in the first layer's, and kernel of each convolution."""
POOLED = (0, 1, 4)
"""Convolutions that are followed by pooling; the first two are normalised too."""
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
        width: Channels of the first convolution; the others have four times as many.
        hidden: Width of the fully connected layers, which is that of the embedding.
        batch_norm: Normalise after every layer in place of the local response normalisation.

    Raises:
        ValueError: The size is too small.
    """
    require_size(size)
    modules: list[nn.Module] = []
    entry = channels
    for position, (times, kernel) in enumerate(LAYERS):
        modules.append(_layer(entry, times * width, kernel, position, batch_norm))
        entry = times * width
        size = (size + 1) // 2 if position in POOLED else size
    shared = fully_connected(entry * size**2, (hidden, hidden), dropout, batch_norm)
    net = MultiTaskNet(
        nn.Sequential(*modules, nn.Flatten(), *shared), linear_branches(classes, hidden, dropout=0.0)
    )
    he_initialise(net)
    return net


def _layer(entry: int, width: int, kernel: int, position: int, batch_norm: bool) -> nn.Sequential:
    layers: list[nn.Module] = [nn.Conv2d(entry, width, kernel, padding=kernel // 2, bias=not batch_norm)]
    if batch_norm:
        layers.append(nn.BatchNorm2d(width))
    layers.append(nn.ReLU(inplace=True))
    if not batch_norm and position < 2:
        # The published model's numbers; torch divides alpha by the five channels, MatConvNet does not.
        layers.append(nn.LocalResponseNorm(5, alpha=5e-4, beta=0.75, k=2.0))
    if position in POOLED:
        layers.append(nn.MaxPool2d(2, ceil_mode=True))
    return nn.Sequential(*layers)
