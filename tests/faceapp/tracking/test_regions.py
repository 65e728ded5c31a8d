from __future__ import annotations

import math

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from faceapp.tracking.face_finder import Find, distinct, search_windows
from faceapp.tracking.regions import Box, FaceRegion, mesh_box, mesh_region, overlap, same_face, same_mesh
from tests.faceapp.tracking.meshes import face_mesh


def test_overlap_is_intersection_over_union() -> None:
    assert overlap(Box(0, 0, 2, 2), Box(1, 0, 3, 2)) == pytest.approx(1 / 3)
    assert overlap(Box(0, 0, 2, 2), Box(2, 0, 4, 2)) == 0
    assert overlap(Box(0, 0, 2, 2), Box(0, 0, 2, 2)) == 1


def test_the_region_is_a_square_half_as_large_again_turned_with_the_eyes() -> None:
    mesh = face_mesh(300, 200, 100, (0, 0, 30))
    region, box = mesh_region(mesh), mesh_box(mesh)
    assert (region.x_px, region.y_px) == pytest.approx(box.centre)
    assert region.side_px == pytest.approx(1.5 * box.side)
    assert math.degrees(region.roll_rad) == pytest.approx(30, abs=1)
    assert region.shifted(5, -3) == FaceRegion(
        region.x_px + 5, region.y_px - 3, region.side_px, region.roll_rad
    )


def test_boxes_of_one_face_differ_a_little_and_neighbours_a_lot() -> None:
    face = Box(100, 100, 200, 200)
    assert same_face(face, Box(90, 85, 205, 225))
    assert same_face(face, Box(120, 130, 190, 190))
    assert not same_face(face, Box(160, 100, 260, 200))
    assert not same_face(face, Box(205, 100, 305, 200))


def test_meshes_of_one_face_are_told_from_half_hidden_ones() -> None:
    assert same_mesh(face_mesh(300), face_mesh(303))
    assert not same_mesh(face_mesh(300), face_mesh(350))


@settings(deadline=None)
@given(st.integers(16, 2200), st.integers(16, 4000), st.floats(0, 1), st.floats(0, 1), st.floats(0.01, 0.3))
def test_every_face_up_to_the_overlap_is_whole_in_a_window(
    height: int, width: int, across: float, down: float, size: float
) -> None:
    for windows in search_windows(height, width):
        for window in windows:
            assert window.x0 >= 0 and window.y0 >= 0 and window.x1 <= width and window.y1 <= height
            assert window.width == window.height
        if windows:
            side = size * windows[0].width - 2  # tiles begin at whole pixels
            x0, y0 = across * (width - side), down * (height - side)
            assert any(
                window.x0 <= x0 and window.y0 <= y0 and x0 + side <= window.x1 and y0 + side <= window.y1
                for window in windows
            )


def test_small_pictures_have_no_finer_windows() -> None:
    assert search_windows(240, 320)[1] == ()
    assert search_windows(720, 1280)[1] != ()


def test_repeats_of_a_find_give_way_to_the_most_confident_and_largest() -> None:
    region = FaceRegion(0, 0, 1, 0)
    weak = Find(Box(100, 100, 200, 200), region, 0.6, certain=False)
    strong = Find(Box(105, 95, 205, 195), region, 0.9, certain=False)
    small = Find(Box(400, 100, 430, 130), region, 0.9, certain=True)
    assert distinct([small, weak, strong]) == [strong, small]
