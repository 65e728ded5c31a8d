"""A region is one face in one place, until there is none."""

from __future__ import annotations

from typing import cast

import numpy as np

from engines.card import InputSpec
from engines.preprocess import box_matrix, face_matrix
from engines.visibility import VisibilityReader
from faceapp.settings.region import Region
from faceapp.tracking.fixed_region import RegionTracker
from faceapp.types import LANDMARK_COUNT, Frame, Tracker
from tests.faceapp.fakes import FakeTracker, face
from tests.faceapp.tracking.meshes import face_mesh
from tests.faceapp.tracking.visibility import KnowingReader

LOWER_HALF = Region(0.25, 0.5, 0.5, 0.5)


def frame(index: int, width: int = 640) -> Frame:
    return Frame(index, index / 30, np.zeros((480, width, 3), dtype=np.uint8), "test", 0.0)


def test_the_face_is_where_the_region_is_and_stays_the_same_one() -> None:
    tracker = RegionTracker(FakeTracker([face(7)]), LOWER_HALF, occlusion="headset")
    assert isinstance(tracker, Tracker)
    for index in range(5):
        (found,) = tracker.update(frame(index))
        assert (found.id, found.occlusion, found.score) == (1, "headset", 1.0)
        np.testing.assert_allclose(found.box, (160, 240, 480, 480))
        assert found.landmarks.shape == (LANDMARK_COUNT, 3) and np.isnan(found.landmarks).all()
        assert not (found.box.flags.writeable or found.landmarks.flags.writeable)
        assert np.isnan(found.head_pose_deg).all()
    np.testing.assert_allclose(tracker.update(frame(5, 1280))[0].box, (320, 240, 960, 480))


def test_the_engines_cut_the_box() -> None:
    (found,) = RegionTracker(FakeTracker(), LOWER_HALF).update(frame(0))
    spec = InputSpec()
    np.testing.assert_array_equal(
        face_matrix(spec, found.landmarks, found.box), box_matrix(found.box, spec.size)
    )


def test_drawn_moved_and_cleared_while_running_no_id_comes_twice() -> None:
    inner = FakeTracker([face(1), face(2)])
    tracker = RegionTracker(inner)
    assert [found.id for found in tracker.update(frame(0))] == [1, 2]
    tracker.region = LOWER_HALF
    assert [found.id for found in tracker.update(frame(1))] == [3]
    tracker.region = Region(0.1, 0.5, 0.5, 0.5)
    assert [found.id for found in tracker.update(frame(2))] == [4]
    tracker.region = None
    inner.see([face(3)])  # the faces of before were forgotten
    assert [found.id for found in tracker.update(frame(3))] == [5]
    tracker.region = LOWER_HALF
    assert [found.id for found in tracker.update(frame(4))] == [6]
    assert inner.resets == 3


def test_what_hides_it_is_seen_in_the_box_ten_times_a_second_or_said() -> None:
    reader = KnowingReader()
    reader.tell((face_mesh(), "headset"))
    tracker = RegionTracker(FakeTracker(), LOWER_HALF, open_visibility=lambda: cast(VisibilityReader, reader))
    kinds = [tracker.update(frame(index))[0].occlusion for index in range(30)]
    assert set(kinds) == {"headset"}
    assert 18 <= len(reader.looks) <= 20, "two rounds, every tenth of a second"
    tracker.occlusion = "mask"
    assert tracker.update(frame(30))[0].occlusion == "mask"
    tracker.close()
    assert reader.closed == 1


def test_without_the_network_nothing_is_said_to_hide_it() -> None:
    assert RegionTracker(FakeTracker(), LOWER_HALF).update(frame(0))[0].occlusion == "none"
    nothing = RegionTracker(FakeTracker(), LOWER_HALF, open_visibility=lambda: None)
    assert nothing.update(frame(0))[0].occlusion == "none"


def test_a_jump_back_is_another_face_and_closing_closes_the_tracker_inside() -> None:
    inner = FakeTracker()
    tracker = RegionTracker(inner, LOWER_HALF)
    assert [tracker.update(frame(index))[0].id for index in (30, 31, 2, 3)] == [1, 1, 2, 2]
    tracker.reset()
    assert tracker.update(frame(4))[0].id == 3
    tracker.landmark_smoothing = 0.25
    assert inner.landmark_smoothing == tracker.landmark_smoothing == 0.25
    tracker.close()
    assert inner.closed == 1


def test_wishes_reach_the_tracker_inside() -> None:
    from faceapp.tracking.mediapipe_mesh import MediaPipeTracker

    inner = MediaPipeTracker()
    tracker = RegionTracker(inner)
    tracker.occlusion = "mask"
    assert inner.occlusion == "mask"
