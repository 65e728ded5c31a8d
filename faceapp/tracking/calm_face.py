"""The calm face of each person: what their movements are measured against once it is known."""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass, field

import numpy as np

from engines.card import Occlusion
from faceapp.types import Floats

CALM_AT = 0.5
"""A face counts as calm while the network gives "neutral" at least this probability."""
SAMPLE_EVERY_S = 0.25
_SAMPLES = 64
_DOUBT = 8
"""Samples after which a person's own calm face counts as much as that of all people: two seconds."""


@dataclass(slots=True)
class _Calm:
    occlusion: Occlusion
    samples: deque[Floats] = field(default_factory=lambda: deque(maxlen=_SAMPLES))
    reference: Floats | None = None
    sampled_s: float = float("-inf")
    seen_s: float = float("-inf")


class CalmFaces:
    """Running medians of people's movements while they are calm.

    The median of the last 64 calm samples (16 s of calm) is taken off, drawn towards 0, the calm face of many people, while
    there are few: n / (n + 8) of it. A face of which nothing calm was seen is thus measured against all people, and no
    value jumps. What hides the face starts it afresh: other units are in sight, and the mesh lies otherwise.
    """

    def __init__(self) -> None:
        self._faces: dict[int, _Calm] = {}

    def relative(
        self, track_id: int, time_s: float, movements: Floats, neutral: float, occlusion: Occlusion
    ) -> Floats:
        """Return one face's movements against its own calm face, and learn from them where it is calm.

        Args:
            track_id: The face.
            time_s: The frame's time.
            movements: float32 (units,), against all people, as `movements.movements` gives them.
            neutral: Probability of "neutral"; NaN never counts as calm.
            occlusion: What hides the face.

        Returns:
            float32 (units,).
        """
        face = self._faces.get(track_id)
        if face is None or face.occlusion != occlusion or time_s < face.seen_s:
            face = self._faces[track_id] = _Calm(occlusion)
        face.seen_s = time_s
        if neutral >= CALM_AT and time_s - face.sampled_s >= SAMPLE_EVERY_S:
            face.sampled_s = time_s
            face.samples.append(movements)
            count = len(face.samples)
            median = np.median(np.stack(face.samples), axis=0)
            face.reference = (median * (count / (count + _DOUBT))).astype(np.float32)
        return movements if face.reference is None else movements - face.reference

    def forget(self, before_s: float) -> None:
        """Forget faces that were not seen since."""
        self._faces = {key: face for key, face in self._faces.items() if face.seen_s >= before_s}
