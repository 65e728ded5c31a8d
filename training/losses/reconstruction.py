"""How far a decoded picture is from its face, pixel by pixel (the reconstruction loss that GF-CapsNet starts from).

Sabour, Frosst and Hinton: Dynamic routing between capsules, NIPS 2017, section 4.1: the sum of squared differences, times
0.0005 at 28 x 28 pixels, which is 0.392 times their mean. We take the mean, so that one weight serves every size.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn


class ReconstructionLoss(nn.Module):
    """Mean squared difference of pictures."""

    def forward(self, decoded: Tensor, original: Tensor) -> Tensor:
        """Return the scalar loss, in squared units of the pictures.

        Args:
            decoded: float (N, C, H, W).
            original: float (N, C, H, W).

        Raises:
            ValueError: The shapes differ.
        """
        require_same_shape(decoded, original)
        return (decoded.float() - original.float()).square().mean()


def require_same_shape(decoded: Tensor, original: Tensor) -> None:
    """Check that two batches of pictures can be compared.

    Raises:
        ValueError: Their shapes differ.
    """
    if decoded.shape != original.shape:
        raise ValueError(
            f"reconstruction: expected decoded and original pictures of one shape, found "
            f"{tuple(decoded.shape)} and {tuple(original.shape)}"
        )


def example() -> tuple[nn.Module, tuple[Tensor, ...]]:
    """Return the loss with inputs it accepts."""
    generator = torch.Generator().manual_seed(1)
    return ReconstructionLoss(), tuple(torch.randn(2, 3, 1, 12, 12, generator=generator))
