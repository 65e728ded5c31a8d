"""Layers that each read all features made before them.

Huang et al.: Densely connected convolutional networks, CVPR 2017: x_l = H_l([x_0, ..., x_(l-1)]) (equation 2).
"""

from __future__ import annotations

import torch
from torch import Tensor, nn

from training.blocks.pre_activation import normalised

BOTTLENECK = 4
"""Channels of a layer's 1x1 convolution, in multiples of the growth (DenseNet-B)."""


class DenseLayer(nn.Module):
    """Normalisation, ReLU, 1x1 convolution, normalisation, ReLU, 3x3 convolution, dropout; the result is appended."""

    def __init__(self, entry: int, growth: int, dropout: float) -> None:
        super().__init__()
        between = BOTTLENECK * growth
        self.layers = nn.Sequential(
            *normalised(entry),
            nn.Conv2d(entry, between, 1, bias=False),
            *normalised(between),
            nn.Conv2d(between, growth, 3, padding=1, bias=False),
            nn.Dropout(dropout),
        )

    def forward(self, features: Tensor) -> Tensor:
        """Return (N, entry + growth, h, w) for features (N, entry, h, w)."""
        return torch.cat([features, self.layers(features)], dim=1)


def dense_block(entry: int, growth: int, depth: int, dropout: float) -> nn.Sequential:
    """Return layers in a row: (N, entry, h, w) -> (N, entry + depth * growth, h, w)."""
    return nn.Sequential(*(DenseLayer(entry + number * growth, growth, dropout) for number in range(depth)))


def transition(entry: int) -> nn.Sequential:
    """Return the layers between two dense blocks: (N, entry, h, w) -> (N, entry // 2, h / 2, w / 2) (DenseNet-C)."""
    return nn.Sequential(*normalised(entry), nn.Conv2d(entry, entry // 2, 1, bias=False), nn.AvgPool2d(2))
