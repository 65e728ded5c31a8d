"""The tracker that the tests of MediaPipe share."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from faceapp.tracking.mediapipe_mesh import MediaPipeTracker


@pytest.fixture(scope="module")
def shared_tracker() -> Iterator[MediaPipeTracker]:
    """Loading the models takes a second; the tests share them."""
    tracker = MediaPipeTracker()
    yield tracker
    tracker.close()


@pytest.fixture
def tracker(shared_tracker: MediaPipeTracker) -> MediaPipeTracker:
    shared_tracker.reset()
    shared_tracker.landmark_smoothing = 0.5
    return shared_tracker
