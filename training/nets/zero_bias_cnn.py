"""Zero-bias CNN with quadrant pooling.

Khorrami, Paine, Huang: Do deep neural networks learn facial action units when doing expression recognition?, ICCV
workshops 2015, section 3; the CK+ network of Hosseini and Cho: GF-CapsNet, 2019 (figure 2.8 of the thesis). "+AD" is training
with augmentation and dropout, which the recipe and `dropout` give.

Image (N, C, 48, 48); three convolutions of 5x5 without bias, with ReLU: 64 channels and 2x2 max pooling, (N, 64, 24, 24);
128 and the same, (N, 128, 12, 12); 256 and the maximum of each quadrant, (N, 256, 2, 2); a fully connected layer of 300 with
ReLU and dropout of 0.5, (N, 300). All of that is shared; a task's branch is one linear layer.

We differ: the published network reads 96 pixels (`size=96` builds it); quadrant pooling makes the fully connected layer the
same for both.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from torch import nn

from training.blocks.convolution import he_initialise, require_size
from training.blocks.fully_connected import fully_connected, linear_branches
from training.blocks.multi_task import MultiTaskNet

INPUT = (1, 48, 48)
WIDTHS = (64, 128, 256)
QUADRANTS = 4
SMALL = {"widths": (8, 12, 16), "hidden": 32}


def build(
    classes: Mapping[str, int] | None = None,
    size: int = INPUT[1],
    channels: int = INPUT[0],
    dropout: float = 0.5,
    widths: Sequence[int] = WIDTHS,
    hidden: int = 300,
    batch_norm: bool = False,
) -> MultiTaskNet:
    """Return an untrained network.

    Args:
        classes: Task -> number of classes; all tasks of `engines.card.LABELS` unless given.
        size: Side of the input in pixels, at least 16.
        channels: 1 gray, 3 RGB, or more with Gabor responses.
        dropout: Probability after the fully connected layer.
        widths: Channels of the three convolutions.
        hidden: Width of the fully connected layer.
        batch_norm: Normalise after every layer; its shift is a bias, so the network is then no zero-bias one.

    Raises:
        ValueError: The size is too small.
    """
    require_size(size)
    modules: list[nn.Module] = []
    entry, side = channels, size
    for position, width in enumerate(widths):
        modules.append(nn.Conv2d(entry, width, 5, padding=2, bias=False))
        modules += [nn.BatchNorm2d(width)] if batch_norm else []
        modules.append(nn.ReLU(inplace=True))
        if position < len(widths) - 1:
            modules.append(nn.MaxPool2d(2, ceil_mode=True))
            side = (side + 1) // 2
        entry = width
    shared = fully_connected(QUADRANTS * entry, (hidden,), dropout, batch_norm)
    trunk = nn.Sequential(*modules, quadrant_pooling(side), nn.Flatten(), *shared)
    net = MultiTaskNet(trunk, linear_branches(classes, hidden, dropout=0.0))
    he_initialise(net)
    return net


def quadrant_pooling(side: int) -> nn.MaxPool2d:
    """Return the maximum of each quadrant, of odd sides with the middle in both: (N, C, side, side) -> (N, C, 2, 2)."""
    return nn.MaxPool2d((side + 1) // 2, stride=side // 2)
