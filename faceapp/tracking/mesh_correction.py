"""How far a mesh has drifted from a half-hidden face: the visibility network's word against the mesh's, over time."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from engines.preprocess import ALIGNMENT_TEMPLATE, points_matrix
from faceapp.types import Floats

SETTLING_S = 0.3
"""Time constant of the average over corrections: a mesh drifts slowly, while the network's points scatter."""
EYE_DISTANCE = float(ALIGNMENT_TEMPLATE[3, 0] - ALIGNMENT_TEMPLATE[0, 0])
"""Distance between the outer eye corners on an aligned chip, in shares of its side."""
# On a chip of one pixel: coordinates count from the pixel's centre.
_TEMPLATE = ALIGNMENT_TEMPLATE.astype(np.float64) @ (1.0, 1j) - (0.5 + 0.5j)
_GAP_S = 0.5


@dataclass(slots=True)
class _Drift:
    """Similarity z -> turn * z + shift on the chip of the mesh, in shares of its side, that aligns the face."""

    time_s: float
    turn: complex
    shift: complex


class MeshCorrection:
    """Averages, for each face, the step from the mesh's alignment to the network's.

    On the chip that the mesh gives, the network's points say where the face lies really: a similarity that is the
    identity while both agree. Its average moves with the mesh, so fast motion costs no lag.
    """

    def __init__(self) -> None:
        self._drifts: dict[int, _Drift] = {}

    def update(
        self, track_id: int, time_s: float, mesh_points: Floats, seen_points: Floats, tolerance: float
    ) -> Floats:
        """Return where a face's alignment points are.

        Args:
            track_id: The face; each has its own average.
            time_s: Time of the frame in seconds; a step backwards or a gap above 0.5 s starts afresh.
            mesh_points: float32 (10, 2), the alignment points by the mesh, picture pixels.
            seen_points: float32 (10, 2), the same by the network.
            tolerance: Disagreement, in eye distances, that is put down to the network and not corrected.

        Returns:
            float32 (10, 2), picture pixels.

        Raises:
            ValueError: Points are not finite or coincide.
        """
        mesh = _similarity(points_matrix(mesh_points, 1))
        seen = _similarity(points_matrix(seen_points, 1))
        turn = seen[0] / mesh[0]
        shift = seen[1] - turn * mesh[1]
        drift = self._drifts.get(track_id)
        elapsed_s = time_s - drift.time_s if drift is not None else math.inf
        if drift is None or not 0 <= elapsed_s <= _GAP_S:
            drift = self._drifts[track_id] = _Drift(time_s, turn, shift)
        elif elapsed_s > 0:
            share = -math.expm1(-elapsed_s / SETTLING_S)
            drift.turn += share * (turn - drift.turn)
            drift.shift += share * (shift - drift.shift)
            drift.time_s = time_s
        turn, shift = _beyond(drift, tolerance)
        wanted = ((_TEMPLATE - shift) / turn - mesh[1]) / mesh[0]
        points: Floats = np.stack([wanted.real, wanted.imag], axis=1).astype(np.float32)
        return points

    def forget(self, before_s: float) -> None:
        """Drop the faces last corrected before that time."""
        self._drifts = {key: drift for key, drift in self._drifts.items() if drift.time_s >= before_s}


def _beyond(drift: _Drift, tolerance: float) -> tuple[complex, complex]:
    """Return the part of a drift that is beyond the tolerance, so that it grows from nothing without a step."""
    moves = drift.turn * _TEMPLATE + drift.shift - _TEMPLATE
    size = float(np.sqrt(np.mean(np.abs(moves) ** 2))) / EYE_DISTANCE
    share = max(0.0, 1 - tolerance / size) if size > 0 else 0.0
    return 1 + share * (drift.turn - 1), share * drift.shift


def _similarity(matrix: Floats) -> tuple[complex, complex]:
    """Return a (2, 3) similarity as complex numbers: z -> first * z + second."""
    return complex(matrix[0, 0], matrix[1, 0]), complex(matrix[0, 2], matrix[1, 2])
