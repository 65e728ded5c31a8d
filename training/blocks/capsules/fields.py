"""Which children each parent position of a convolutional capsule layer reads, and which positions each child votes at."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor


@dataclass(frozen=True, slots=True, eq=False)
class Fields:
    """The receptive fields of a layer: P parent positions over H x W child positions, K in each field.

    Attributes:
        children: int64 (P, K), child positions of each field, row by row.
        votings: int64 (H * W, M), where a child position stands in the flattened (P * K) list; P * K where it stands
            less than M times.
        first_share: float (P, K), 1 / number of fields that hold the child: how a child divides itself at first.
        side: Side of the square of parent positions.
    """

    children: Tensor
    votings: Tensor
    first_share: Tensor
    side: int

    @property
    def overlapping(self) -> bool:
        """Whether some child stands in more than one field."""
        return self.votings.shape[1] > 1


def square_fields(side: int, kernel: int, stride: int) -> Fields:
    """Return the fields of a square kernel over side x side children, without padding.

    Args:
        side: Of the children's square.
        kernel: Of the field's square.
        stride: Between neighbouring fields.

    Raises:
        ValueError: The kernel is larger than the picture, or a number is below 1.
    """
    if min(side, kernel, stride) < 1 or kernel > side:
        raise ValueError(
            f"capsule fields: expected side >= kernel >= 1 and stride >= 1, found side {side}, "
            f"kernel {kernel}, stride {stride}; use larger pictures or a smaller kernel"
        )
    starts = range(0, side - kernel + 1, stride)
    children = torch.tensor(
        [
            [(row + y) * side + column + x for y in range(kernel) for x in range(kernel)]
            for row in starts
            for column in starts
        ]
    )
    return _fields(children, side * side, len(starts))


def whole_field(side: int) -> Fields:
    """Return the one field that holds all side x side children."""
    return square_fields(side, side, 1)


def _fields(children: Tensor, count: int, side: int) -> Fields:
    places: list[list[int]] = [[] for _ in range(count)]
    for place, child in enumerate(children.flatten().tolist()):
        places[child].append(place)
    most = max(len(own) for own in places)
    nowhere = children.numel()
    votings = torch.tensor([own + [nowhere] * (most - len(own)) for own in places])
    times = torch.tensor([float(max(1, len(own))) for own in places])
    return Fields(children, votings, 1 / times[children], side)
