"""What is drawn for demonstrations is what is tracked, read and shown."""

from __future__ import annotations

import time
from dataclasses import replace
from typing import cast

import numpy as np
import pytest

from faceapp.settings import Settings
from faceapp.sources.drawn_occlusion import Hidden, Hiding, HidingSource, drawn_on, with_drawings
from faceapp.types import FaceTrack, Frame, Source
from tests.faceapp.fakes import FakeSource, FakeTracker, SeekableSource


class PortraitSource(FakeSource):
    """Shows one picture for ever."""

    def __init__(self, picture: np.ndarray) -> None:
        super().__init__(3)
        self._picture = picture

    def read(self) -> Frame | None:
        frame = super().read()
        return frame and replace(frame, image=self._picture)


@pytest.fixture
def face(astronaut_landmarks: np.ndarray) -> FaceTrack:
    low, high = astronaut_landmarks[:, :2].min(axis=0), astronaut_landmarks[:, :2].max(axis=0)
    return FaceTrack(3, np.concatenate([low, high]), astronaut_landmarks, 0.9)


@pytest.fixture
def frame(astronaut: np.ndarray) -> Frame:
    return Frame(5, 0.2, astronaut, "demo", time.perf_counter())


@pytest.mark.parametrize("what", ["headset", "mask"])
def test_the_half_that_is_meant_is_covered(astronaut: np.ndarray, face: FaceTrack, what: Hidden) -> None:
    before = astronaut.copy()
    image = drawn_on(astronaut, (face,), what)
    assert np.array_equal(astronaut, before), "the source's picture stays as it is"
    assert not image.flags.writeable
    changed = (image != astronaut).any(axis=2)
    eyes, mouth = face.landmarks[[33, 263], :2].mean(axis=0), face.landmarks[[13, 14], :2].mean(axis=0)
    covered, free = (eyes, mouth) if what == "headset" else (mouth, eyes)
    assert changed[round(float(covered[1])), round(float(covered[0]))]
    assert not changed[round(float(free[1])), round(float(free[0]))]


def test_nothing_to_draw_passes_the_very_picture_on(astronaut: np.ndarray, face: FaceTrack) -> None:
    assert drawn_on(astronaut, (face,), "none") is astronaut
    assert drawn_on(astronaut, (), "mask") is astronaut


def test_the_wish_is_obeyed_at_the_next_frame_and_the_bare_picture_is_kept(
    astronaut: np.ndarray, face: FaceTrack
) -> None:
    hiding, made = Hiding(), list[FakeTracker]()

    def make_tracker() -> FakeTracker:
        made.append(FakeTracker([face]))
        return made[-1]

    source = HidingSource(PortraitSource(astronaut), hiding, make_tracker)
    source.open()
    bare = source.read()
    assert bare is not None and bare.image is astronaut and bare.clean is None
    assert made == [], "nothing is tracked while nothing is drawn"
    hiding.what = "headset"
    drawn = source.read()
    assert drawn is not None and drawn.clean is astronaut
    assert (drawn.image != astronaut).any()
    hiding.what = "none"
    again = source.read()
    assert again is not None and again.image is astronaut and again.clean is None
    source.close()
    source.close()
    assert [tracker.closed for tracker in made] == [1]


def test_a_picture_without_a_face_stays_itself() -> None:
    source = HidingSource(FakeSource(1), Hiding("mask"), FakeTracker)
    source.open()
    frame = source.read()
    assert frame is not None and frame.clean is None
    assert source.read() is None and source.ended


def test_what_the_source_inside_can_do_is_offered_and_nothing_else() -> None:
    seekable = HidingSource(SeekableSource(5), Hiding())
    assert isinstance(seekable, Source)
    assert (seekable.name, seekable.live, seekable.ended, seekable.status) == ("fake", False, False, "")
    seekable.seek(2 / 25)
    frame = seekable.read()
    assert frame is not None and frame.index == 2
    assert not hasattr(HidingSource(FakeSource(), Hiding()), "seek")


def test_only_what_is_asked_for_is_wrapped() -> None:
    source = FakeSource()
    assert with_drawings(source, Settings()) is source
    assert isinstance(with_drawings(source, replace(Settings(), simulate="mask")), HidingSource)


@pytest.mark.parametrize("what", ["headset", "mask"])
def test_a_real_face_is_found_drawn_on_and_tracked_half_hidden(
    astronaut: np.ndarray, what: Hidden, astronaut_landmarks: np.ndarray
) -> None:
    from faceapp.tracking.mediapipe_mesh import MediaPipeTracker

    source = cast(Source, HidingSource(PortraitSource(astronaut), Hiding(what)))
    source.open()
    frame = source.read()
    source.close()
    assert frame is not None and frame.clean is astronaut
    place = astronaut_landmarks[168 if what == "headset" else 13, :2]
    assert (frame.image != astronaut).any(axis=2)[round(float(place[1])), round(float(place[0]))]
    tracker = MediaPipeTracker()
    assert len(tracker.update(frame)) == 1
    tracker.close()
