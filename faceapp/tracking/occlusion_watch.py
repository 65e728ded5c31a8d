"""Watches what hides the faces that are followed, keeps their meshes in place, and holds on to those the mesh has lost."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from engines.card import OCCLUSIONS, Occlusion
from engines.preprocess import ALIGNMENT_POINTS, alignment_matrix
from engines.visibility import VisibilityReader, moved_landmarks
from faceapp.settings import OcclusionMode
from faceapp.tracking.mesh_correction import MeshCorrection
from faceapp.tracking.mesh_graph import FaceMesh
from faceapp.tracking.occlusion_switch import OcclusionSwitch
from faceapp.tracking.regions import Box, mesh_box
from faceapp.tracking.seen_face import Look, SeenFace
from faceapp.types import Floats, Image

LOOK_PERIOD_S = 0.1
"""How often a face is looked at while there is no doubt about what hides it; else it is looked at in every frame."""
_NO_DOUBT_AT = 0.9
_HELD: tuple[Occlusion, ...] = ("headset", "mask")
HOLD_AT = 0.5
"""A face that the mesh network has lost is held while headset and mask together are more probable than this."""
_LEAST_CONFIDENCE = 0.1
"""The face detector renews its confidence in one face a second. Held without a mesh, a face that it does not see
either is given up after two to three of its looks."""
_LARGEST_MOVE = 0.35  # of the face's box from where its motion carries it to where the points say it is
_LARGEST_GROWTH = 1.35
_LARGEST_DRIFT = 1 / 3  # of the eye distance
_UPRIGHT_WITHIN_DEG = 50.0
_LEAST_SIDEWAYS_SCORE = 0.7
_OUTER_EYES = 0, 3  # among the alignment points
_TIME_TOLERANCE_S = 1e-6


class OcclusionWatch:
    """Asks the visibility network about faces, one batch a frame, and decides face by face with hysteresis.

    A plain face keeps MediaPipe's mesh as it is. The mesh of a half-hidden one drifts, so it is moved to where
    mesh and network together see the face (see `MeshCorrection`). The mesh network goes on from its own mesh until
    that is off by a third of the eye distance: meshes from regions that move with every correction tremble
    (measured under a drawn headset: crops by 1.9% of the eye distance a frame instead of 1.2%).

    Where the mesh network sees no face any more, the last mesh moved onto the points is the face, for as long as
    the network sees a headset or a mask on it.

    Used by one thread.

    Args:
        reader: Looks; the watch closes it. None: nothing is ever said to be hidden, except by `mode`.
        mode: What hides every face, or "auto" for what is seen.

    Attributes:
        mode: As above; may be set from any thread.
    """

    def __init__(self, reader: VisibilityReader | None, mode: OcclusionMode = "auto") -> None:
        self.mode: OcclusionMode = mode
        self._reader = reader
        self._size = reader.card.input.size if reader is not None else 0
        self._switch = OcclusionSwitch()
        self._correction = MeshCorrection()

    def follow(
        self,
        image: Image,
        time_s: float,
        last: Sequence[tuple[SeenFace, Box]],
        meshes: Sequence[FaceMesh | None],
    ) -> tuple[list[FaceMesh | None], list[Look | None]]:
        """Look at the faces of the last frame that are due, and hold on to those the mesh network has lost.

        Args:
            image: uint8 (H, W, 3) RGB.
            time_s: Time of the frame in seconds.
            last: The faces of the last frame and where each should be now.
            meshes: What the mesh network saw of each.

        Returns:
            The meshes, those held on to among them, and what was said of each; None where nothing was asked.
        """
        places = [
            self._placed(face, time_s, mesh.landmarks) if mesh is not None else _carried(face, expected)
            for (face, expected), mesh in zip(last, meshes, strict=True)
        ]
        due = [
            self._due(face, time_s) if mesh is not None else face.occlusion in _HELD
            for (face, _), mesh in zip(last, meshes, strict=True)
        ]
        looks = self._looks(image, places, due)
        kept = [
            mesh if mesh is not None or look is None else _held(face, place, look)
            for (face, _), mesh, place, look in zip(last, meshes, places, looks, strict=True)
        ]
        return kept, looks

    def look_at_new(self, image: Image, time_s: float, faces: Sequence[SeenFace]) -> list[SeenFace]:
        """Look at the faces that are due and were not looked at in this frame; return all of them."""
        due = [face.look is None and self._due(face, time_s) for face in faces]
        looks = self._looks(image, [face.mesh.landmarks for face in faces], due)
        return [
            face if look is None else replace(face, look=look)
            for face, look in zip(faces, looks, strict=True)
        ]

    def settled(self, track_id: int, time_s: float, face: SeenFace) -> SeenFace:
        """Return the face with what was decided hides it, its mesh where it belongs."""
        if face.look is not None and self.mode == "auto":
            kind = self._switch.update(track_id, time_s, face.look.probabilities)
        else:
            kind = self._switch.kind(track_id) if self.mode == "auto" else self.mode
        look_at_s = face.look_at_s
        if face.look is not None:
            sure = self._is_sure(track_id, kind, face.look)
            look_at_s = time_s + LOOK_PERIOD_S - _TIME_TOLERANCE_S if sure else -math.inf
        face = replace(face, track_id=track_id, occlusion=kind, look_at_s=look_at_s, placed=None)
        if kind == "none" and self.mode == "auto" and self._reader is not None and _is_doubtful(face):
            return replace(face, occlusion="hidden")
        return face if kind == "none" or face.held else self._moved(track_id, time_s, face)

    def forget(self, before_s: float) -> None:
        """Drop what is known of faces last looked at before that time."""
        self._switch.forget(before_s)
        self._correction.forget(before_s)

    def close(self) -> None:
        """Release the network."""
        if self._reader is not None:
            self._reader.close()
            self._reader = None

    def _is_sure(self, track_id: int, kind: Occlusion, look: Look) -> bool:
        """Say whether this look and those before leave no doubt; where a mode is forced there is none."""
        if self.mode != "auto":
            return True
        seen = float(look.probabilities[OCCLUSIONS.index(kind)])
        return min(seen, self._switch.certainty(track_id)) >= _NO_DOUBT_AT

    def _moved(self, track_id: int, time_s: float, face: SeenFace) -> SeenFace:
        """Return the face with its mesh where mesh and network together put it; as it is where the points are no face."""
        try:
            if face.look is not None:
                self._correction.learn(
                    track_id, time_s, face.mesh.landmarks, face.look.points, face.occlusion
                )
            landmarks = self._correction.applied(track_id, time_s, face.mesh.landmarks)
        except ValueError:
            return face
        landmarks.setflags(write=False)
        face = replace(face, placed=landmarks)
        if _distance(face.mesh.landmarks, landmarks) < _LARGEST_DRIFT:
            return face
        self._correction.drop(track_id)  # the mesh starts anew from where the face is
        return replace(face, mesh=replace(face.mesh, landmarks=landmarks), box=mesh_box(landmarks))

    def _placed(self, face: SeenFace, time_s: float, landmarks: Floats) -> Floats:
        """Return where a followed face's mesh belongs by what was learned before: the better place to look at."""
        if face.occlusion == "none":
            return landmarks
        try:
            return self._correction.applied(face.track_id, time_s, landmarks)
        except ValueError:
            return landmarks

    def _due(self, face: SeenFace, time_s: float) -> bool:
        return self.mode != "none" and time_s >= face.look_at_s

    def _looks(self, image: Image, places: Sequence[Floats], due: Sequence[bool]) -> list[Look | None]:
        looks: list[Look | None] = [None] * len(places)
        indices, matrices = [], []
        for index, landmarks in enumerate(places):
            if due[index] and self._reader is not None and (matrix := self._matrix(landmarks)) is not None:
                indices.append(index)
                matrices.append(matrix)
        if self._reader is not None and matrices:
            seen = self._reader.look(image, matrices)
            for index, probabilities, points in zip(indices, seen.occlusion, seen.points, strict=True):
                looks[index] = Look(probabilities, points)
        return looks

    def _matrix(self, landmarks: Floats) -> Floats | None:
        try:
            return alignment_matrix(landmarks, self._size)
        except ValueError:  # a degenerate mesh can't be looked at
            return None


def _carried(face: SeenFace, expected: Box) -> Floats:
    """Return the last mesh where its motion carries it."""
    (x_px, y_px), (before_x_px, before_y_px) = expected.centre, face.box.centre
    carried: Floats = face.landmarks + np.array((x_px - before_x_px, y_px - before_y_px, 0), dtype=np.float32)
    return carried


def _distance(first: Floats, second: Floats) -> float:
    """Return the mean distance of the alignment points of two meshes, in eye distances of the second."""
    before, now = (landmarks[list(ALIGNMENT_POINTS), :2] for landmarks in (first, second))
    gaps, eyes = before - now, now[_OUTER_EYES[0]] - now[_OUTER_EYES[1]]
    return float(np.hypot(gaps[:, 0], gaps[:, 1]).mean() / max(np.hypot(*eyes), 1e-6))


def _is_doubtful(face: SeenFace) -> bool:
    """Say whether a face that nothing seems to hide lies on its side and is hardly believed to be one.

    Seen from the side, the cameras on the front of a headset are eyes and mouth to mesh and visibility network, where a
    mask hides the rest of the face. Two faces that were tried on their side scored 0.85, upside down 0.74, such fronts 0.64.
    """
    rightmost, leftmost = face.mesh.landmarks[[ALIGNMENT_POINTS[place] for place in _OUTER_EYES], :2]
    across_px, down_px = (float(distance) for distance in leftmost - rightmost)
    on_its_side = abs(down_px) > across_px * math.tan(math.radians(_UPRIGHT_WITHIN_DEG))
    return on_its_side and face.mesh.presence * face.confidence < _LEAST_SIDEWAYS_SCORE


def _held(face: SeenFace, place: Floats, look: Look) -> FaceMesh | None:
    """Return the last mesh on the points of a face that the mesh network lost; None where there is no such face."""
    presence = sum(float(look.probabilities[OCCLUSIONS.index(kind)]) for kind in _HELD)
    if presence < HOLD_AT or face.confidence < _LEAST_CONFIDENCE:
        return None
    try:
        landmarks = moved_landmarks(place, look.points)
    except ValueError:
        return None
    before, now = mesh_box(place), mesh_box(landmarks)
    (x_px, y_px), (before_x_px, before_y_px) = now.centre, before.centre
    moved = math.hypot(x_px - before_x_px, y_px - before_y_px)
    growth = max(now.side, before.side) / max(min(now.side, before.side), 1e-6)
    if moved > _LARGEST_MOVE * before.side or growth > _LARGEST_GROWTH:
        return None
    return FaceMesh(landmarks, presence)
