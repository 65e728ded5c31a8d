"""What hides each face, decided so that it does not flicker: evidence over time, and a lead that is needed."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from engines.card import OCCLUSIONS, Occlusion
from faceapp.types import Floats

SETTLING_S = 0.25
"""Time constant of the average over what the network says. With the lead below, a headset put on at once is
followed after 0.31 s, and a hand that passes within 0.3 s changes nothing."""
CHANGE_LEAD = 0.4
"""By how much the average probability of another occlusion must exceed the present one's to be believed."""
HIDE_LEAD = 0.65
"""The same for "hidden": to fall silent takes more, 0.46 s of full certainty, than to speak again."""
_LARGEST_SHARE = 0.5  # of one look: however far apart, two are needed for a change
AFRESH_S = 2.0
"""What was seen of a face before a longer gap says nothing about now."""
_HIDDEN = OCCLUSIONS.index("hidden")


@dataclass(slots=True)
class _Evidence:
    """What is believed of one face, and why."""

    time_s: float
    average: Floats
    count: int
    index: int


class OcclusionSwitch:
    """Turns what a network says of single pictures into a state of each face that changes only for a reason.

    The probabilities are averaged exponentially over the frames' own time (average += w (p - average) with
    w = 1 - exp(-dt / 0.25 s), at least 1 / looks while a face is new, at most 1/2), and the state changes when the average
    of another one leads by enough. The rate at which a face is looked at does not matter, only the time.
    At its first sight a face is what it most probably is: single pictures need no patience.
    """

    def __init__(self) -> None:
        self._faces: dict[int, _Evidence] = {}

    def update(self, track_id: int, time_s: float, probabilities: Floats) -> Occlusion:
        """Return what hides a face now.

        Args:
            track_id: The face.
            time_s: Time of the frame in seconds; a step backwards or a gap above 2 s starts afresh.
            probabilities: float32 (4,), in the order of `engines.card.OCCLUSIONS`.
        """
        face = self._faces.get(track_id)
        elapsed_s = time_s - face.time_s if face is not None else math.inf
        if face is None or not 0 <= elapsed_s <= AFRESH_S:
            face = _Evidence(time_s, np.array(probabilities), 1, int(np.argmax(probabilities)))
            self._faces[track_id] = face
            return OCCLUSIONS[face.index]
        if elapsed_s > 0:
            face.count += 1
            share = min(max(-math.expm1(-elapsed_s / SETTLING_S), 1 / face.count), _LARGEST_SHARE)
            face.average = face.average + np.float32(share) * (probabilities - face.average)
            face.time_s = time_s
            _decide(face)
        return OCCLUSIONS[face.index]

    def kind(self, track_id: int) -> Occlusion:
        """Return what was last decided of a face; "none" for one never looked at."""
        face = self._faces.get(track_id)
        return "none" if face is None else OCCLUSIONS[face.index]

    def certainty(self, track_id: int) -> float:
        """Return the average probability of what was decided; 0 for a face never looked at."""
        face = self._faces.get(track_id)
        return 0.0 if face is None else float(face.average[face.index])

    def forget(self, before_s: float) -> None:
        """Drop the faces last looked at before that time."""
        self._faces = {key: face for key, face in self._faces.items() if face.time_s >= before_s}


def _decide(face: _Evidence) -> None:
    """Change the state where another one's average is beyond doubt."""
    wanted = int(face.average.argmax())
    if wanted == face.index:
        return
    lead = HIDE_LEAD if wanted == _HIDDEN else CHANGE_LEAD
    if face.average[wanted] - face.average[face.index] >= lead:
        face.index = wanted
