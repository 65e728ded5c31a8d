"""What is seen is the mesh's word, what is hidden the network's, averaged over time but not over motion."""

from __future__ import annotations

import numpy as np
import pytest

from engines.card import OCCLUSIONS, Occlusion
from engines.preprocess import ALIGNMENT_POINTS
from faceapp.tracking.mesh_correction import TRUST, WEIGHT, MeshCorrection
from faceapp.types import Floats
from tests.faceapp.tracking.meshes import face_mesh

POINTS = list(ALIGNMENT_POINTS)
UPPER, LOWER = POINTS[:5], POINTS[5:]
EYES_PX = 62.5  # between the outer eye corners of a face 100 pixels wide


def points(mesh: Floats) -> Floats:
    return mesh[POINTS, :2]


def update(
    correction: MeshCorrection, track_id: int, time_s: float, mesh: Floats, seen: Floats, kind: Occlusion
) -> Floats:
    """Learn from one look and correct the mesh it was made on."""
    correction.learn(track_id, time_s, mesh, seen, kind)
    return correction.applied(track_id, time_s, mesh)


def gap(found: Floats, wanted: Floats, indices: list[int]) -> float:
    """Return the mean distance between points of two meshes, in eye distances."""
    gaps = found[indices, :2] - wanted[indices, :2]
    return float(np.hypot(gaps[:, 0], gaps[:, 1]).mean()) / EYES_PX


@pytest.mark.parametrize("kind", OCCLUSIONS)
def test_where_both_agree_the_mesh_stays(kind: Occlusion) -> None:
    mesh = face_mesh(angles_deg=(20, 10, 15))
    found = update(MeshCorrection(), 1, 0.0, mesh, points(mesh), kind)
    np.testing.assert_allclose(found, mesh, atol=0.02)


def test_a_mesh_stretched_over_a_headset_is_put_in_place() -> None:
    """The mesh has mouth and nose right and the eyes too low; the network knows the eyes."""
    truth = face_mesh()
    stretched = truth.copy()
    above = truth[:, 1] < truth[2, 1]
    stretched[above, 1] += 0.3 * (truth[2, 1] - truth[above, 1])
    found = update(MeshCorrection(), 1, 0.0, stretched, points(truth), "headset")
    assert gap(stretched, truth, UPPER) > 0.1
    assert gap(found, truth, UPPER) < 0.02
    assert gap(found, truth, LOWER) < 0.03


def test_behind_a_mask_the_eyes_stay_where_the_mesh_sees_them() -> None:
    mesh = face_mesh()
    wrong = points(mesh) + np.float32((0.06 * EYES_PX, 0))
    found = update(MeshCorrection(), 1, 0.0, mesh, wrong, "mask")
    assert gap(found, mesh, UPPER) < 0.01
    assert 0.03 < gap(found, mesh, LOWER) < 0.05


def test_scatter_is_averaged_and_motion_is_not() -> None:
    """A face that moves by 2 eye distances a second, a network whose points scatter by 4% of one."""
    chance, correction = np.random.default_rng(0), MeshCorrection()
    errors, alone = [], []
    for index in range(150):
        truth = face_mesh(200 + 2 * EYES_PX * index / 30)
        drifted = truth + np.float32((0, 0.1 * EYES_PX, 0))
        seen = points(truth) + chance.normal(0, 0.04 * EYES_PX, (10, 2)).astype(np.float32)
        found = update(correction, 1, index / 30, drifted, seen, "headset")
        errors.append(gap(found, truth, UPPER))
        alone.append(gap(update(MeshCorrection(), 1, 0.0, drifted, seen, "headset"), truth, UPPER))
    assert np.mean(errors[30:]) < 0.5 * np.mean(alone[30:])
    assert np.mean(errors[30:]) < 0.025


def test_the_average_does_not_depend_on_the_rate() -> None:
    mesh, moved = face_mesh(), face_mesh() + np.float32((0.2 * EYES_PX, 0, 0))
    settled = []
    for rate_hz in (10, 120):
        correction = MeshCorrection()
        update(correction, 1, 0.0, mesh, points(mesh), "headset")
        for index in range(1, round(0.3 * rate_hz) + 1):
            found = update(correction, 1, index / rate_hz, mesh, points(moved), "headset")
        settled.append(gap(found, mesh, UPPER))
    assert settled[0] == pytest.approx(settled[1], rel=0.02)
    assert 0.1 < settled[0] < 0.19


def test_faces_are_apart_and_start_afresh() -> None:
    mesh, moved = face_mesh(), face_mesh() + np.float32((0.2 * EYES_PX, 0, 0))
    correction = MeshCorrection()

    def gap_of(track_id: int, time_s: float, seen: Floats) -> float:
        return gap(update(correction, track_id, time_s, mesh, points(seen), "headset"), mesh, UPPER)

    assert gap_of(1, 0.0, moved) > 0.1
    assert gap_of(2, 0.0, mesh) < 1e-3, "another face"
    assert gap_of(1, 0.8, mesh) < 1e-3, "after a gap"
    assert gap_of(1, 0.4, moved) > 0.1, "after a step backwards"
    correction.forget(1.0)
    assert gap_of(1, 0.5, mesh) < 1e-3, "after being forgotten"


def test_points_that_are_no_face_are_refused() -> None:
    for bad in (np.full((10, 2), np.nan, dtype=np.float32), np.zeros((10, 2), dtype=np.float32)):
        with pytest.raises(ValueError, match="landmarks: expected"):
            update(MeshCorrection(), 1, 0.0, face_mesh(), bad, "headset")


def test_size_and_depth_go_together() -> None:
    mesh = face_mesh()
    larger = (mesh - mesh.mean(axis=0)) * np.float32(1.2) + mesh.mean(axis=0)
    found = update(MeshCorrection(), 1, 0.0, mesh, points(larger), "hidden")
    assert np.ptp(found[:, 2]) == pytest.approx(np.ptp(mesh[:, 2]) * 1.1, rel=0.02)


@pytest.mark.parametrize(
    ("kind", "seen", "hidden", "most"), [("headset", LOWER, UPPER, 0.65), ("mask", UPPER, LOWER, 0.1)]
)
def test_what_no_affine_step_reaches_is_left_to_the_hidden_points(
    kind: Occlusion, seen: list[int], hidden: list[int], most: float
) -> None:
    """With all points counting alike, the shares of the seen points' gap in the hidden ones' are 0.74 and 0.23."""
    chance, mesh = np.random.default_rng(3), face_mesh()
    gaps = []
    for _ in range(50):
        scattered = points(mesh) + chance.normal(0, 0.05 * EYES_PX, (10, 2)).astype(np.float32)
        wanted = mesh.copy()
        wanted[POINTS, :2] += (1 - TRUST[kind][:, None]) * (scattered - points(mesh))
        found = update(MeshCorrection(), 1, 0.0, mesh, scattered, kind)
        gaps.append((gap(found, wanted, seen), gap(found, wanted, hidden)))
    of_seen, of_hidden = np.mean(gaps, axis=0)
    assert of_seen < most * of_hidden


def test_every_occlusion_has_its_trust() -> None:
    assert set(TRUST) == set(WEIGHT) == set(OCCLUSIONS)
    assert all(((trust >= 0) & (trust <= 1)).all() for trust in TRUST.values())


def test_between_looks_what_was_learned_moves_with_the_mesh() -> None:
    correction = MeshCorrection()
    mesh, truth = face_mesh(), face_mesh() + np.float32((0.2 * EYES_PX, 0, 0))
    placed = update(correction, 1, 0.0, mesh, points(truth), "headset")
    motion = np.float32((30, 10, 0))
    np.testing.assert_allclose(correction.applied(1, 0.03, mesh + motion), placed + motion, atol=0.01)
    np.testing.assert_array_equal(correction.applied(2, 0.03, mesh), mesh)
