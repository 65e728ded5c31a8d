"""Where a crop's face lies: by its mesh, by what a network sees, or the whole crop."""

from __future__ import annotations

from typing import cast

import numpy as np
import pytest

from engines.card import InputSpec, Occlusion
from engines.preprocess import ALIGNMENT_POINTS, alignment_matrix, box_matrix, points_matrix
from engines.visibility import VisibilityReader
from faceapp.tracking.face_crops import PlacedCrop, place_crop
from tests.faceapp.tracking.meshes import face_mesh
from tests.faceapp.tracking.visibility import KnowingReader

SPEC = InputSpec()
MESH = face_mesh(60, 60, 70)
POINTS = face_mesh(66, 58, 75)[list(ALIGNMENT_POINTS), :2]
BY_MESH, BY_POINTS = alignment_matrix(MESH, SPEC.size), points_matrix(POINTS, SPEC.size)
WHOLE = box_matrix(np.array([0, 0, 120, 110], dtype=np.float32), SPEC.size)


@pytest.mark.parametrize(
    ("occlusion", "mesh_found", "specialised", "expected"),
    [
        ("none", True, False, BY_MESH),
        ("none", False, False, WHOLE),
        ("none", True, True, BY_MESH),
        ("none", False, True, BY_POINTS),
        *(
            (kind, found, special, BY_POINTS)
            for kind in ("headset", "mask", "hidden")
            for found in (True, False)
            for special in (True, False)
        ),
    ],
)
def test_what_a_crop_is_aligned_by(
    occlusion: Occlusion, mesh_found: bool, specialised: bool, expected: np.ndarray
) -> None:
    placed = PlacedCrop(110, 120, MESH if mesh_found else None, occlusion, POINTS)
    np.testing.assert_array_equal(placed.matrix(SPEC, specialised=specialised), expected)
    not_looked_at = PlacedCrop(110, 120, MESH if mesh_found else None, occlusion)
    np.testing.assert_array_equal(
        not_looked_at.matrix(SPEC, specialised=specialised), BY_MESH if mesh_found else WHOLE
    )
    whole_box = InputSpec(crop="whole_box")
    np.testing.assert_array_equal(placed.matrix(whole_box, specialised=specialised), WHOLE)


def test_points_that_coincide_are_as_good_as_none() -> None:
    placed = PlacedCrop(110, 120, MESH, "headset", np.zeros((10, 2), dtype=np.float32))
    np.testing.assert_array_equal(placed.matrix(SPEC), BY_MESH)


def test_a_crop_is_looked_at_twice_unless_it_is_said_to_be_plain() -> None:
    knowing = KnowingReader()
    reader = cast(VisibilityReader, knowing)
    truth = face_mesh(66, 58, 75)
    knowing.tell((truth, "mask"))
    crop = np.zeros((110, 120), dtype=np.uint8)
    for landmarks in (MESH, None):
        placed = place_crop(crop, landmarks, reader)
        assert (placed.occlusion, placed.landmarks) == ("mask", landmarks)
        np.testing.assert_array_equal(placed.points, POINTS)
    assert knowing.looks == [1, 1] * 2
    assert place_crop(crop, MESH, reader, "headset").occlusion == "headset"
    looks = list(knowing.looks)
    plain = place_crop(crop, MESH, reader, "none")
    assert (plain.occlusion, plain.points) == ("none", None)
    assert knowing.looks == looks
    blind = place_crop(crop, None, None, "mask")
    assert (blind.occlusion, blind.points) == ("mask", None)
    assert place_crop(crop, None, None).occlusion == "none"
