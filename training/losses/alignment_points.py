"""How far predicted alignment points lie from the mesh's, for the visibility network.

Mean absolute distance (L1), which outliers of a rough mesh pull less than squares do; Feng et al.: Wing loss for robust
facial landmark localisation with convolutional neural networks, CVPR 2018, section 3 compares the two.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn

from training.losses import MaskedLoss


class AlignmentPointsLoss(MaskedLoss):
    """Mean absolute error of the points' coordinates; exactly 0, with gradient 0, where no picture has points."""

    def per_image(self, logits: Tensor, *labels: Tensor) -> tuple[Tensor, Tensor]:
        """Return each picture's error, float (N,), and whether it has points, bool (N,).

        Args:
            logits: float (N, 20), x and y of one point after the other, shares of the chip's side.
            labels: One tensor, float (N, 20), the same from the mesh; a row of NaN has none.
        """
        (wanted,) = labels
        labelled = ~wanted.isnan().any(dim=1)
        known = torch.where(labelled[:, None], wanted.float(), 0.5)
        return (logits.float() - known).abs().mean(dim=1), labelled


def example() -> tuple[nn.Module, tuple[Tensor, ...]]:
    """Return the loss with inputs it accepts."""
    generator = torch.Generator().manual_seed(1)
    wanted = torch.rand(6, 20, generator=generator)
    wanted[1::3] = torch.nan
    return AlignmentPointsLoss(), (torch.rand(6, 20, generator=generator), wanted)
