"""How much of a face is seen, and where it lies although half of it is hidden.

MediaPipe's mesh says nothing of what hides a face and drifts under a headset or a mask. One small network answers both
questions from a chip that need not lie quite right: which half is hidden (`engines.card.OCCLUSIONS`), and where the ten
points are by which faces are aligned, hidden ones included.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from engines.card import OCCLUSIONS, VISIBILITY_LABELS, ModelCard, Occlusion
from engines.engine import Engine, load_engine
from engines.errors import EngineError
from engines.preprocess import (
    ALIGNMENT_POINTS,
    LANDMARK_COUNT,
    AnyFloats,
    Bytes,
    Floats,
    inverse_matrix,
    points_matrix,
    prepare_batch,
)

MODEL_NAME = "visibility"
"""Name of the model below `engines.models.MODELS_DIR`."""
ROUNDS = 2
"""Looks at each face where the first chip comes from a box or a drifted mesh; the second sees a better chip."""


@dataclass(frozen=True, slots=True, eq=False)
class Visibility:
    """What is seen of the N faces of one picture.

    Attributes:
        occlusion: float32 (N, 4), probabilities in the order of `engines.card.OCCLUSIONS`.
        points: float32 (N, 10, 2), picture pixels, in the order of `engines.preprocess.ALIGNMENT_POINTS`.
    """

    occlusion: Floats
    points: Floats

    def kinds(self) -> list[Occlusion]:
        """Return the most probable occlusion of each face."""
        return [OCCLUSIONS[index] for index in self.occlusion.argmax(axis=1)]


class VisibilityReader:
    """Looks at the faces of one picture at a time; used by one thread at a time.

    Args:
        engine: A model with the heads of `engines.card.VISIBILITY_LABELS`; the reader closes it.

    Raises:
        EngineError: The model lacks a head.
    """

    def __init__(self, engine: Engine) -> None:
        missing = [task for task in VISIBILITY_LABELS if engine.card.head(task) is None]
        if missing:
            raise EngineError(
                f"model {engine.card.name!r}: expected heads {' and '.join(VISIBILITY_LABELS)}, found no "
                f"{' and no '.join(missing)}; give the model {MODEL_NAME}"
            )
        self._engine = engine

    @property
    def card(self) -> ModelCard:
        """Card of the network."""
        return self._engine.card

    def look(self, image: Bytes, matrices: Sequence[Floats]) -> Visibility:
        """Return what is seen of faces whose place is roughly known.

        Args:
            image: uint8 (H, W, 3) RGB or (H, W) gray.
            matrices: One map per face, float32 (2, 3), picture -> chip of the card's size; from
                `engines.preprocess.face_matrix`, `points_matrix` or `box_matrix`.

        Raises:
            EngineError: The network failed.
        """
        spec = self._engine.card.input
        said = self._engine.infer(prepare_batch(image, matrices, spec))
        points = np.empty_like(said["alignment"])
        for row, chip_points, matrix in zip(points, said["alignment"], matrices, strict=True):
            # Shares of the side count from the pixels' edges, chip pixels from their centres.
            row[:] = _to_picture(chip_points * np.float32(spec.size) - np.float32(0.5), matrix)
        return Visibility(said["occlusion"], points)

    def refine(self, image: Bytes, matrices: Sequence[Floats], rounds: int = ROUNDS) -> Visibility:
        """Look again through the chip that the last look gives; see `look`."""
        size = self._engine.card.input.size
        seen = self.look(image, matrices)
        for _ in range(rounds - 1):
            seen = self.look(
                image,
                [_better(points, before, size) for points, before in zip(seen.points, matrices, strict=True)],
            )
        return seen

    def close(self) -> None:
        """Release the engine."""
        self._engine.close()


def load_visibility(backend: str = "auto", threads: int | None = None) -> VisibilityReader:
    """Load the network that comes with the program.

    Args:
        backend: As in `engines.engine.load_engine`.
        threads: As there.

    Raises:
        CardError: The model is missing or not the one its card describes.
        EngineError: The back end refused it.
    """
    return VisibilityReader(load_engine(MODEL_NAME, backend, threads))


def moved_landmarks(landmarks: Floats, alignment_points: Floats) -> Floats:
    """Return a mesh moved, turned and scaled as a whole so that it aligns as the given points do.

    Args:
        landmarks: float32 (478, 3), picture pixels.
        alignment_points: float32 (10, 2), picture pixels.

    Returns:
        float32 (478, 3); z is scaled like x and y.

    Raises:
        ValueError: Mesh or points are not finite or coincide, or the mesh has another shape.
    """
    if landmarks.shape != (LANDMARK_COUNT, 3):
        raise ValueError(f"landmarks: expected shape ({LANDMARK_COUNT}, 3), found {landmarks.shape}")
    size = 64
    here = _square(points_matrix(landmarks[list(ALIGNMENT_POINTS), :2], size))
    change = _square(inverse_matrix(points_matrix(alignment_points, size))) @ here
    moved = np.empty_like(landmarks)
    moved[:, :2] = landmarks[:, :2] @ change[:2, :2].T + change[:2, 2]
    moved[:, 2] = landmarks[:, 2] * np.sqrt(abs(np.linalg.det(change[:2, :2])))
    return moved


def _better(points: Floats, matrix: Floats, size: int) -> Floats:
    """Return the map of the points, or the one before where they are no face."""
    try:
        return points_matrix(points, size)
    except ValueError:
        return matrix


def _to_picture(chip_points: Floats, matrix: Floats) -> Floats:
    back = inverse_matrix(matrix)
    moved: Floats = (chip_points @ back[:, :2].T + back[:, 2]).astype(np.float32)
    return moved


def _square(matrix: AnyFloats) -> AnyFloats:
    return np.vstack([matrix.astype(np.float64), [0, 0, 1]])
