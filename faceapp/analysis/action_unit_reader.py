"""Adds to what the networks read what the face does: its movements, and their second opinion on close calls."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from engines.card import EMOTIONS
from engines.second_opinion import Opinion, SecondOpinion, load_second_opinion
from faceapp.tracking.calm_face import CalmFaces
from faceapp.tracking.movements import movements
from faceapp.types import FaceTrack, Floats, Prediction, read_only

_NEUTRAL = EMOTIONS.index("neutral")
_FORGET_S = 2.0


class MovementReader:
    """Measures movements on the tracker's meshes; used by one thread at a time.

    Movements are told against the person's own calm face (`CalmFaces`). The second opinion takes them against all people,
    as it was trained and measured, and is asked about fully visible faces only.

    Args:
        measures: Whether movements are measured at all.
        asks: Whether the second opinion is asked too, which needs them.

    Attributes:
        measures: As above; may be changed while running.

    Raises:
        CardError: The second opinion's files are missing or damaged.
    """

    def __init__(self, measures: bool = False, asks: bool = False) -> None:
        self.measures = measures
        self._calm = CalmFaces()
        self._opinion: SecondOpinion | None = load_second_opinion() if asks else None
        self._forget_at_s = -float("inf")

    @property
    def asks(self) -> bool:
        """Whether the second opinion is asked."""
        return self._opinion is not None

    @property
    def on(self) -> bool:
        """Whether there is anything to do."""
        return self.measures or self._opinion is not None

    def set_asks(self, asks: bool) -> None:
        """Ask the second opinion from now on, or no more.

        Raises:
            CardError: Its files are missing or damaged.
        """
        if asks != self.asks:
            self._opinion = load_second_opinion() if asks else None

    def read(
        self, time_s: float, faces: Sequence[FaceTrack], predictions: Sequence[Prediction]
    ) -> tuple[Prediction, ...]:
        """Return the predictions with movements, and with a second opinion where one was given.

        Args:
            time_s: The frame's time.
            faces: Its faces.
            predictions: What was read from them, smoothed, in the same order.
        """
        if not faces:
            return tuple(predictions)
        self._forget(time_s)
        found = movements(np.stack([face.landmarks for face in faces]), [face.occlusion for face in faces])
        opinions = self._opinions(faces, predictions, found)
        return tuple(
            replace(
                prediction,
                movements=read_only(self._calm.relative(face.id, time_s, row, neutral, face.occlusion)),
                second_opinion=opinion,
            )
            for face, prediction, row, neutral, opinion in zip(
                faces,
                predictions,
                found,
                [float(each.emotion[_NEUTRAL]) for each in predictions],
                opinions,
                strict=True,
            )
        )

    def reset(self) -> None:
        """Forget all people, as after a jump in time."""
        self._calm.forget(float("inf"))
        self._forget_at_s = -float("inf")

    def _opinions(
        self, faces: Sequence[FaceTrack], predictions: Sequence[Prediction], found: Floats
    ) -> list[Opinion | None]:
        if self._opinion is None:
            return [None] * len(faces)
        visible = np.array([face.occlusion == "none" for face in faces])
        taken = np.where(visible[:, None], found, np.float32(np.nan))
        return self._opinion.opinions(np.stack([each.emotion for each in predictions]), taken)

    def _forget(self, time_s: float) -> None:
        if time_s >= self._forget_at_s:
            self._calm.forget(time_s - _FORGET_S)
            self._forget_at_s = time_s + _FORGET_S
