"""Our own network for a face of 48 pixels: few layers, short-cuts, no large fully connected layer.

After the nine-layer residual networks that train in minutes on small pictures (He et al.: Deep residual learning for
image recognition, CVPR 2016, for the short-cut). Image (N, C, S, S); a 5x5 convolution of stride 2 (at full size the
first layers cost more memory traffic than arithmetic) gives (N, w0, S/2, S/2); then three stages, each a 3x3
convolution to the next width, a residual block of two 3x3 convolutions, and 2x2 max pooling before the next stage; one
last 3x3 convolution, the mean over the places: (N, w3). Batch normalisation and ReLU after every convolution. A task's
branch is dropout and one linear layer. With the default widths it costs what BKNet costs and learns several times faster.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from torch import Tensor, nn
from torch.nn import functional

from training.blocks.multi_task import MultiTaskNet, task_classes

INPUT = (1, 48, 48)
WIDTHS = (64, 128, 256, 512)
SMALL = {"widths": (8, 8, 16, 16)}


class Residual(nn.Module):
    """Two 3x3 convolutions with a short-cut around them."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.layers = nn.Sequential(_convolution(width, width), _convolution(width, width)[:2])

    def forward(self, features: Tensor) -> Tensor:
        """Return features of the same shape (N, width, h, w)."""
        return functional.relu(features + self.layers(features))


def build(
    classes: Mapping[str, int] | None = None,
    size: int = INPUT[1],
    channels: int = INPUT[0],
    dropout: float = 0.2,
    widths: Sequence[int] = WIDTHS,
) -> MultiTaskNet:
    """Return an untrained network.

    Args:
        classes: Task -> number of classes; all tasks of `engines.card.LABELS` unless given.
        size: Side of the input in pixels, a multiple of 16.
        channels: 1 gray or 3 RGB.
        dropout: Probability before the branches' linear layers.
        widths: Channels of the stem and the first stage, of the second, of the third, and of the last convolution.

    Raises:
        ValueError: The size is no multiple of 16, or not four widths.
    """
    if size % 16:
        raise ValueError(f"size: expected a multiple of 16, found {size}")
    if len(widths) != 4:
        raise ValueError(f"widths: expected four numbers of channels, found {widths}")
    first, second, third, last = widths
    trunk = nn.Sequential(
        _convolution(channels, first, kernel=5, stride=2),
        Residual(first),
        nn.MaxPool2d(2),
        _convolution(first, second),
        Residual(second),
        nn.MaxPool2d(2),
        _convolution(second, third),
        Residual(third),
        nn.MaxPool2d(2),
        _convolution(third, last),
        nn.AdaptiveAvgPool2d(1),
        nn.Flatten(),
    )
    branches = {
        task: nn.Sequential(nn.Dropout(dropout), nn.Linear(last, count))
        for task, count in task_classes(classes).items()
    }
    net = MultiTaskNet(trunk, branches)
    for module in net.modules():
        if isinstance(module, nn.Conv2d):
            nn.init.kaiming_normal_(module.weight, nonlinearity="relu")
    return net


def _convolution(entry: int, width: int, kernel: int = 3, stride: int = 1) -> nn.Sequential:
    return nn.Sequential(
        nn.Conv2d(entry, width, kernel, stride, padding=kernel // 2, bias=False),
        nn.BatchNorm2d(width),
        nn.ReLU(inplace=True),
    )
