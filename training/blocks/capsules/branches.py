"""A task's branch on shared capsules, and how capsules travel through `training.blocks.multi_task.MultiTaskNet`.

The trunk's features are one tensor, float (N, 17 * B, side, side): the 16 components of every kind's pose, then the
activations of all kinds.
"""

from __future__ import annotations

from typing import NamedTuple

import torch
from torch import Tensor, nn

from training.blocks.capsules.layers import POSE, Capsules, ClassCapsules
from training.blocks.capsules.routing import Routing


class Read(NamedTuple):
    """What a branch reads in a face.

    Attributes:
        logits: float (N, classes), the task's.
        poses: float (N, J, 16) of the class capsules.
        capsule_logits: float (N, J) of the class capsules; they are the logits where the classes are the capsules.
    """

    logits: Tensor
    poses: Tensor
    capsule_logits: Tensor


class Packed(nn.Module):
    """Capsules -> one tensor, float (N, 17 * B, side, side).

    Args:
        side: Of the capsules' square.
    """

    def __init__(self, side: int) -> None:
        super().__init__()
        self.side = side

    def forward(self, capsules: Capsules) -> Tensor:
        """Return the features."""
        both = torch.cat([capsules.poses.flatten(2), capsules.activations], dim=2)
        return both.transpose(1, 2).reshape(-1, both.shape[2], self.side, self.side)


def unpacked(features: Tensor) -> Capsules:
    """Return the capsules of packed features."""
    both = features.flatten(2).transpose(1, 2)
    kinds = both.shape[2] // (POSE + 1)
    poses = both[:, :, : kinds * POSE].reshape(-1, both.shape[1], kinds, POSE)
    return Capsules(poses, both[:, :, kinds * POSE :])


class LogitScale(nn.Module):
    """Divides logits by a temperature that `training.measuring.calibration` fits; 1 until then."""

    temperature: Tensor

    def __init__(self) -> None:
        super().__init__()
        self.register_buffer("temperature", torch.ones(()))

    def forward(self, logits: Tensor) -> Tensor:
        """Return logits of the same shape."""
        return logits / self.temperature


class ClassBranch(nn.Module):
    """One capsule a class; the logits of their activations are the task's.

    Args:
        kinds: Of the shared capsules.
        classes: Of the task.
        side: Of the shared capsules' square.
        routing: Iterations and temperature.
    """

    def __init__(self, kinds: int, classes: int, side: int, routing: Routing) -> None:
        super().__init__()
        self.capsules = ClassCapsules(kinds, classes, side, routing)
        self.scale = LogitScale()

    @property
    def read_by(self) -> ClassCapsules:
        """The capsules that stand for the classes."""
        return self.capsules

    def read(self, features: Tensor) -> Read:
        """Return what the branch reads in packed features."""
        poses, logits = self.capsules(unpacked(features))
        return Read(self.scale(logits), poses, logits)

    def forward(self, features: Tensor) -> Tensor:
        """Return logits, float (N, classes)."""
        return self.read(features).logits


class AgeBranch(nn.Module):
    """One capsule an age group, then the added capsule whose pose tells the years.

    Thesis, section 2.2.1: for regression "we add one more capsule after the final layer (Class Caps), and use Mean
    Absolute Error". The text does not say how a pose becomes a number; here a linear layer turns it into the
    distribution over the years 0 to 100 that every age head of ours has, whose expectation the error is measured on.

    Args:
        kinds: Of the shared capsules.
        groups: Age groups.
        years: Classes of the head.
        side: Of the shared capsules' square.
        routing: Iterations and temperature.
    """

    def __init__(self, kinds: int, groups: int, years: int, side: int, routing: Routing) -> None:
        super().__init__()
        self.groups = ClassCapsules(kinds, groups, side, routing)
        self.added = ClassCapsules(groups, 1, 1, routing)
        self.years = nn.Linear(POSE + 1, years)

    @property
    def read_by(self) -> ClassCapsules:
        """The capsules that stand for the age groups."""
        return self.groups

    def read(self, features: Tensor) -> Read:
        """Return what the branch reads in packed features."""
        poses, logits = self.groups(unpacked(features))
        pose, certainty = self.added(Capsules(poses[:, None], logits.sigmoid()[:, None]))
        years = self.years(torch.cat([pose.flatten(1), certainty], dim=1))
        return Read(years, poses, logits)

    def forward(self, features: Tensor) -> Tensor:
        """Return logits over the years, float (N, years)."""
        return self.read(features).logits
