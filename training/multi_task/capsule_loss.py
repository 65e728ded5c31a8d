"""The losses of a capsule network: the tasks', those on the capsules of the age groups, and the reconstruction."""

from __future__ import annotations

from collections.abc import Mapping

import torch
from torch import Tensor, nn
from torch.nn import functional

from training.blocks.capsules.decoder import PoseDecoder, capsule_to_decode
from training.blocks.capsules.net import GROUPS, POSES
from training.data.sample import LABEL_OF
from training.losses.age_classes import AgeClassLoss
from training.losses.masked_cross_entropy import one_hot
from training.losses.spread import FIRST_MARGIN, LAST_MARGIN, SpreadLoss
from training.multi_task.loss import AGE_RANGE, MultiTaskLoss

AGE_GROUPS = "age_groups"
RECONSTRUCTION = "reconstruction"


class MarginSchedule(nn.Module):
    """The margin of the spread loss, rising linearly with the steps; a module, so that a checkpoint keeps the count.

    Args:
        steps: Until the last margin is reached.
        first: Margin at the beginning.
        last: Margin from then on.

    Raises:
        ValueError: There is no step, or the margins are not in (0, 1] and rising.
    """

    done: Tensor

    def __init__(self, steps: int, first: float = FIRST_MARGIN, last: float = LAST_MARGIN) -> None:
        super().__init__()
        if steps < 1 or not 0 < first <= last <= 1:
            raise ValueError(
                f"margin: expected at least one step and 0 < first <= last <= 1, found {steps}, {first}, {last}"
            )
        self.steps, self.first, self.last = steps, first, last
        self.register_buffer("done", torch.zeros((), dtype=torch.int64))

    def next(self) -> float:
        """Return the margin of this step and go on to the next."""
        margin = self.first + (self.last - self.first) * min(1.0, int(self.done) / self.steps)
        self.done += 1
        return margin


class CapsuleLoss:
    """All parts of the loss of one batch; what it holds is trained or saved as an experiment's extra modules.

    Args:
        tasks: The losses of the tasks.
        margin: Of every spread loss.
        age_groups: Groups whose capsules learn by spread loss; None where there are none.
        group_weight: Weight of that part.
        decoder: Draws a face from the poses of the class capsules; None for no reconstruction.
        reconstruction: Compares it with the face.
        reconstruction_weight: r of equation 2.9.
        decoded_task: The task whose capsules are decoded.
    """

    def __init__(
        self,
        tasks: MultiTaskLoss,
        margin: MarginSchedule,
        age_groups: AgeClassLoss | None = None,
        group_weight: float = 1.0,
        decoder: PoseDecoder | None = None,
        reconstruction: nn.Module | None = None,
        reconstruction_weight: float = 1.0,
        decoded_task: str = "emotion",
    ) -> None:
        self.tasks, self.margin = tasks, margin
        self.age_groups, self.group_weight = age_groups, group_weight
        self.decoder, self.reconstruction = decoder, reconstruction
        self.reconstruction_weight, self.decoded_task = reconstruction_weight, decoded_task
        self.group_spread = SpreadLoss()

    def modules(self) -> dict[str, nn.Module]:
        """Return name -> module for `Experiment.extra_modules`."""
        found = {
            "tasks": self.tasks,
            "margin": self.margin,
            "age_groups": self.age_groups,
            "decoder": self.decoder,
            "reconstruction": self.reconstruction,
        }
        return {name: module for name, module in found.items() if module is not None}

    def __call__(self, outputs: Mapping[str, Tensor], batch: Mapping[str, Tensor]) -> dict[str, Tensor]:
        """Return part -> scalar loss.

        Args:
            outputs: Of a `CapsuleNet` that shows its capsules.
            batch: Labels of `training.batches.mixed_batches`, and "image".
        """
        margin = self.margin.next()
        for module in (self.group_spread, *self.tasks.modules()):
            if isinstance(module, SpreadLoss):
                module.margin = margin
        parts: dict[str, Tensor] = self.tasks(outputs, batch)
        if self.age_groups is not None:
            logits = outputs[GROUPS + "age"]
            parts[AGE_GROUPS] = self.group_weight * self.group_spread(logits, self._group_target(batch))
        if self.decoder is not None and self.reconstruction is not None:
            decoded = self.decoder(outputs[POSES + self.decoded_task], self._chosen(outputs, batch))
            parts[RECONSTRUCTION] = self.reconstruction_weight * self.reconstruction(decoded, batch["image"])
        return parts

    def _group_target(self, batch: Mapping[str, Tensor]) -> Tensor:
        """Return one row a face, 1 at its age group, NaN where it has none; a range counts where one group holds it."""
        assert self.age_groups is not None
        group = self.age_groups.group_of(batch["age_years"])
        if AGE_RANGE[0] in batch:
            lowest, highest = (self.age_groups.group_of(batch[name]) for name in AGE_RANGE)
            group = torch.where((group < 0) & (lowest == highest), lowest, group)
        rows = functional.one_hot(group.clamp(min=0), len(self.age_groups.groups)).float()
        return rows.masked_fill((group < 0)[:, None], torch.nan)

    def _chosen(self, outputs: Mapping[str, Tensor], batch: Mapping[str, Tensor]) -> Tensor:
        """Return which capsule of each face is decoded."""
        logits = outputs[GROUPS + self.decoded_task]
        if self.decoded_task == "emotion":
            target = batch["emotion"]
        elif self.decoded_task == "age":
            target = (
                self._group_target(batch) if self.age_groups else logits.new_full(logits.shape, torch.nan)
            )
        else:
            target = one_hot(batch[LABEL_OF[self.decoded_task]], 2)
        return capsule_to_decode(logits, target)
