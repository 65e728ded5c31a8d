"""Layers of matrix capsules: from feature maps to capsules, from capsules to capsules, from capsules to classes.

Hinton, Sabour and Frosst: Matrix capsules with EM routing, ICLR 2018, sections 3 and 4, which the thesis behind
GF-CapsNet (Hosseini and Cho, 2019), section 2.2.1, takes as they are.
"""

from __future__ import annotations

from typing import NamedTuple

import torch
from torch import Tensor, nn

from training.blocks.capsules.fields import Fields, square_fields, whole_field
from training.blocks.capsules.routing import Routing, em_routing

POSE_SIDE = 4
POSE = POSE_SIDE**2
_INITIAL_STD = POSE_SIDE**-0.5
"""Of the transformations: a vote then has the size of the pose it is made from."""


class Capsules(NamedTuple):
    """The capsules of a square of positions.

    Attributes:
        poses: float (N, S, B, 16), B kinds of capsules at S = side * side positions; 4x4 matrices, row by row.
        activations: float (N, S, B), in [0, 1].
    """

    poses: Tensor
    activations: Tensor


class PrimaryCapsules(nn.Module):
    """Feature maps, float (N, C, side, side) -> capsules, by 1x1 convolutions.

    The poses are normalised over the batch, which the paper does not do: routing compares squared distances, whose size
    the variance floor takes for granted.

    Args:
        channels: C.
        kinds: B.
    """

    def __init__(self, channels: int, kinds: int) -> None:
        super().__init__()
        self.kinds = kinds
        self.poses = nn.Conv2d(channels, kinds * POSE, 1, bias=False)
        self.norm = nn.BatchNorm2d(kinds * POSE)
        self.activations = nn.Conv2d(channels, kinds, 1)

    def forward(self, features: Tensor) -> Capsules:
        """Return the capsules at every place of the maps."""
        poses = self.norm(self.poses(features)).flatten(2).transpose(1, 2)
        activations = self.activations(features).sigmoid().flatten(2).transpose(1, 2)
        return Capsules(poses.reshape(*poses.shape[:2], self.kinds, POSE), activations)


class RoutedCapsules(nn.Module):
    """What the capsule layers share: transformations, costs and routing over given fields.

    Args:
        kinds: B, of the children.
        parents: J.
        fields: Which children each position reads.
        transforms: Transformations per parent: one for each place of the field and kind, or one for each kind.
        routing: Iterations and temperature.
    """

    def __init__(self, kinds: int, parents: int, fields: Fields, transforms: int, routing: Routing) -> None:
        super().__init__()
        if min(kinds, parents) < 1:
            raise ValueError(
                f"capsules: expected at least one child and one parent, found {kinds} and {parents}"
            )
        self.fields, self.routing, self.kinds, self.parents = fields, routing, kinds, parents
        self.weight = nn.Parameter(torch.randn(transforms, POSE_SIDE, parents, POSE_SIDE) * _INITIAL_STD)
        self.beta_cost = nn.Parameter(torch.zeros(parents))
        self.beta_activation = nn.Parameter(torch.zeros(parents))

    def _gather(self, capsules: Capsules) -> tuple[Tensor, Tensor]:
        """Return poses (N, P, K * B, 4, 4) and activations (N, P, K * B) of every field."""
        positions, places = self.fields.children.shape
        children = self.fields.children.to(capsules.poses.device).flatten()
        poses = capsules.poses[:, children].reshape(-1, positions, places * self.kinds, POSE_SIDE, POSE_SIDE)
        return poses, capsules.activations[:, children].reshape(-1, positions, places * self.kinds)

    def _route(self, votes: Tensor, activations: Tensor) -> tuple[Tensor, Tensor]:
        return em_routing(votes, activations, self.beta_cost, self.beta_activation, self.fields, self.routing)

    def _votes(self, poses: Tensor, groups: int) -> Tensor:
        """Return M_i W_ij (equation 2.5), float (N, P, J, I, 16).

        Args:
            poses: float (N, P, I, 4, 4), where I = places * groups.
            groups: How many transformations follow one another along I; the same ones again at every place.
        """
        _, positions, children, _, _ = poses.shape
        places = children // groups
        grouped = poses.reshape(-1, positions, places, groups, POSE_SIDE, POSE_SIDE)
        rows = grouped.permute(3, 0, 1, 2, 4, 5).reshape(groups, -1, POSE_SIDE)
        products = rows @ self.weight.to(rows).flatten(2)
        products = products.reshape(groups, -1, positions, places, POSE_SIDE, self.parents, POSE_SIDE)
        votes = products.permute(1, 2, 5, 3, 0, 4, 6)
        return votes.reshape(-1, positions, self.parents, children, POSE)


class ConvolutionalCapsules(RoutedCapsules):
    """Capsules at side x side positions -> J kinds at the positions of a kernel that slides over them.

    The parents' poses are normalised over the batch, which the paper does not do: a pose is a mean of many votes, so that
    without it every layer's poses vary a sixth as much from face to face as those before (36 children), the class capsules
    see little but the coordinates, and a training of minutes answers every face with the most frequent class.

    Args:
        kinds: B, of the children.
        parents: J.
        side: Of the children's square.
        kernel: Of the field's square.
        stride: Between fields.
        routing: Iterations and temperature.

    Raises:
        ValueError: The kernel is larger than the square.
    """

    def __init__(
        self, kinds: int, parents: int, side: int, kernel: int, stride: int, routing: Routing
    ) -> None:
        super().__init__(kinds, parents, square_fields(side, kernel, stride), kernel**2 * kinds, routing)
        self.norm = nn.BatchNorm1d(parents * POSE)

    def votes_of(self, capsules: Capsules) -> tuple[Tensor, Tensor]:
        """Return every field's votes, float (N, P, J, I, 16), and its children's activations, (N, P, I)."""
        poses, activations = self._gather(capsules)
        return self._votes(poses, poses.shape[2]), activations

    def forward(self, capsules: Capsules) -> Capsules:
        """Return the parents, float (N, P, J, 16) and (N, P, J)."""
        poses, logits = self._route(*self.votes_of(capsules))
        normal = self.norm(poses.flatten(2).transpose(1, 2)).transpose(1, 2)
        return Capsules(normal.reshape(poses.shape), logits.sigmoid())


class ClassCapsules(RoutedCapsules):
    """All capsules of a square -> one capsule a class, with coordinate addition.

    Every position shares the transformations of its kinds (paper, section 4): the scaled row and column of the child are
    added to the first two components of the votes' right-hand column, so that the classes know where a part is.

    Args:
        kinds: B, of the children.
        classes: J.
        side: Of the children's square.
        routing: Iterations and temperature.
    """

    coordinates: Tensor

    def __init__(self, kinds: int, classes: int, side: int, routing: Routing) -> None:
        super().__init__(kinds, classes, whole_field(side), kinds, routing)
        self.register_buffer("coordinates", _coordinates(side, kinds), persistent=False)

    def forward(self, capsules: Capsules) -> tuple[Tensor, Tensor]:
        """Return the classes' poses, float (N, J, 16), and the logits of their activations, float (N, J)."""
        poses, activations = self._gather(capsules)
        votes = self._votes(poses, self.kinds) + self.coordinates.to(poses)
        poses, logits = self._route(votes, activations)
        return poses.squeeze(1), logits.squeeze(1)


def _coordinates(side: int, kinds: int) -> Tensor:
    """Return what is added to the votes of every child, float (S * B, 16): the centre of its place in [0, 1]."""
    steps = (torch.arange(side) + 0.5) / side
    rows, columns = torch.meshgrid(steps, steps, indexing="ij")
    added = torch.zeros(side, side, POSE_SIDE, POSE_SIDE)
    added[..., 0, -1], added[..., 1, -1] = rows, columns
    return added.reshape(side * side, 1, POSE).repeat(1, kinds, 1).reshape(-1, POSE)
