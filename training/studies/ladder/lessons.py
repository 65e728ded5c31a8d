"""What a student is taught: labels alone, or labels and what the teacher sees of the whole face.

Georgescu et al.: Teacher-student training and triplet loss to reduce the effect of drastic face occlusion, 2021, section 3.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from engines.card import LABELS
from training.blocks.multi_task import MultiTaskNet
from training.distillation.hard_mining import UNDER_YEARS, Kinds, Triplets, kinds_of, mine_triplets
from training.losses.age_distribution import AgeDistributionLoss
from training.losses.distillation import DistillationLoss
from training.losses.hint import HintLoss
from training.losses.masked_cross_entropy import MaskedCrossEntropy, one_hot
from training.losses.occlusion_triplet import OcclusionTripletLoss, embedding_scale
from training.studies.ladder.answers import Answer, read_faces
from training.studies.ladder.faces import Faces, Positions
from training.studies.ladder.settings import Settings


@dataclass(frozen=True, slots=True, eq=False)
class Teacher:
    """What the frozen teacher says of the training faces in full, once as they are and once mirrored.

    Attributes:
        logits: float32 (2, N, classes).
        embeddings: float32 (2, N, E).
    """

    logits: Tensor
    embeddings: Tensor

    def of(self, rows: Positions, flips: np.ndarray, device: torch.device) -> tuple[Tensor, Tensor]:
        """Return logits (B, classes) and embeddings (B, E) of faces, mirrored where `flips`, bool (B,), says so."""
        view, row = torch.from_numpy(flips.astype(np.int64)), torch.from_numpy(rows)
        return self.logits[view, row].to(device), self.embeddings[view, row].to(device)


def ask_teacher(net: MultiTaskNet, faces: Faces, settings: Settings) -> Teacher:
    """Return the teacher's answers for training faces."""
    views = [read_faces(net, settings.task, faces, None, settings.bfloat16, flip) for flip in (False, True)]
    return Teacher(
        torch.from_numpy(np.stack([view.logits for view in views])),
        torch.from_numpy(np.stack([view.embeddings for view in views])),
    )


@dataclass(frozen=True, slots=True, eq=False)
class Batch:
    """One step's faces.

    Attributes:
        rows: int64 (B,), positions among the training faces.
        flips: bool (B,), which are mirrored.
        images: Rows of faces -> their hidden pictures, float (B, C, size, size), changed anew at every call.
    """

    rows: Positions
    flips: np.ndarray
    images: Callable[[Positions, np.ndarray], Tensor]


class Lesson:
    """Labels alone; the other lessons add to it.

    Args:
        settings: Of the ladder.
        faces: Training faces.
        teacher: What the teacher says of them.
        random: Source of chance.
    """

    def __init__(
        self, settings: Settings, faces: Faces, teacher: Teacher, random: np.random.Generator
    ) -> None:
        self.settings = settings
        self.faces = faces
        self.teacher = teacher
        self.random = random
        self._age = AgeDistributionLoss()
        self._classes = MaskedCrossEntropy()

    def begin_epoch(self, student: MultiTaskNet) -> None:
        """Prepare an epoch; the student may be read."""

    def loss(self, student: MultiTaskNet, batch: Batch) -> Tensor:
        """Return the scalar loss of a batch; the student is in training mode."""
        embeddings = student.embedding(batch.images(batch.rows, batch.flips), self.settings.task)
        return self._supervised(student.logits_of(embeddings, self.settings.task), batch.rows).mean()

    def _supervised(self, logits: Tensor, rows: Positions) -> Tensor:
        """Return each face's loss against its label, float (B,)."""
        labels = torch.from_numpy(self.faces.labels[rows])
        if self.settings.task == "age":
            return self._age.to(logits.device).per_image(logits, labels.to(logits.device))[0]
        if self.settings.task == "emotion" and self.settings.labels == "votes":
            target = torch.from_numpy(self.faces.votes[rows])
        else:
            target = one_hot(labels, len(LABELS[self.settings.task]))
        return self._classes.per_image(logits, target.to(logits.device))[0]


class StandardLesson(Lesson):
    """Labels and the teacher's softened answers: equation 1."""

    def loss(self, student: MultiTaskNet, batch: Batch) -> Tensor:
        """Return equation 1, less the teacher's entropy; see `Lesson.loss`."""
        task, weight = self.settings.task, self.settings.standard_weight
        logits = student.logits_of(student.embedding(batch.images(batch.rows, batch.flips), task), task)
        taught, _ = self.teacher.of(batch.rows, batch.flips, logits.device)
        soft: Tensor = DistillationLoss(self.settings.temperature, "logits", squared_temperature=False)(
            logits, taught
        )
        return weight * soft + (1 - weight) * self._supervised(logits, batch.rows).mean()


class HintLesson(Lesson):
    """Labels and the teacher's embeddings: equation 3."""

    def __init__(
        self, settings: Settings, faces: Faces, teacher: Teacher, random: np.random.Generator
    ) -> None:
        super().__init__(settings, faces, teacher, random)
        width = teacher.embeddings.shape[-1]
        self._unit = embedding_scale(teacher.embeddings[0]) / width**0.5
        self._hint = HintLoss(settings.hint_weight)

    def loss(self, student: MultiTaskNet, batch: Batch) -> Tensor:
        """Return equation 3; see `Lesson.loss`."""
        task = self.settings.task
        embeddings = student.embedding(batch.images(batch.rows, batch.flips), task)
        supervised = self._supervised(student.logits_of(embeddings, task), batch.rows)
        _, taught = self.teacher.of(batch.rows, batch.flips, embeddings.device)
        loss: Tensor = self._hint(embeddings.float() / self._unit, taught / self._unit, supervised)
        return loss


class TripletLesson(Lesson):
    """Labels and hard triplets of student and teacher: equations 4 to 7."""

    def __init__(
        self, settings: Settings, faces: Faces, teacher: Teacher, random: np.random.Generator
    ) -> None:
        super().__init__(settings, faces, teacher, random)
        self._unit = embedding_scale(teacher.embeddings[0])
        self._triplet = OcclusionTripletLoss(settings.margin)
        self._kinds: Kinds = kinds_of(faces.labels, UNDER_YEARS if settings.task == "age" else 0.0)
        self._triplets: Triplets | None = None

    def begin_epoch(self, student: MultiTaskNet) -> None:
        """Mine the epoch's triplets with the student as it is now."""
        settings = self.settings
        hidden: Answer = read_faces(student, settings.task, self.faces, settings.half, settings.bfloat16)
        own = torch.from_numpy(hidden.embeddings)
        self._triplets = mine_triplets(
            own, self.teacher.embeddings[0], self._kinds, settings.mining_share, self.random
        )

    def loss(self, student: MultiTaskNet, batch: Batch) -> Tensor:
        """Return equation 5; anchors and negatives pass through the student together."""
        assert self._triplets is not None
        task, count = self.settings.task, len(batch.rows)
        negatives = self._triplets.negative[batch.rows]
        rows = np.concatenate([batch.rows, negatives])
        flips = np.concatenate([batch.flips, self.random.random(count) < 0.5])
        embeddings = student.embedding(batch.images(rows, flips), task)
        supervised = self._supervised(student.logits_of(embeddings[:count], task), batch.rows).mean()
        _, positives = self.teacher.of(self._triplets.positive[batch.rows], batch.flips, embeddings.device)
        own = embeddings.float() / self._unit
        triplet: Tensor = self._triplet(own[:count], positives / self._unit, own[count:])
        return supervised + self.settings.triplet_weight * triplet


LESSONS: dict[str, type[Lesson]] = {
    "labels": Lesson,
    "standard": StandardLesson,
    "hint": HintLesson,
    "triplet": TripletLesson,
}
