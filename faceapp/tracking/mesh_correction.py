"""Puts the mesh of a half-hidden face in place: what is seen by mesh and network, what is hidden by the network."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from engines.card import Occlusion
from engines.preprocess import ALIGNMENT_POINTS, inverse_matrix, points_matrix
from faceapp.types import Floats

SETTLING_S = 0.15
"""Time constant of the average over corrections: a mesh drifts slowly, while the network's points scatter."""
_GAP_S = 0.5
_UPPER, _LOWER = slice(0, 5), slice(5, 10)  # eyes and nose bridge; nose base and mouth
_Doubles = npt.NDArray[np.float64]


def _of_points(upper: float, lower: float) -> _Doubles:
    values = np.empty(len(ALIGNMENT_POINTS))
    values[_UPPER], values[_LOWER] = upper, lower
    return values


TRUST: dict[Occlusion, _Doubles] = {
    "none": _of_points(1.0, 1.0),
    "headset": _of_points(0.0, 0.3),
    "mask": _of_points(1.0, 0.25),
    "hidden": _of_points(0.5, 0.5),
}
"""How far the mesh is believed about each alignment point; the network for the rest."""
WEIGHT: dict[Occlusion, _Doubles] = {
    "none": _of_points(1.0, 1.0),
    "headset": _of_points(1.0, 4.0),
    "mask": _of_points(16.0, 1.0),
    "hidden": _of_points(1.0, 1.0),
}
"""How much each point's distance counts in the fit: what is seen must stay where it is."""


@dataclass(slots=True)
class _Step:
    """Affine steps on the chip that the mesh gives, in shares of its side, float64 (2, 3) each.

    Attributes:
        time_s: Time of the last frame that it was applied to or learned from.
        wanted: The last one learned.
        matrix: The average over time, which is applied.
    """

    time_s: float
    wanted: _Doubles
    matrix: _Doubles


class MeshCorrection:
    """Averages, for each face, the step from its mesh to where mesh and network together see it.

    Measured with a drawn headset, the mesh keeps mouth and nose within 3 to 8% of the eye distance, the network within 3
    to 4%, and the mesh guesses the eyes so badly that the crop is off by a quarter of it; behind a mask it keeps the eyes
    within 1%. So each alignment point is a mean of mesh and network (`TRUST`). The step from the mesh's points to
    these is an affine map, fitted by weighted least squares (`WEIGHT`) on the chip that the mesh gives, because the mesh
    does not only shift but stretches over what it can't see. The average over steps moves with the mesh: fast motion
    costs no lag.
    """

    def __init__(self) -> None:
        self._steps: dict[int, _Step] = {}

    def learn(
        self, track_id: int, time_s: float, landmarks: Floats, seen_points: Floats, occlusion: Occlusion
    ) -> None:
        """Take in where the network sees a face.

        Args:
            track_id: The face; each has its own average.
            time_s: Time of the frame in seconds; a step backwards or a gap above 0.5 s starts afresh.
            landmarks: float32 (478, 3), the mesh, picture pixels.
            seen_points: float32 (10, 2), the alignment points by the network, picture pixels.
            occlusion: What hides the face.

        Raises:
            ValueError: Points are not finite or coincide.
        """
        to_chip = _to_chip(landmarks)
        points_matrix(seen_points, 1)  # refuses points that are no face
        mesh_points = _moved(to_chip, landmarks[list(ALIGNMENT_POINTS), :2])
        doubt = 1 - TRUST[occlusion][:, None]
        wanted = mesh_points + doubt * (_moved(to_chip, seen_points) - mesh_points)
        sources = np.column_stack([mesh_points, np.ones(len(mesh_points))])
        roots = np.sqrt(WEIGHT[occlusion])[:, None]
        matrix: _Doubles = np.linalg.lstsq(roots * sources, roots * wanted, rcond=None)[0].T
        step = self._steps.get(track_id)
        if step is None or not 0 <= time_s - step.time_s <= _GAP_S:
            self._steps[track_id] = _Step(time_s, matrix, matrix)
        else:
            step.wanted = matrix

    def applied(self, track_id: int, time_s: float, landmarks: Floats) -> Floats:
        """Return a face's mesh where it belongs, by what was learned; as it is for a face never learned about.

        Args:
            track_id: The face.
            time_s: Time of the frame in seconds.
            landmarks: float32 (478, 3), the mesh, picture pixels.

        Returns:
            float32 (478, 3), picture pixels; z is scaled like x and y.

        Raises:
            ValueError: The mesh is not finite or its points coincide.
        """
        step = self._steps.get(track_id)
        if step is None:
            return landmarks.copy()
        share = -math.expm1(-max(time_s - step.time_s, 0.0) / SETTLING_S)
        step.matrix, step.time_s = step.matrix + share * (step.wanted - step.matrix), time_s
        return _applied(landmarks, _to_chip(landmarks), step.matrix)

    def drop(self, track_id: int) -> None:
        """Forget what was learned of one face, because its mesh was put elsewhere."""
        self._steps.pop(track_id, None)

    def forget(self, before_s: float) -> None:
        """Drop the faces last corrected before that time."""
        self._steps = {key: step for key, step in self._steps.items() if step.time_s >= before_s}


def _to_chip(landmarks: Floats) -> _Doubles:
    return points_matrix(landmarks[list(ALIGNMENT_POINTS), :2], 1).astype(np.float64)


def _moved(matrix: _Doubles, points: Floats) -> _Doubles:
    moved: _Doubles = points.astype(np.float64) @ matrix[:, :2].T + matrix[:, 2]
    return moved


def _applied(landmarks: Floats, to_chip: _Doubles, step: _Doubles) -> Floats:
    """Return a mesh after a step on its chip."""
    matrices = inverse_matrix(to_chip), step, to_chip
    back, change, there = (np.vstack([matrix, [0, 0, 1]]) for matrix in matrices)
    whole = back @ change @ there
    placed = np.empty_like(landmarks)
    placed[:, :2] = _moved(whole[:2], landmarks[:, :2])
    placed[:, 2] = landmarks[:, 2] * math.sqrt(abs(float(np.linalg.det(step[:2, :2]))))
    return placed
