"""Searches go on beside the frames: no frame waits for one, and what is found comes at its time."""

from __future__ import annotations

import threading

import pytest

from faceapp.tracking.face_finder import FaceFinder, Find
from faceapp.tracking.mediapipe_mesh import MediaPipeTracker
from faceapp.tracking.search import Searcher
from faceapp.types import Image
from tests.faceapp.tracking.portraits import frame, scene
from tests.waiting import PATIENCE_S

_ONE, _TWO = [(40, 100, 1.0)], [(40, 100, 1.0), (400, 100, 1.0)]


def test_no_frame_waits_for_a_search_until_its_finds_are_due(
    tracker: MediaPipeTracker, astronaut: Image, monkeypatch: pytest.MonkeyPatch
) -> None:
    begun, released = threading.Event(), threading.Event()
    look_further = FaceFinder.look_further

    def slow(finder: FaceFinder, image: Image) -> list[Find]:
        begun.set()
        assert released.wait(PATIENCE_S)
        return finder.look_over(image) + look_further(finder, image)

    monkeypatch.setattr(FaceFinder, "look_further", slow)
    assert len(tracker.update(frame(scene(astronaut, _ONE)))) == 1
    image = scene(astronaut, _TWO)
    counts = [len(tracker.update(frame(image, 0.26 + step / 30))) for step in range(3)]  # the search begins
    assert begun.wait(PATIENCE_S)
    assert counts == [1, 1, 1]
    released.set()
    assert len(tracker.update(frame(image, 0.37))) == 2


def test_a_search_finds_what_the_finder_finds(astronaut: Image) -> None:
    image = scene(astronaut, _TWO)
    image.flags.writeable = False
    finder, searcher = FaceFinder(), Searcher()
    try:
        boxes = {find.box for find in finder.look_over(image)}
        found = searcher.begin(image, FaceFinder.look_over).result()
        known = [find.box for find in found.finds]
        assert len(known) == len(boxes) == 2
        assert searcher.begin(image, FaceFinder.look_over, known).result().finds == ()
        assert found.track_id == 0
    finally:
        searcher.close()
        finder.close()


def test_an_error_of_a_search_reaches_the_frame_that_takes_its_finds(
    astronaut: Image, monkeypatch: pytest.MonkeyPatch
) -> None:
    tracker, image = MediaPipeTracker(), scene(astronaut, _ONE)

    def broken(finder: FaceFinder, image: Image) -> list[Find]:
        raise RuntimeError("the detector broke")

    try:
        tracker.update(frame(image))
        monkeypatch.setattr(FaceFinder, "look_further", broken)
        tracker.update(frame(image, 0.26))
        with pytest.raises(RuntimeError, match="the detector broke"):
            tracker.update(frame(image, 0.4))
        assert len(tracker.update(frame(image, 0.45))) == 1  # the next frame goes on
    finally:
        tracker.close()
