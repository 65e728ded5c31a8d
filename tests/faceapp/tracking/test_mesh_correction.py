"""The network corrects a mesh that drifts, not one that it merely sees a little differently."""

from __future__ import annotations

import numpy as np
import pytest

from engines.preprocess import ALIGNMENT_POINTS, points_matrix
from faceapp.tracking.mesh_correction import EYE_DISTANCE, MeshCorrection
from faceapp.types import Floats
from tests.faceapp.tracking.meshes import face_mesh

POINTS = list(ALIGNMENT_POINTS)
EYES_PX = 62.5  # between the outer eye corners of a face 100 pixels wide


def points(x_px: float = 300, y_px: float = 200, size_px: float = 100, roll_deg: float = 0) -> Floats:
    return face_mesh(x_px, y_px, size_px, (0, 0, roll_deg))[POINTS, :2]


def gap(found: Floats, wanted: Floats) -> float:
    """Return how far two alignments are apart on the chip, in eye distances."""
    corners = np.vstack([found, wanted, [[200, 150], [400, 250]]])
    homogeneous = np.column_stack([corners, np.ones(len(corners))])
    here, there = (homogeneous @ points_matrix(one, 48).T for one in (found, wanted))
    return float(np.abs(here - there).max()) / (48 * EYE_DISTANCE)


def test_the_first_word_counts_in_full() -> None:
    seen = points(306, 195, 108, 6)
    found = MeshCorrection().update(1, 0.0, points(), seen, tolerance=0)
    assert gap(found, seen) < 1e-3
    assert gap(found, points()) > 0.05


def test_agreement_within_the_tolerance_leaves_the_mesh_alone() -> None:
    mesh = points()
    found = MeshCorrection().update(1, 0.0, mesh, points(300 + 0.04 * EYES_PX), tolerance=0.05)
    assert gap(found, mesh) < 1e-3


def test_what_exceeds_the_tolerance_grows_without_a_step() -> None:
    mesh, corrected = points(), []
    for drift in np.linspace(0, 0.3, 61):
        found = MeshCorrection().update(1, 0.0, mesh, points(300 + drift * EYES_PX), tolerance=0.05)
        corrected.append(gap(found, mesh))
    assert np.abs(np.diff(corrected)).max() < 0.012
    assert corrected[-1] == pytest.approx(0.25, abs=0.03)


def test_scatter_is_averaged_and_motion_is_not() -> None:
    """A face that moves by 2 eye distances a second, a network that scatters by 4% of one."""
    chance, correction = np.random.default_rng(0), MeshCorrection()
    errors, raw_errors = [], []
    for index in range(150):
        x_px = 200 + 2 * EYES_PX * index / 30
        truth = points(x_px)
        mesh = points(x_px + 0.1 * EYES_PX)  # drifted
        seen = truth + chance.normal(0, 0.04 * EYES_PX, 2).astype(np.float32)
        found = correction.update(1, index / 30, mesh, seen, tolerance=0)
        errors.append(gap(found, truth))
        raw_errors.append(gap(seen, truth))
    assert np.mean(errors[30:]) < 0.5 * np.mean(raw_errors[30:])
    assert np.mean(errors[30:]) < 0.02


def test_the_average_does_not_depend_on_the_rate() -> None:
    settled = []
    for rate_hz in (10, 120):
        correction = MeshCorrection()
        correction.update(1, 0.0, points(), points(), tolerance=0)
        for index in range(1, round(0.3 * rate_hz) + 1):
            found = correction.update(1, index / rate_hz, points(), points(310), tolerance=0)
        settled.append(gap(found, points()))
    assert settled[0] == pytest.approx(settled[1], rel=0.02)


def test_faces_are_apart_and_start_afresh() -> None:
    correction = MeshCorrection()
    correction.update(1, 0.0, points(), points(310), tolerance=0)
    assert gap(correction.update(2, 0.0, points(), points(), tolerance=0), points()) < 1e-3
    assert gap(correction.update(1, 1.0, points(), points(), tolerance=0), points()) < 1e-3
    correction.update(1, 1.0, points(), points(330), tolerance=0)
    correction.forget(2.0)
    assert gap(correction.update(1, 1.1, points(), points(320), tolerance=0), points(320)) < 1e-3
    with pytest.raises(ValueError, match="finite"):
        correction.update(1, 1.2, points(), points() * np.nan, tolerance=0)
