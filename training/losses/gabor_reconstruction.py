"""How far a decoded picture is from its face in the space of Gabor responses.

Equation 2.9 of the thesis behind GF-CapsNet (Hosseini and Cho, 2019): L = L_spread (or MAE) + r ||G(I_org) - G(I_rec)||,
G the responses of the Gabor bank: a face is not to be drawn again pixel by pixel, its edges and wrinkles are. The norm here
is the root of the mean square over responses and pixels of a picture, averaged over the pictures, so that one weight r
serves every size and bank; the thesis names neither r nor the norm.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn

from engines.gabor import BankName
from training.blocks.gabor import GaborConvolution
from training.losses.reconstruction import require_same_shape

_LEAST_SQUARE = 1e-8
"""Added below the root, whose gradient at 0 is not finite."""


class GaborReconstructionLoss(nn.Module):
    """Mean over the pictures of the distance between the responses of decoded and original.

    Args:
        bank: "jet" or "single".
        kernel: Side of the filters in pixels, odd.
    """

    def __init__(self, bank: BankName = "jet", kernel: int = 3) -> None:
        super().__init__()
        self.gabor = GaborConvolution(bank, kernel)

    def forward(self, decoded: Tensor, original: Tensor) -> Tensor:
        """Return the scalar loss, in the unit of a response.

        Args:
            decoded: float (N, C, H, W).
            original: float (N, C, H, W).

        Raises:
            ValueError: The shapes differ.
        """
        require_same_shape(decoded, original)
        # Responses are linear: those of the difference are the difference of the responses, in one convolution.
        gap = self.gabor(decoded.float() - original.float())
        return (gap.square().flatten(1).mean(dim=1) + _LEAST_SQUARE).sqrt().mean()


def example() -> tuple[nn.Module, tuple[Tensor, ...]]:
    """Return the loss with inputs it accepts."""
    generator = torch.Generator().manual_seed(1)
    return GaborReconstructionLoss(), tuple(torch.randn(2, 3, 1, 12, 12, generator=generator))
