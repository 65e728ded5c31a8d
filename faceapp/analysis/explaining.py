"""What the answer for a face rests on, found by covering the face piece by piece and asking the network again.

Occlusion sensitivity as in `engines.sensitivity`. It needs nothing but the network itself, so that every model and every
back end can be explained as it runs. A frame asks for some of the pieces only, in a fixed shuffled order, so that live
pictures stay fluent.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from engines.backend import MAX_BATCH
from engines.card import EMOTIONS
from engines.preprocess import Bytes, face_matrix
from engines.sensitivity import PLACES, Covers, log_odds
from faceapp.predictions import VALUE_COUNT, head_values
from faceapp.settings import Explained
from faceapp.types import Explanation, FaceTrack, Floats

if TYPE_CHECKING:
    from engines.engine import Engine

PIECES_A_FRAME = MAX_BATCH
_NEWEST = 0.4
"""Weight of a new answer about a piece beside those before: at 30 frames a second a piece is asked about ten times a second."""
LEAST_LARGEST = {"emotion": 0.3, "gender": 0.3, "smile": 0.3, "age": 1.0}
"""Falls below these (log-odds, years) are shown faintly: no single piece matters."""
_AGE, _FEMALE, _SMILE = len(EMOTIONS), len(EMOTIONS) + 2, len(EMOTIONS) + 3


class Explainer:
    """Follows one face; used by one thread.

    Args:
        task: What is explained, or "off".

    Attributes:
        task: As above; may be changed while running.
        chosen_id: The face; the largest one of those read where it is None or gone.
    """

    def __init__(self, task: Explained = "off") -> None:
        self.task: Explained = task
        self.chosen_id: int | None = None
        self._of: tuple[int, str] | None = None
        self._falls = np.full((PLACES * PLACES, VALUE_COUNT), np.nan, np.float32)
        self._order = np.random.default_rng(1).permutation(PLACES * PLACES)
        self._next = 0
        self._covers = Covers((PLACES + 1, PLACES + 1), PIECES_A_FRAME)

    def wanted(self, faces: Sequence[FaceTrack]) -> int | None:
        """Return the id of the face to explain, one of those given; None where nothing is explained."""
        if self.task == "off" or not faces:
            return None
        if any(face.id == self.chosen_id for face in faces):
            return self.chosen_id
        return max(faces, key=lambda face: float(np.prod(face.box[2:] - face.box[:2]))).id

    def read(self, engine: Engine, chip: Bytes, face: FaceTrack, said: Floats) -> Explanation | None:
        """Ask about some more pieces of a face and return what is known; None where the network has no such answer.

        Args:
            engine: Read the face.
            chip: uint8 (size, size) or (size, size, 3); stays as it is.
            face: Its face.
            said: float32 (VALUE_COUNT,), what the engine said of it.

        Raises:
            EngineError: The engine failed.
        """
        if self._of != (face.id, engine.card.name):
            self._of = face.id, engine.card.name
            self._falls[:] = np.nan
        if self._covers.shape != chip.shape:
            self._covers = Covers(chip.shape, PIECES_A_FRAME)
        pieces = np.take(self._order, range(self._next, self._next + PIECES_A_FRAME), mode="wrap")
        self._next = (self._next + PIECES_A_FRAME) % len(self._order)
        covered = self._covers.over(chip, pieces)
        falls = _scale(said) - _scale(head_values(engine.infer(covered), len(covered)))
        before = self._falls[pieces]
        self._falls[pieces] = np.where(np.isnan(before), falls, before + _NEWEST * (falls - before))
        return self._explanation(engine, face, said)

    def reset(self) -> None:
        """Forget the face."""
        self._of = None

    def _explanation(self, engine: Engine, face: FaceTrack, said: Floats) -> Explanation | None:
        answer, falls = _evidence(self.task, said, self._falls)
        if answer == "":
            return None
        known = np.clip(np.nan_to_num(falls), 0, None)
        largest = float(known.max())
        heat = self._covers.spread(known / max(largest, LEAST_LARGEST[self.task]))
        matrix = face_matrix(engine.card.input, face.landmarks, face.box)
        return Explanation(face.id, self.task, answer, heat, matrix, largest)


def _scale(values: Floats) -> Floats:
    """Return values (..., VALUE_COUNT) with log-odds for probabilities; years stay."""
    scaled = log_odds(values)
    scaled[..., _AGE : _AGE + 2] = values[..., _AGE : _AGE + 2]
    return scaled


def _evidence(task: str, said: Floats, falls: Floats) -> tuple[str, Floats]:
    """Return the answer in words and each piece's part in it, float32 (pieces,); "" where the network has no such answer."""
    if task == "emotion" and np.isfinite(said[: len(EMOTIONS)]).all():
        top = int(said[: len(EMOTIONS)].argmax())
        return EMOTIONS[top], falls[:, top]
    if task == "age" and np.isfinite(said[_AGE]):
        return f"{said[_AGE]:.0f} years", np.abs(falls[:, _AGE])
    column, yes, no = (_FEMALE, "woman", "man") if task == "gender" else (_SMILE, "smile", "no smile")
    if task in ("gender", "smile") and np.isfinite(said[column]):
        likely = bool(said[column] >= 0.5)
        return (yes, falls[:, column]) if likely else (no, -falls[:, column])
    return "", falls[:, 0]
