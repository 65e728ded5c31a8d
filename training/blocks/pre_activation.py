"""Residual blocks whose convolutions come after batch normalisation and ReLU, so that the short-cut stays untouched.

He et al.: Identity mappings in deep residual networks, ECCV 2016, figure 1b: y = W x + F(x), F = (normalisation, ReLU,
convolution) two or three times. Where the shape changes, W is a 1x1 convolution on the normalised, rectified x.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

from torch import Tensor, nn

EXPANSION = 4
"""Channels that a bottleneck puts out, in multiples of its base depth."""


class PreActivation(nn.Module):
    """shortcut(a) + layers(a), a = relu(normalised x); the short-cut is x itself where the shape stays.

    Attributes:
        channels: Channels that go out.
        activation: Normalisation and ReLU.
        shortcut: A 1x1 convolution where channels or places change, else None.
        layers: The other convolutions, with normalisation and ReLU between them.
    """

    def __init__(self, entry: int, last: int, stride: int, layers: list[nn.Module]) -> None:
        super().__init__()
        self.activation = nn.Sequential(*normalised(entry))
        self.channels = last
        changes = stride != 1 or entry != last
        self.shortcut = nn.Conv2d(entry, last, 1, stride, bias=False) if changes else None
        self.layers = nn.Sequential(*layers)

    def forward(self, features: Tensor) -> Tensor:
        """Return (N, last, h / stride, w / stride) for features (N, entry, h, w)."""
        active = self.activation(features)
        kept = features if self.shortcut is None else self.shortcut(active)
        summed: Tensor = kept + self.layers(active)
        return summed


def pre_activation_bottleneck(entry: int, base_depth: int, stride: int) -> PreActivation:
    """Return the block of 1x1, 3x3 (which has the stride) and 1x1 convolutions: (N, entry, h, w) -> (N, 4 * base_depth, ...).

    Stride 1 is the "identity block", stride 2 the "sub-sampling block" of Sang and Cuong 2018, figure 4.
    """
    last = base_depth * EXPANSION
    layers = [
        nn.Conv2d(entry, base_depth, 1, bias=False),
        *normalised(base_depth),
        nn.Conv2d(base_depth, base_depth, 3, stride, padding=1, bias=False),
        *normalised(base_depth),
        nn.Conv2d(base_depth, last, 1, bias=False),
    ]
    return PreActivation(entry, last, stride, layers)


def pre_activation_basic(entry: int, width: int, stride: int, dropout: float = 0.0) -> PreActivation:
    """Return the block of two 3x3 convolutions with dropout between them: (N, entry, h, w) -> (N, width, ...).

    Zagoruyko and Komodakis: Wide residual networks, BMVC 2016, figure 1d.
    """
    layers = [
        nn.Conv2d(entry, width, 3, stride, padding=1, bias=False),
        *normalised(width),
        nn.Dropout(dropout),
        nn.Conv2d(width, width, 3, padding=1, bias=False),
    ]
    return PreActivation(entry, width, stride, layers)


def pre_activation_stage(
    block: Callable[[int, int, int], PreActivation], entry: int, width: int, depth: int, stride: int
) -> tuple[nn.Sequential, int]:
    """Return blocks in a row, (N, entry, h, w) -> (N, channels, h / stride, w / stride), and the channels.

    Args:
        block: (channels that come in, width, stride) -> block.
        entry: Channels that come in.
        width: Of every block.
        depth: Number of blocks.
        stride: Of the first block.
    """
    first = block(entry, width, stride)
    following = [block(first.channels, width, 1) for _ in range(depth - 1)]
    return nn.Sequential(first, *following), first.channels


def pre_activation_bottlenecks(
    channels: int, base_depth: int, depths: Sequence[int], stem_stride: int
) -> tuple[list[nn.Module], int]:
    """Return the stem and the stages of a pre-activation ResNet of bottlenecks, and the channels of the last stage.

    Args:
        channels: Channels of the image.
        base_depth: Of the first stage, and channels of the stem; doubled in every stage.
        depths: Blocks of each stage.
        stem_stride: Stride of the stem, one 3x3 convolution; the first stage keeps the places, every other one
            halves their sides.
    """
    # The first block normalises what the stem gives.
    modules: list[nn.Module] = [nn.Conv2d(channels, base_depth, 3, stem_stride, padding=1, bias=False)]
    entry = base_depth
    for position, depth in enumerate(depths):
        stride = 2 if position else 1
        stage, entry = pre_activation_stage(pre_activation_bottleneck, entry, base_depth, depth, stride)
        modules.append(stage)
        base_depth *= 2
    return modules, entry


def normalised(channels: int) -> list[nn.Module]:
    """Return batch normalisation and ReLU."""
    return [nn.BatchNorm2d(channels), nn.ReLU(inplace=True)]


def normalised_mean(channels: int) -> list[nn.Module]:
    """Return the end of a pre-activation network: (N, channels, h, w) -> (N, channels), the mean over the places."""
    return [*normalised(channels), nn.AdaptiveAvgPool2d(1), nn.Flatten()]
