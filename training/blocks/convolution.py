"""Convolution, batch normalisation, ReLU: the unit of most networks, and how their input and weights begin."""

from __future__ import annotations

from collections.abc import Sequence

from torch import nn

SMALLEST_SIZE = 16
"""Pixels; below, the networks' last maps would come from less than one place of the picture."""


def convolution(
    entry: int, width: int, kernel: int = 3, stride: int = 1, batch_norm: bool = True
) -> list[nn.Module]:
    """Return the layers of a convolution that keeps the places: (N, entry, h, w) -> (N, width, h / stride, w / stride).

    Args:
        entry: Channels that come in.
        width: Channels that go out.
        kernel: Side of the kernel, odd.
        stride: Step between places; the result has the sides h / stride rounded up.
        batch_norm: Normalise before the ReLU; the convolution then has no bias, which would be subtracted again.
    """
    layers: list[nn.Module] = [
        nn.Conv2d(entry, width, kernel, stride, padding=kernel // 2, bias=not batch_norm)
    ]
    if batch_norm:
        layers.append(nn.BatchNorm2d(width))
    return [*layers, nn.ReLU(inplace=True)]


def convolutions(entry: int, widths: Sequence[int], batch_norm: bool = True) -> list[nn.Module]:
    """Return the layers of 3x3 convolutions in a row: (N, entry, h, w) -> (N, widths[-1], h, w)."""
    entries = [entry, *widths[:-1]]
    return [
        layer
        for one, width in zip(entries, widths, strict=True)
        for layer in convolution(one, width, batch_norm=batch_norm)
    ]


def require_size(size: int) -> None:
    """Refuse an input that is too small.

    Raises:
        ValueError: The side is under `SMALLEST_SIZE` pixels.
    """
    if size < SMALLEST_SIZE:
        raise ValueError(f"size: expected at least {SMALLEST_SIZE} pixels, found {size}")


def he_initialise(net: nn.Module) -> None:
    """Draw every convolution's and linear layer's weights anew, and set their biases to 0.

    He et al.: Delving deep into rectifiers, ICCV 2015, equation 10: a Gaussian of variance 2 / (inputs of a unit).
    """
    for module in net.modules():
        if isinstance(module, nn.Conv2d | nn.Linear):
            nn.init.kaiming_normal_(module.weight, nonlinearity="relu")
            if module.bias is not None:
                nn.init.zeros_(module.bias)
