from __future__ import annotations

from itertools import pairwise, product

import numpy as np
import pytest

from engines.card import EMOTIONS
from faceapp.tracking.action_units import ACTION_UNITS, MEASURED_UNITS, seen_units
from faceapp.tracking.calm_face import SAMPLE_EVERY_S, CalmFaces
from faceapp.tracking.movements import NEUTRAL_FACES, measures, movements

CODES = [unit.code for unit in MEASURED_UNITS]
# Table 3.1 of the paper, without the units it ties to no emotion.
TABLE_3_1 = {
    **{1: "surprise sadness disgust fear", 2: "surprise sadness fear", 4: "sadness anger disgust fear"},
    **{5: "surprise anger fear", 6: "happiness sadness", 7: "fear", 9: "disgust", 10: "disgust"},
    **{12: "happiness", 14: "contempt", 15: "sadness anger disgust", 17: "sadness anger disgust"},
    **{20: "fear", 23: "anger", 25: "happiness surprise"},
}
WITHOUT_EMOTION = (11, 13, 16, 18, 21, 24, 26, 27, 28, 29, 31, 34, 38, 39, 43)
INNER_BROWS, OUTER_BROWS = [107, 55, 336, 285], [70, 63, 46, 53, 300, 293, 276, 283]
UPPER_LIDS, LOWER_LIP = [160, 159, 158, 387, 386, 385], [87, 14, 317, 84, 17, 314]
CHIN = [152, 148, 377, 199, 200]


def moved(mesh: np.ndarray, *moves: tuple[list[int], tuple[float, float]]) -> np.ndarray:
    """Return the mesh with points moved by shares of the distance between the outer eye corners."""
    eyes_px = np.linalg.norm(mesh[33] - mesh[263])
    changed = mesh.copy()
    for points, (right, down) in moves:
        changed[points, :2] += np.float32(eyes_px) * np.array([right, down], dtype=np.float32)
    return changed


def changes(mesh: np.ndarray, changed: np.ndarray) -> dict[int, float]:
    """Return code -> how much the unit's intensity rose."""
    before, after = movements(np.stack([mesh, changed]))
    return dict(zip(CODES, (after - before).tolist(), strict=True))


def turned(mesh: np.ndarray, yaw_deg: float, pitch_deg: float, roll_deg: float) -> np.ndarray:
    yaw, pitch, roll = np.radians([yaw_deg, pitch_deg, roll_deg])
    about_y = np.array([[np.cos(yaw), 0, np.sin(yaw)], [0, 1, 0], [-np.sin(yaw), 0, np.cos(yaw)]])
    about_x = np.array([[1, 0, 0], [0, np.cos(pitch), -np.sin(pitch)], [0, np.sin(pitch), np.cos(pitch)]])
    about_z = np.array([[np.cos(roll), -np.sin(roll), 0], [np.sin(roll), np.cos(roll), 0], [0, 0, 1]])
    return ((mesh - mesh.mean(axis=0)) @ (about_y @ about_x @ about_z).T).astype(np.float32)


def test_units_and_emotions_are_those_of_the_table() -> None:
    assert {unit.code: set(unit.emotions) for unit in ACTION_UNITS} == {
        **{code: set(emotions.split()) for code, emotions in TABLE_3_1.items()},
        **{code: set() for code in WITHOUT_EMOTION},
    }
    assert {emotion for unit in MEASURED_UNITS for emotion in unit.emotions} == set(EMOTIONS) - {"neutral"}
    assert [unit.code for unit in ACTION_UNITS] == sorted(unit.code for unit in ACTION_UNITS)


def test_every_unit_is_measured_or_says_why_not() -> None:
    assert set(NEUTRAL_FACES) == set(CODES)
    for unit in ACTION_UNITS:
        assert unit.measure is not None or unit.remark


@pytest.mark.parametrize("unit", MEASURED_UNITS, ids=lambda unit: unit.column)
def test_a_measure_does_not_know_where_the_face_is(unit: object) -> None:
    # The weights of each axis sum to nothing, so that a shift of the whole face changes nothing.
    np.testing.assert_allclose(unit.measure.sum(axis=0), 0, atol=1e-12)  # type: ignore[attr-defined]


def test_raised_brows_raise_their_units_and_no_other(astronaut_landmarks: np.ndarray) -> None:
    inner = changes(astronaut_landmarks, moved(astronaut_landmarks, (INNER_BROWS, (0, -0.08))))
    assert inner[1] > 2
    assert inner[4] < -0.5  # the opposite movement
    assert {code for code, rise in inner.items() if abs(rise) > 0.05} == {1, 4}
    outer = changes(astronaut_landmarks, moved(astronaut_landmarks, (OUTER_BROWS, (0, -0.08))))
    assert outer[2] > 2
    assert {code for code, rise in outer.items() if abs(rise) > 0.05} == {2}


def test_lids_and_jaw_move_their_own_units(astronaut_landmarks: np.ndarray) -> None:
    wide = changes(astronaut_landmarks, moved(astronaut_landmarks, (UPPER_LIDS, (0, -0.03))))
    assert wide[5] > 1
    assert wide[43] < -1
    assert {code for code, rise in wide.items() if abs(rise) > 0.05} == {5, 43}
    fallen = changes(astronaut_landmarks, moved(astronaut_landmarks, (LOWER_LIP + CHIN, (0, 0.15))))
    assert min(fallen[25], fallen[26], fallen[27]) > 1
    assert max(abs(fallen[code]) for code in (1, 2, 4, 5, 6, 7, 9, 10, 43)) < 0.05


def test_a_smile_is_au12_and_a_frown_of_the_mouth_au15(astronaut_landmarks: np.ndarray) -> None:
    smile = changes(
        astronaut_landmarks, moved(astronaut_landmarks, ([61], (-0.05, -0.05)), ([291], (0.05, -0.05)))
    )
    assert smile[12] > 2
    assert smile[15] < -2
    assert abs(smile[14]) < 0.6  # both corners alike: hardly a sign of one side
    one_sided = changes(astronaut_landmarks, moved(astronaut_landmarks, ([61], (0, -0.06))))
    other_side = changes(astronaut_landmarks, moved(astronaut_landmarks, ([291], (0, -0.06))))
    assert min(one_sided[14], other_side[14]) > 1


@pytest.mark.parametrize("angles_deg", list(product((-40, 0, 25), (-20, 15), (-30, 30))))
def test_turning_shifting_and_growing_change_nothing(
    astronaut_landmarks: np.ndarray, angles_deg: tuple[float, float, float]
) -> None:
    elsewhere = 1.7 * turned(astronaut_landmarks, *angles_deg) + np.array([300, -40, 12], dtype=np.float32)
    np.testing.assert_allclose(movements(elsewhere[None]), movements(astronaut_landmarks[None]), atol=0.02)


def test_many_faces_at_once_are_read_as_one_by_one(astronaut_landmarks: np.ndarray) -> None:
    faces = np.stack([astronaut_landmarks, moved(astronaut_landmarks, (CHIN, (0, 0.1)))])
    together = movements(faces, ["none", "mask"])
    assert together.dtype == np.float32
    for row, face, occlusion in zip(together, faces, ("none", "mask"), strict=True):
        np.testing.assert_array_equal(row, movements(face[None], [occlusion])[0])


@pytest.mark.parametrize(
    ("occlusion", "seen"),
    [
        ("none", set(CODES)),
        ("headset", {10, 12, 14, 15, 16, 17, 18, 20, 23, 24, 25, 26, 27, 28, 29, 38, 39}),
        ("mask", {1, 2, 4, 5, 7, 43}),
        ("hidden", set()),
    ],
)
def test_what_is_hidden_is_missing(astronaut_landmarks: np.ndarray, occlusion: str, seen: set[int]) -> None:
    found = movements(astronaut_landmarks[None], [occlusion])[0]  # type: ignore[list-item]
    assert {code for code, value in zip(CODES, found, strict=True) if np.isfinite(value)} == seen
    assert {code for code, here in zip(CODES, seen_units(occlusion), strict=True) if here} == seen  # type: ignore[arg-type]


def test_a_mesh_that_is_none_is_missing_and_harms_no_other(astronaut_landmarks: np.ndarray) -> None:
    lost = np.full_like(astronaut_landmarks, np.nan)
    line = np.zeros_like(astronaut_landmarks)
    line[:, 0] = np.arange(478)
    point = np.ones_like(astronaut_landmarks)
    found = movements(np.stack([lost, astronaut_landmarks, line, point]))
    assert np.isnan(found[[0, 2, 3]]).all()
    np.testing.assert_array_equal(found[1], movements(astronaut_landmarks[None])[0])
    assert movements(np.empty((0, 478, 3), dtype=np.float32)).shape == (0, len(CODES))


def test_another_shape_is_refused(astronaut_landmarks: np.ndarray) -> None:
    with pytest.raises(ValueError, match=r"expected shape \(N, 478, 3\), found \(478, 3\)"):
        measures(astronaut_landmarks)


def test_a_calm_persons_own_face_becomes_the_reference(astronaut_landmarks: np.ndarray) -> None:
    faces, own = CalmFaces(), movements(astronaut_landmarks[None])[0]
    first = faces.relative(1, 0.0, own, 0.2, "none")
    np.testing.assert_array_equal(first, own)  # not calm: against all people
    sizes = []
    for step in range(200):
        said = faces.relative(1, 1 + step * SAMPLE_EVERY_S, own, 0.9, "none")
        sizes.append(float(np.abs(said).max()))
    assert sizes[0] > 0.8 * np.abs(own).max()  # no jump
    assert all(after <= before + 1e-6 for before, after in pairwise(sizes))
    assert sizes[-1] == pytest.approx(float(np.abs(own).max()) * 8 / 72, rel=1e-3)
    # A movement is measured whole, and does not become the reference while the face is not calm.
    raised = own + np.float32(3)
    for step in range(50):
        moving = faces.relative(1, 60 + step, raised, 0.1, "none")
    np.testing.assert_allclose(moving - said, 3, atol=1e-4)


def test_references_are_each_persons_own_and_end_with_what_was_seen(astronaut_landmarks: np.ndarray) -> None:
    faces, own = CalmFaces(), movements(astronaut_landmarks[None])[0]
    for step in range(40):
        faces.relative(1, step * 1.0, own, 0.9, "none")
    np.testing.assert_array_equal(faces.relative(2, 40, own, 0.0, "none"), own)
    masked = movements(astronaut_landmarks[None], ["mask"])[0]
    np.testing.assert_array_equal(faces.relative(1, 41, masked, 0.0, "mask"), masked)
    for step in range(40):
        faces.relative(3, step * 1.0, own, 0.9, "none")
    faces.forget(before_s=39.5)
    np.testing.assert_array_equal(faces.relative(3, 50, own, 0.0, "none"), own)
    np.testing.assert_array_equal(faces.relative(2, 51, own, float("nan"), "none"), own)
