"""The faces of a ladder, cut once and kept in memory: for training, for choosing, and for measuring."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from engines.card import InputSpec
from engines.occlusion import hide_half
from engines.preprocess import cut_chip, normalised
from training.data.prepared import PreparedFaces
from training.data.sample import LABEL_OF, hashed_split
from training.errors import DatasetError
from training.studies.ladder.settings import Half

Bytes = npt.NDArray[np.uint8]
Floats = npt.NDArray[np.float32]
Positions = npt.NDArray[np.int64]

_CHOOSING_PERCENT = 10


@dataclass(frozen=True, slots=True, eq=False)
class Faces:
    """Faces with the label of one task.

    Attributes:
        chips: uint8 (N, size + 2 margin, size + 2 margin), or (..., 3): aligned as the card says, with a margin to shift in.
        labels: float32 (N,), class numbers, or years.
        votes: float32 (N, 8), shares of the votes for each emotion; (N, 0) for the other tasks.
        subject: (N,) who they show.
        spec: Input of the network.
    """

    chips: Bytes
    labels: Floats
    votes: Floats
    subject: npt.NDArray[np.str_]
    spec: InputSpec

    def __len__(self) -> int:
        return len(self.labels)

    def at(self, rows: Positions) -> Faces:
        """Return some of the faces, (M,) positions."""
        return Faces(self.chips[rows], self.labels[rows], self.votes[rows], self.subject[rows], self.spec)

    def images(
        self,
        rows: Positions,
        half: Half | None,
        flips: npt.NDArray[np.bool_] | None = None,
        shifts_px: Positions | None = None,
    ) -> Floats:
        """Return the network's input: the chip, shifted and mirrored where asked, then half of it set to zero.

        The half is hidden last and before normalisation, so that it lies where the program's would, and is black.

        Args:
            rows: Which faces, (B,).
            half: Which half to hide; None shows the whole face.
            flips: bool (B,), which to mirror.
            shifts_px: int64 (B, 2), down and right, at most the margin.

        Returns:
            float32 (B, C, size, size).
        """
        size = self.spec.size
        margin = (self.chips.shape[1] - size) // 2
        offsets = np.full((len(rows), 2), margin) if shifts_px is None else margin - shifts_px
        chips = np.empty((len(rows), size, size, *self.chips.shape[3:]), np.uint8)
        for chip, row, (top, left) in zip(chips, rows, offsets, strict=True):
            chip[:] = self.chips[row, top : top + size, left : left + size]
        if flips is not None:
            chips[flips] = chips[flips][:, :, ::-1]
        if half is not None:
            chips = hide_half(chips, half, row_axis=1)
        return normalised(chips, self.spec)


@dataclass(frozen=True, slots=True, eq=False)
class LadderFaces:
    """Three groups of faces in which no person stands twice.

    Attributes:
        training: What students learn from.
        choosing: A tenth of the set's training faces, on which C and the two best students are chosen.
        measured: The set's validation faces, which figures are made of.
    """

    training: Faces
    choosing: Faces
    measured: Faces


def ladder_faces(
    task: str, faces: PreparedFaces, spec: InputSpec, margin_px: int, limit: int = 0
) -> LadderFaces:
    """Cut the labelled faces of a set.

    Args:
        task: A task of `engines.card.LABELS`.
        faces: The set.
        spec: Input of the network.
        margin_px: How far training faces may be shifted.
        limit: Most training faces, and twice the most faces to choose and to measure on; 0 takes all.

    Raises:
        DatasetError: A group is empty.
    """
    labelled = ~np.isnan(_labels(task, faces))
    trained = faces.where("train")
    choosing = chooses(faces.subject[trained])
    groups = {
        "training": trained[~choosing],
        "choosing": trained[choosing],
        "measured": faces.where("validation"),
    }
    cut = {}
    for name, positions in groups.items():
        chosen = _limited(positions[labelled[positions]], limit if name == "training" else limit // 2)
        if not len(chosen):
            raise DatasetError(f"{faces.name}: expected faces labelled with {task} for {name}, found none")
        cut[name] = _cut(task, faces, chosen, spec, margin_px)
    return LadderFaces(**cut)


def chooses(subject: npt.NDArray[np.str_]) -> npt.NDArray[np.bool_]:
    """Return which faces to choose on: those of a tenth of the people, by a hash of their names.

    Args:
        subject: (N,) who each face shows.

    Returns:
        bool (N,).
    """
    drawn = [hashed_split(f"ladder {name}", _CHOOSING_PERCENT, 0) == "validation" for name in subject]
    return np.array(drawn, dtype=bool)


def _labels(task: str, faces: PreparedFaces) -> Floats:
    if task == "emotion":
        known = ~np.isnan(faces.emotion).any(axis=1)
        return np.where(known, np.nan_to_num(faces.emotion).argmax(axis=1), np.nan).astype(np.float32)
    values: Floats = getattr(faces, LABEL_OF[task])
    return values


def _limited(positions: Positions, limit: int) -> Positions:
    if not limit or len(positions) <= limit:
        return positions
    return np.sort(np.random.default_rng(0).permutation(positions)[:limit])


def _cut(task: str, faces: PreparedFaces, positions: Positions, spec: InputSpec, margin_px: int) -> Faces:
    side = spec.size + 2 * margin_px
    wide = InputSpec(size=side, color=spec.color, crop=spec.crop)
    chips = np.empty((len(positions), side, side, *([3] if spec.channels == 3 else [])), np.uint8)
    for chip, position in zip(chips, positions.tolist(), strict=True):
        matrix = faces.matrix(position, spec.size, spec.crop == "aligned_face").copy()
        matrix[:, 2] += margin_px
        chip[:] = cut_chip(faces.image(position), matrix, wide)
    votes = faces.emotion[positions] if task == "emotion" else np.empty((len(positions), 0), np.float32)
    return Faces(chips, _labels(task, faces)[positions], votes, faces.subject[positions], spec)
