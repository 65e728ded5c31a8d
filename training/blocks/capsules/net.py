"""A network of matrix capsules with a branch a task, in the shape of every network here."""

from __future__ import annotations

from collections.abc import Mapping

from torch import Tensor, nn

from training.blocks.multi_task import MultiTaskNet

POSES = "poses."
GROUPS = "groups."


class CapsuleNet(MultiTaskNet):
    """A trunk that ends in packed capsules, and branches with a `read`.

    Attributes:
        shows_capsules: In training mode also answer with what the losses on capsules need: "poses.<task>", float
            (N, J, 16), and "groups.<task>", float (N, J), the capsules' own logits.
    """

    def __init__(self, trunk: nn.Module, branches: Mapping[str, nn.Module]) -> None:
        super().__init__(trunk, branches)
        self.shows_capsules = False

    def forward(self, image: Tensor) -> dict[str, Tensor]:
        """Return task -> logits, float (N, classes of the task); in training mode perhaps the capsules too."""
        if not (self.training and self.shows_capsules):
            return super().forward(image)
        features = self.features(image)
        answers = {name: head(features) for name, head in self.training_heads.items()}
        for task, branch in self.branches.items():
            read = branch.read(features)
            answers |= {
                task: read.logits,
                POSES + task: read.poses,
                GROUPS + task: read.capsule_logits,
            }
        return answers
