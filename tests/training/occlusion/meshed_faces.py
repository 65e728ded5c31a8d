"""Made-up faces with a real mesh: that of the astronaut, laid on every picture."""

from __future__ import annotations

import dataclasses
from pathlib import Path

import numpy as np

from engines.preprocess import alignment_matrix
from tests.training.made_faces import made_faces
from training.data.face_cuts import UNIT_SIZE
from training.data.prepared import PreparedFaces

MESH = Path(__file__).parents[2] / "data" / "astronaut_landmarks.npy"


def mesh_of(side: int) -> np.ndarray:
    """The astronaut's mesh on a square picture that shows the face as an aligned chip does."""
    mesh = np.load(MESH).astype(np.float32)
    matrix = alignment_matrix(mesh, side)
    laid = mesh.copy()
    laid[:, :2] = mesh[:, :2] @ matrix[:, :2].T + matrix[:, 2]
    laid[:, 2] *= np.sqrt(abs(np.linalg.det(matrix[:, :2])))
    return laid


def meshed_faces(name: str, count: int = 24, side: int = 48) -> PreparedFaces:
    """Faces of `made_faces`; every second one has a mesh."""
    faces = made_faces(name, count, side)
    mesh = mesh_of(side)
    landmarks = np.full((count, *mesh.shape), np.nan, np.float32)
    landmarks[::2] = mesh
    aligned = np.full((count, 2, 3), np.nan, np.float32)
    aligned[::2] = alignment_matrix(mesh, UNIT_SIZE)
    return dataclasses.replace(faces, landmarks=landmarks, aligned=aligned)
