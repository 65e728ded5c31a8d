"""Offline mining of hard triplets at the beginning of an epoch.

Georgescu et al.: Teacher-student training and triplet loss to reduce the effect of drastic face occlusion, 2021, equations 6
and 7, after Schroff et al.: FaceNet, CVPR 2015. Every training face is an anchor once. Of a random subset P of full faces of
its class, the positive is the one whose teacher embedding is farthest from the anchor's student embedding; of a random subset
N of hidden faces of other classes, the negative is the one whose student embedding is nearest:

    x_p = argmax over x in P of d(S(x'_a), T(x))        x_n = argmin over x in N of d(S(x'_a), S(x'))

For age, faces of less than 5 years' difference are positives and all others negatives. With the faces sorted by label the
positives of an anchor are a range without gaps, for classes and ages alike, so whole blocks of anchors are drawn and compared
at once. We differ: subsets are drawn with replacement, each of `share` of the training set (a face drawn twice changes
nothing), and anew for each anchor.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from training.errors import RecipeError

UNDER_YEARS = 5.0
"""Ages that differ by less than this are of one kind."""

_BLOCK = 256
"""Anchors compared at a time: with 100 candidates of 256 components each, 26 MB."""

Positions = npt.NDArray[np.int64]


@dataclass(frozen=True, slots=True, eq=False)
class Triplets:
    """The hardest companions of every training face.

    Attributes:
        positive: int64 (N,), a full face of the anchor's kind.
        negative: int64 (N,), a hidden face of another kind.
    """

    positive: Positions
    negative: Positions


@dataclass(frozen=True, slots=True, eq=False)
class Kinds:
    """Which training faces are of one kind.

    Attributes:
        order: int64 (N,), the faces sorted by label.
        first: int64 (N,), where in `order` the faces of each face's kind begin.
        end: int64 (N,), where they end, exclusive.
    """

    order: Positions
    first: Positions
    end: Positions

    def candidates(
        self, anchors: Positions, count: int, random: np.random.Generator
    ) -> tuple[Positions, Positions]:
        """Return random positives and random negatives of some anchors, each int64 (len(anchors), count)."""
        first, end = self.first[anchors, None], self.end[anchors, None]
        drawn = random.random((2, len(anchors), count))
        inside = first + (drawn[0] * (end - first)).astype(np.int64)
        outside = (drawn[1] * (len(self.order) - (end - first))).astype(np.int64)
        outside += np.where(outside >= first, end - first, 0)
        return self.order[inside], self.order[outside]


def kinds_of(labels: npt.NDArray[np.floating | np.integer], under: float = 0.0) -> Kinds:
    """Sort faces by kind.

    Args:
        labels: (N,), class numbers, or ages in years; no NaN.
        under: 0: equal labels are of one kind. Above: labels that differ by less, such as `UNDER_YEARS`.

    Raises:
        RecipeError: A label is missing, or some face has no face of another kind.
    """
    values = np.asarray(labels, dtype=np.float64)
    if not len(values) or not np.isfinite(values).all():
        raise RecipeError(f"mining: expected a label for each of {len(values)} faces, found some missing")
    order = np.argsort(values, kind="stable")
    ranked = values[order]
    sides: tuple[str, str] = ("right", "left") if under > 0 else ("left", "right")
    first = np.searchsorted(ranked, values - under, side=sides[0])  # type: ignore[call-overload]
    end = np.searchsorted(ranked, values + under, side=sides[1])  # type: ignore[call-overload]
    if ((end - first) == len(values)).any():
        raise RecipeError("mining: expected faces of at least two kinds, found one; use more training faces")
    return Kinds(order, first, end)


def mine_triplets(
    student: Tensor, teacher: Tensor, kinds: Kinds, share: float, random: np.random.Generator
) -> Triplets:
    """Return the hardest triplet of every training face as anchor.

    Args:
        student: float (N, E), the student's embeddings of the hidden training faces.
        teacher: float (N, E), the teacher's of the same faces in full.
        kinds: Of the same faces.
        share: Size of the random subsets, as a share of the training faces, above 0.
        random: Source of chance.

    Raises:
        RecipeError: The embeddings differ in shape or the share is out of range.
    """
    if student.shape != teacher.shape or len(student) != len(kinds.order):
        raise RecipeError(
            f"mining: expected embeddings of one shape for {len(kinds.order)} faces, "
            f"found {tuple(student.shape)} and {tuple(teacher.shape)}"
        )
    if not 0 < share <= 1:
        raise RecipeError(f"mining: expected a share above 0 and at most 1, found {share!r}")
    count = max(1, round(share * len(student)))
    student, teacher = student.float(), teacher.float()
    found: tuple[list[Positions], list[Positions]] = ([], [])
    for start in range(0, len(student), _BLOCK):
        anchors = np.arange(start, min(start + _BLOCK, len(student)))
        positives, negatives = kinds.candidates(anchors, count, random)
        far = squared_distances(student[anchors], teacher, positives).argmax(dim=1)
        near = squared_distances(student[anchors], student, negatives).argmin(dim=1)
        rows = np.arange(len(anchors))
        found[0].append(positives[rows, far.numpy()])
        found[1].append(negatives[rows, near.numpy()])
    return Triplets(np.concatenate(found[0]), np.concatenate(found[1]))


def squared_distances(anchors: Tensor, embeddings: Tensor, candidates: Positions) -> Tensor:
    """Return the squared distances of anchors to their candidates, less each anchor's own square.

    That square is the same for all candidates of an anchor and changes no order.

    Args:
        anchors: float (B, E).
        embeddings: float (N, E).
        candidates: int64 (B, K), positions in `embeddings`.

    Returns:
        float (B, K).
    """
    positions = torch.from_numpy(candidates)
    squares = embeddings.square().sum(dim=1)[positions]
    return squares - 2 * torch.einsum("be,bke->bk", anchors, embeddings[positions])
