"""A head that tells the data sets apart, trained against the shared trunk with triplets.

Hosseini, Shabani, Cho: Distill-2MD-MTL: data distillation based on multi-dataset multi-domain multi-task framework,
2019 (thesis, equations 3.1 and 3.2): from an anchor a, a positive p of the same set and a negative n of another,
L_DA = sum max(0, ||a - p||^2 - ||a - n||^2 + 0.2). The head minimises L_DA; the rest of the network minimises
sum_i w_i L_i - L_DA, so that the sets can't be told from the shared features.

The printed equation lacks the max, without which the loss has no lower bound (it is the triplet loss of Schroff et al.:
FaceNet, CVPR 2015, equation 2), and has the distance to the other set first, against the text beside it. One backward
pass serves both sides: `DomainHead` reverses the gradient on its way into the trunk (Ganin and Lempitsky: Unsupervised
domain adaptation by backpropagation, ICML 2015), so L_DA is simply added to the losses of the tasks.

We differ: all triplets of the batch are used, which needs no drawing but memory with the cube of the batch (8 MB a
tensor at 128 pictures, 0.5 GB at 512); a mean over each anchor's triplets, then over each set's anchors, then over the
sets replaces the sum, so that a large set weighs no more than a small one; and the embedding has length 1, so that the
margin has a scale and the trunk can't grow the loss without end.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional

MARGIN = 0.2


class _Reversal(torch.autograd.Function):
    @staticmethod
    def forward(context: Any, features: Tensor, strength: float) -> Tensor:
        context.strength = strength
        return features.view_as(features)

    @staticmethod
    def backward(context: Any, *gradients: Tensor) -> tuple[Tensor, None]:
        return -context.strength * gradients[0], None


def gradient_reversal(features: Tensor, strength: float = 1.0) -> Tensor:
    """Return the features unchanged; their gradient comes back times -strength."""
    reverse: Callable[[Tensor, float], Tensor] = _Reversal.apply
    return reverse(features, strength)


class DomainHead(nn.Module):
    """Embeds the shared features so that data sets lie apart, while the trunk learns to prevent it.

    The thesis draws it in figure 3.3, whose text gives no widths; ours are two fully connected layers.

    Args:
        features: Channels of the shared features.
        width: Width of the hidden layer.
        embedding: Length of the embedding.
        strength: How strongly the trunk is trained against the head; 1 is equation 3.2.

    Raises:
        ValueError: A width is below 1 or the strength below 0.
    """

    def __init__(self, features: int, width: int = 128, embedding: int = 64, strength: float = 1.0) -> None:
        super().__init__()
        if min(features, width, embedding) < 1 or strength < 0:
            raise ValueError(
                "features, width, embedding, strength: expected from 1 on and a strength from 0 on, "
                f"found {features}, {width}, {embedding}, {strength}"
            )
        self.strength = strength
        self.layers = nn.Sequential(
            nn.Linear(features, width), nn.ReLU(inplace=True), nn.Linear(width, embedding)
        )

    def forward(self, features: Tensor) -> Tensor:
        """Return embeddings of length 1, float (N, embedding), of features (N, F) or (N, F, h, w; pooled)."""
        flat = features.mean(dim=(2, 3)) if features.ndim == 4 else features
        embedding: Tensor = self.layers(gradient_reversal(flat, self.strength))
        return functional.normalize(embedding.float(), dim=1)


class TripletDomainLoss(nn.Module):
    """Triplet loss over the data sets of a batch; exactly 0, with gradient 0, where it holds no triplet.

    Args:
        margin: How much nearer the own set should be, in squared distance.

    Raises:
        ValueError: The margin is not above 0.
    """

    def __init__(self, margin: float = MARGIN) -> None:
        super().__init__()
        if not margin > 0:
            raise ValueError(f"margin: expected above 0, found {margin!r}")
        self.margin = margin

    def forward(self, embeddings: Tensor, source: Tensor) -> Tensor:
        """Return the scalar loss.

        Args:
            embeddings: float (N, E).
            source: int64 (N,), number of each picture's data set.
        """
        embeddings = embeddings.float()
        same = source[:, None] == source[None, :]
        positive = same & ~torch.eye(len(source), dtype=torch.bool, device=source.device)
        distances = _squared_distances(embeddings)
        gaps = (distances[:, :, None] - distances[:, None, :] + self.margin).clamp(min=0)
        valid = positive[:, :, None] & ~same[:, None, :]
        triplets = valid.sum(dim=(1, 2))
        anchors = torch.where(valid, gaps, 0).sum(dim=(1, 2)) / triplets.clamp(min=1)
        # An anchor weighs 1 / (anchors of its set): the mean within the set, then over the sets.
        weights = (triplets > 0) / (same & (triplets > 0)).sum(dim=1).clamp(min=1)
        return (anchors * weights).sum() / weights.sum().clamp(min=1)


def _squared_distances(embeddings: Tensor) -> Tensor:
    """Return the squared distances of all pairs, float (N, N); no root, whose gradient at 0 is not finite."""
    squares = embeddings.square().sum(dim=1)
    return (squares[:, None] + squares[None, :] - 2 * embeddings @ embeddings.T).clamp(min=0)


def example() -> tuple[nn.Module, tuple[Tensor, ...]]:
    """Return the loss with inputs it accepts."""
    generator = torch.Generator().manual_seed(1)
    embeddings = functional.normalize(torch.randn(7, 4, generator=generator), dim=1)
    return TripletDomainLoss(), (embeddings, torch.tensor([0, 0, 0, 1, 1, 2, 2]))
