"""Residual blocks that end in a ReLU, and the networks of them.

He et al.: Deep residual learning for image recognition, CVPR 2016: y = relu(W x + F(x)) (equation 2), where W is
the identity, or a 1x1 convolution where the shape changes (option B).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

from torch import Tensor, nn
from torch.nn import functional

from training.blocks.convolution import convolution, he_initialise, require_size
from training.blocks.fully_connected import linear_branches
from training.blocks.multi_task import MultiTaskNet

EXPANSION = 4
"""Channels that a bottleneck puts out, in multiples of its width."""


class Residual(nn.Module):
    """relu(shortcut(x) + layers(x)), with batch normalisation after every convolution.

    Attributes:
        channels: Channels that go out.
        shortcut: Identity, or a 1x1 convolution where channels or places change.
        layers: F of equation 2.
    """

    def __init__(self, entry: int, last: int, stride: int, layers: Sequence[nn.Module]) -> None:
        super().__init__()
        self.channels = last
        changes = stride != 1 or entry != last
        self.shortcut = nn.Sequential(*convolution(entry, last, 1, stride)[:-1]) if changes else nn.Identity()
        self.layers = nn.Sequential(*layers)

    def forward(self, features: Tensor) -> Tensor:
        """Return (N, last, h / stride, w / stride) for features (N, entry, h, w)."""
        return functional.relu(self.shortcut(features) + self.layers(features))


def basic_block(entry: int, width: int, stride: int) -> Residual:
    """Return the block of two 3x3 convolutions (figure 5, left): (N, entry, h, w) -> (N, width, ...)."""
    layers = [*convolution(entry, width, stride=stride), *convolution(width, width)[:-1]]
    return Residual(entry, width, stride, layers)


def bottleneck(entry: int, width: int, stride: int) -> Residual:
    """Return the block of 1x1, 3x3 and 1x1 convolutions (figure 5, right): (N, entry, h, w) -> (N, 4 * width, ...).

    The 3x3 convolution has the stride, not the first 1x1, which would leave three of four places unread.
    """
    last = width * EXPANSION
    layers = [
        *convolution(entry, width, 1),
        *convolution(width, width, stride=stride),
        *convolution(width, last, 1)[:-1],
    ]
    return Residual(entry, last, stride, layers)


def residual_network(
    block: Callable[[int, int, int], Residual],
    depths: Sequence[int],
    classes: Mapping[str, int] | None,
    size: int,
    channels: int,
    dropout: float,
    width: int,
    stem_stride: int,
) -> MultiTaskNet:
    """Return a residual network for small pictures; all of it is shared but one linear layer a task.

    The stem is a 3x3 convolution; the paper's, for 224 pixels, is 7x7 of stride 2 and 3x3 max pooling of stride 2. From
    the second stage on, a stage is twice as wide as the one before and has half its sides.

    Raises:
        ValueError: The size is too small.
    """
    require_size(size)
    stages: list[nn.Module] = [nn.Sequential(*convolution(channels, width, stride=stem_stride))]
    entry = width
    for position, depth in enumerate(depths):
        first = block(entry, width, 2 if position else 1)
        entry = first.channels
        stages.append(nn.Sequential(first, *(block(entry, width, 1) for _ in range(depth - 1))))
        width *= 2
    net = MultiTaskNet(
        nn.Sequential(*stages, nn.AdaptiveAvgPool2d(1), nn.Flatten()),
        linear_branches(classes, entry, dropout),
    )
    he_initialise(net)
    return net
