"""Teacher-student training with triplets: the student's hidden face is drawn to the teacher's full faces.

Georgescu et al.: Teacher-student training and triplet loss to reduce the effect of drastic face occlusion, 2021, equations 4
and 5:

    L_triplet = mean over i of max(0, d(S(x'_a), T(x_p)) - d(S(x'_a), S(x'_n)) + m)
    L = L_labels + lambda * L_triplet

Anchor x'_a and negative x'_n are hidden faces that the student embeds, the positive x_p is a full face of the anchor's
class that the frozen teacher embeds; `training.distillation.hard_mining` chooses them. d is the squared Euclidean distance,
as in Schroff et al. (FaceNet, CVPR 2015, equation 2), whom the paper follows; "plain" takes the root.

The margin is in the embeddings' own unit, and networks differ in that by orders of magnitude: divide both networks'
embeddings by the root mean squared length of the teacher's (`embedding_scale`) and one margin serves all. No gradient
reaches the positive.
"""

from __future__ import annotations

from typing import Literal, get_args

import torch
from torch import Tensor, nn

Distance = Literal["squared", "plain"]

_LEAST_SQUARE = 1e-12
"""Added below the root, whose gradient at 0 is not finite."""


class OcclusionTripletLoss(nn.Module):
    """Mean over the triplets of how far the positive is from being nearer than the negative by the margin.

    Args:
        margin: m, above 0, in the unit of the distance.
        distance: "squared" or "plain".

    Raises:
        ValueError: An argument is out of its range.
    """

    def __init__(self, margin: float = 0.2, distance: Distance = "squared") -> None:
        super().__init__()
        if not margin > 0:
            raise ValueError(f"margin: expected above 0, found {margin!r}")
        if distance not in get_args(Distance):
            raise ValueError(f"distance: expected {', '.join(get_args(Distance))}, found {distance!r}")
        self.margin = margin
        self.distance = distance

    def forward(self, anchor: Tensor, positive: Tensor, negative: Tensor) -> Tensor:
        """Return the scalar loss.

        Args:
            anchor: float (N, E), the student's embeddings of hidden faces.
            positive: float (N, E), the teacher's of full faces of the same class.
            negative: float (N, E), the student's of hidden faces of another class.

        Raises:
            ValueError: The shapes differ.
        """
        if not anchor.shape == positive.shape == negative.shape:
            raise ValueError(
                "triplets: expected anchor, positive and negative of one shape, found "
                f"{tuple(anchor.shape)}, {tuple(positive.shape)} and {tuple(negative.shape)}"
            )
        anchor, positive, negative = anchor.float(), positive.detach().float(), negative.float()
        gaps = self._distances(anchor, positive) - self._distances(anchor, negative)
        return (gaps + self.margin).clamp(min=0).mean()

    def _distances(self, one: Tensor, other: Tensor) -> Tensor:
        squares = (one - other).square().sum(dim=1)
        return squares if self.distance == "squared" else (squares + _LEAST_SQUARE).sqrt()


def embedding_scale(teacher: Tensor) -> float:
    """Return the root mean squared length of embeddings, float (N, E).

    Raises:
        ValueError: They are all 0.
    """
    scale = float(teacher.float().square().sum(dim=1).mean().sqrt())
    if not scale > 0:
        raise ValueError("teacher embeddings: expected some that are not 0, found none; train the teacher")
    return scale


def example() -> tuple[nn.Module, tuple[Tensor, ...]]:
    """Return the loss with inputs it accepts."""
    generator = torch.Generator().manual_seed(1)
    anchor, positive, negative = torch.randn(3, 6, 16, generator=generator)
    return OcclusionTripletLoss(margin=8.0), (anchor, positive, negative)
