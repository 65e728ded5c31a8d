"""The inception module: four views of the same features, side by side.

Szegedy et al.: Going deeper with convolutions, CVPR 2015, figure 2b.
"""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor, nn

from training.blocks.convolution import convolution


class Inception(nn.Module):
    """1x1, 3x3 and 5x5 convolutions and max pooling, concatenated; 1x1 convolutions make the dear ones cheap.

    Args:
        entry: Channels that come in.
        widths: Columns "#1x1", "#3x3 reduce", "#3x3", "#5x5 reduce", "#5x5" and "pool proj" of the paper's table 1.

    Attributes:
        channels: Channels that go out.
    """

    def __init__(self, entry: int, widths: Sequence[int]) -> None:
        super().__init__()
        point, narrow_3, wide_3, narrow_5, wide_5, pooled = widths
        self.views = nn.ModuleList(
            [
                nn.Sequential(*convolution(entry, point, 1)),
                nn.Sequential(*convolution(entry, narrow_3, 1), *convolution(narrow_3, wide_3)),
                nn.Sequential(*convolution(entry, narrow_5, 1), *convolution(narrow_5, wide_5, kernel=5)),
                nn.Sequential(nn.MaxPool2d(3, stride=1, padding=1), *convolution(entry, pooled, 1)),
            ]
        )
        self.channels = point + wide_3 + wide_5 + pooled

    def forward(self, features: Tensor) -> Tensor:
        """Return (N, channels, h, w) for features (N, entry, h, w)."""
        return torch.cat([view(features) for view in self.views], dim=1)
