"""A camera that works: its frames, what it is asked for, which back end opens it."""

from __future__ import annotations

import logging
import sys
import threading
from itertools import pairwise

import cv2
import pytest

from faceapp.errors import SourceError
from faceapp.sources import live_capture, webcam
from faceapp.sources.options import CameraSettings
from tests.faceapp.sources.fake_camera import Cameras, FakeCapture, next_frame
from tests.waiting import wait_until


@pytest.fixture(autouse=True)
def linux_and_impatient(monkeypatch):
    monkeypatch.setattr(sys, "platform", "linux")
    monkeypatch.setattr(webcam, "_PATIENCE_S", 0.1)
    monkeypatch.setattr(webcam, "_FIRST_PATIENCE_S", 0.2)
    monkeypatch.setattr(live_capture, "FIRST_RETRY_S", 0.1)


def test_frames_are_rgb_stamped_and_rising():
    source = Cameras(FakeCapture()).source()
    source.open()
    frames = [next_frame(source) for _ in range(5)]
    assert source.status == ""
    source.close()
    assert frames[0].image[10, 10].tolist() == [0, 0, 200]
    assert not frames[0].image.flags.writeable
    assert frames[0].source == "camera 3"
    for earlier, later in pairwise(frames):
        assert later.index > earlier.index
        assert later.time_s > earlier.time_s
        assert later.time_s - earlier.time_s == pytest.approx(later.captured_s - earlier.captured_s)
    assert (source.live, source.ended) == (True, False)


def test_the_newest_frame_wins():
    capture = FakeCapture()
    source = Cameras(capture).source()
    source.open()
    first = next_frame(source)
    grabs = capture.grabs
    wait_until(lambda: capture.grabs >= grabs + 20)
    late = next_frame(source)
    assert late.index >= first.index + 19
    assert late.image[0, 0, 1] == late.index + 1  # the picture of that very grab
    source.close()


def test_close_releases_on_the_capture_thread_and_can_be_repeated():
    capture = FakeCapture()
    source = Cameras(capture).source()
    source.close()
    source.open()
    next_frame(source)
    source.close()
    source.close()
    wait_until(capture.released.is_set)
    wait_until(lambda: "source camera 3" not in {thread.name for thread in threading.enumerate()})
    with pytest.raises(SourceError, match="camera 3: expected an open source"):
        source.read()


@pytest.mark.parametrize(
    "settings, jpeg",
    [
        (CameraSettings(), False),
        (CameraSettings(640, 480, 30), False),
        (CameraSettings(1280, 720), True),
        (CameraSettings(rate_hz=60.0), True),
    ],
)
def test_size_rate_and_format(settings, jpeg):
    capture = FakeCapture()
    source = Cameras(capture).source(settings=settings)
    source.open()
    next_frame(source)
    source.close()
    keys = [key for key, _ in capture.asked]
    assert (keys[:1] == [cv2.CAP_PROP_FOURCC]) is jpeg
    asked = dict(capture.asked)
    assert asked.get(cv2.CAP_PROP_FRAME_WIDTH) == settings.width_px
    assert asked.get(cv2.CAP_PROP_FRAME_HEIGHT) == settings.height_px
    assert asked.get(cv2.CAP_PROP_FPS) == settings.rate_hz


def test_a_camera_that_gives_another_size_is_noted(caplog):
    source = Cameras(FakeCapture()).source(settings=CameraSettings(1920, 1080))
    with caplog.at_level(logging.INFO):
        source.open()
        next_frame(source)
    source.close()
    assert "camera 3: 640x480 at 30 frames a second" in caplog.text
    assert "camera 3: asked for 1920x1080 at any rate, the camera gives the above" in caplog.text


@pytest.mark.parametrize(
    "platform, first", [("win32", cv2.CAP_DSHOW), ("darwin", cv2.CAP_AVFOUNDATION), ("sunos", cv2.CAP_ANY)]
)
def test_back_ends_of_other_systems(monkeypatch, platform, first):
    monkeypatch.setattr(sys, "platform", platform)
    cameras = Cameras(FakeCapture(opens=False), FakeCapture())
    source = cameras.source()
    if platform == "win32":
        source.open()
        assert [backend for _, backend in cameras.calls] == [cv2.CAP_DSHOW, cv2.CAP_MSMF]
        source.close()
    else:
        with pytest.raises(SourceError, match="can't be opened"):
            source.open()
        assert cameras.calls[0] == (3, first)
