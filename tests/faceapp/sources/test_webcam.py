"""Cameras without a camera: slow, busy, missing, silent and unplugged ones."""

from __future__ import annotations

import logging
import sys
import threading
import time
from collections.abc import Callable
from itertools import pairwise

import cv2
import numpy as np
import pytest

from faceapp.errors import SourceError
from faceapp.sources import live_capture, webcam
from faceapp.sources.cameras import CameraInfo
from faceapp.sources.options import CameraSettings
from faceapp.sources.webcam import WebcamSource
from faceapp.types import Frame

CAMERA = CameraInfo(3, "Test Camera")


class FakeCapture:
    """What `cv2.VideoCapture` would be: a blue picture every few milliseconds until it is unplugged."""

    def __init__(self, *, opens: bool = True, gives: bool = True, period_s: float = 0.005) -> None:
        self.opens, self.gives, self.period_s = opens, gives, period_s
        self.asked: list[tuple[int, float]] = []
        self.released = threading.Event()
        self.grabs = 0

    def isOpened(self) -> bool:
        return self.opens

    def set(self, key: int, value: float) -> bool:
        self.asked.append((key, value))
        return True

    def get(self, key: int) -> float:
        return {cv2.CAP_PROP_FRAME_WIDTH: 640.0, cv2.CAP_PROP_FRAME_HEIGHT: 480.0}.get(key, 30.0)

    def grab(self) -> bool:
        time.sleep(self.period_s)
        self.grabs += 1
        return self.gives

    def retrieve(self) -> tuple[bool, np.ndarray]:
        picture = np.zeros((48, 64, 3), np.uint8)
        picture[..., 0] = 200
        picture[0, 0, 1] = self.grabs % 256
        return True, picture

    def release(self) -> None:
        self.opens = False
        self.released.set()


class Cameras:
    """Hands out prepared captures, the last one again and again, and notes what was asked."""

    def __init__(self, *captures: FakeCapture, listed: tuple[CameraInfo, ...] = (CAMERA,)) -> None:
        self.captures = list(captures)
        self.listed = listed
        self.calls: list[tuple[int, int]] = []

    def make(self, index: int, backend: int) -> FakeCapture:
        self.calls.append((index, backend))
        return self.captures.pop(0) if len(self.captures) > 1 else self.captures[0]

    def source(self, camera: int | str = 3, settings: CameraSettings | None = None) -> WebcamSource:
        return WebcamSource(camera, settings, make_capture=self.make, find_cameras=lambda: self.listed)


@pytest.fixture(autouse=True)
def linux_and_impatient(monkeypatch):
    monkeypatch.setattr(sys, "platform", "linux")
    monkeypatch.setattr(webcam, "_PATIENCE_S", 0.1)
    monkeypatch.setattr(webcam, "_FIRST_PATIENCE_S", 0.2)
    monkeypatch.setattr(live_capture, "FIRST_RETRY_S", 0.1)


def wait_until(condition: Callable[[], object], limit_s: float = 20.0) -> bool:
    end_s = time.perf_counter() + limit_s
    while time.perf_counter() < end_s:
        if condition():
            return True
        time.sleep(0.01)
    return False


def next_frame(source: WebcamSource, reads: int = 20) -> Frame:
    for _ in range(reads):
        if (frame := source.read()) is not None:
            return frame
    raise AssertionError("no frame came")


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
    assert wait_until(lambda: capture.grabs >= grabs + 20)
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
    assert capture.released.is_set()
    assert not [thread for thread in threading.enumerate() if thread.name == "source camera 3"]
    with pytest.raises(SourceError, match="camera 3: expected an open source"):
        source.read()


def test_a_busy_camera_is_one_clear_line():
    cameras = Cameras(FakeCapture(opens=False))
    source = cameras.source()
    with pytest.raises(SourceError) as caught:
        source.open()
    message = str(caught.value)
    assert message == (
        "camera 3: expected a camera, found one that can't be opened, perhaps in use by another program "
        "(cameras found: 3 Test Camera); try another, demo, a file or a URL"
    )
    assert cameras.calls == [(3, cv2.CAP_V4L2)]
    with pytest.raises(SourceError, match="perhaps in use"):
        source.read()
    source.close()


def test_a_missing_camera_is_one_clear_line_and_asks_no_driver():
    cameras = Cameras(FakeCapture(), listed=(CAMERA,))
    with pytest.raises(
        SourceError, match=r"camera 77: expected a camera, found none there \(cameras found: 3 Test Camera\)"
    ):
        cameras.source(77).open()
    with pytest.raises(
        SourceError, match=r"Other: expected a camera, found none there \(cameras found: 3 Test Camera\)"
    ):
        cameras.source("Other").open()
    assert cameras.calls == []
    with pytest.raises(
        SourceError, match=r"found none there \(no camera was found\); try another, demo, a file or a URL"
    ):
        Cameras(FakeCapture(), listed=()).source(77).open()


def test_a_camera_that_opens_but_gives_nothing_is_refused():
    capture = FakeCapture(gives=False)
    source = Cameras(capture).source()
    with pytest.raises(SourceError, match="camera 3: expected pictures, found none for 0 s; check its cable"):
        source.open()
        source.read()
    assert wait_until(capture.released.is_set)
    source.close()


def test_a_driver_that_hangs_holds_nobody_up(caplog):
    answer = threading.Event()
    capture = FakeCapture()

    def hang(_index: int, _backend: int) -> FakeCapture:
        answer.wait(60)
        return capture

    source = WebcamSource(3, make_capture=hang, find_cameras=lambda: (CAMERA,))
    calls: list[tuple[Callable[[], object], str]] = [(source.open, "open"), (source.read, "read")]
    for call, name in calls:
        started_s = time.perf_counter()
        assert call() is None
        assert time.perf_counter() - started_s < 1.5, name  # a second, and half a one for a busy machine
    assert source.status == "waiting for the first picture of camera 3"
    started_s = time.perf_counter()
    with caplog.at_level(logging.WARNING):
        source.close()
    assert time.perf_counter() - started_s < 1.5
    assert "the driver hangs" in caplog.text
    answer.set()
    assert wait_until(capture.released.is_set)  # released as soon as the driver answers


def test_opened_again_while_the_old_driver_hangs():
    answer = threading.Event()
    old, new = FakeCapture(), FakeCapture()
    opened = []

    def make(_index: int, _backend: int) -> FakeCapture:
        opened.append(None)
        if len(opened) == 1:
            answer.wait(60)
            return old
        return new

    source = WebcamSource(3, make_capture=make, find_cameras=lambda: (CAMERA,))
    source.open()
    source.close()
    source.open()
    assert next_frame(source).index >= 0
    answer.set()
    assert wait_until(old.released.is_set)
    assert old.grabs == 0  # the old thread does not mix its frames in
    assert next_frame(source) is not None
    source.close()


def test_unplugged_and_back(caplog):
    first, gone, back = FakeCapture(), FakeCapture(opens=False), FakeCapture()
    cameras = Cameras(first, gone, back)
    source = cameras.source()
    with caplog.at_level(logging.INFO):
        source.open()
        before = next_frame(source)
        first.gives = False
        assert wait_until(lambda: source.status.startswith("lost: trying again"))
        after = None
        while after is None:
            after = source.read()  # None in between, never an error
        while source.status:
            source.read()
    assert first.released.is_set()
    assert gone.released.is_set()
    assert after.index > before.index
    assert after.time_s > before.time_s
    assert not source.ended
    source.close()
    messages = [record.getMessage() for record in caplog.records if record.name.endswith("live_capture")]
    assert sum("lost" in message for message in messages) == 1
    assert sum(message.endswith(": back") for message in messages) == 1


def test_retries_come_at_growing_distances(monkeypatch):
    monkeypatch.setattr(live_capture, "FIRST_RETRY_S", 0.05)
    monkeypatch.setattr(live_capture, "LONGEST_RETRY_S", 0.2)
    waits: list[float] = []
    wait = threading.Event.wait

    def note(event: threading.Event, timeout: float | None = None) -> bool:
        if threading.current_thread().name == "source camera 3":
            waits.append(timeout)
        return wait(event, timeout)

    first = FakeCapture()
    source = Cameras(first, FakeCapture(opens=False)).source()
    source.open()
    next_frame(source)
    monkeypatch.setattr(threading.Event, "wait", note)
    first.gives = False
    assert wait_until(lambda: len(waits) >= 5)
    source.close()
    assert waits[:5] == [0.05, 0.1, 0.2, 0.2, 0.2]


def test_plugged_in_under_another_number():
    first, back = FakeCapture(), FakeCapture()
    cameras = Cameras(first, back)
    for wanted in (3, "Test Camera"):
        cameras.captures, cameras.calls, cameras.listed = [first, back], [], (CAMERA,)
        first.opens = first.gives = back.opens = True
        source = cameras.source(wanted)
        source.open()
        next_frame(source)
        cameras.listed = (CameraInfo(5, "Test Camera"),)
        first.gives = False
        assert wait_until(lambda: len(cameras.calls) >= 2)
        source.close()
        assert [index for index, _ in cameras.calls[:2]] == [3, 5]


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


def test_a_fault_in_the_thread_is_shown_not_swallowed(caplog):
    def make(_index: int, _backend: int) -> FakeCapture:
        raise RuntimeError("boom")

    source = WebcamSource(3, make_capture=make, find_cameras=lambda: (CAMERA,))
    with pytest.raises(
        SourceError,
        match=r"camera 3: expected frames, found a fault of the program \(RuntimeError\('boom'\)\)",
    ):
        source.open()
    assert "the capture thread failed" in caplog.text
    source.close()


def test_a_silent_camera_says_so(monkeypatch):
    monkeypatch.setattr(live_capture, "_SILENT_AFTER_S", 0.05)
    capture = FakeCapture()
    source = Cameras(capture).source()
    source.open()
    next_frame(source)
    capture.period_s = 1.0
    assert wait_until(lambda: source.status.startswith("no picture for"))
    source.close()


def test_without_a_camera_the_first_one_is_refused_at_once():
    if webcam.list_cameras():
        pytest.skip("this machine has a camera")
    with pytest.raises(
        SourceError, match=r"camera 0: expected a camera, found none there \(no camera was found\)"
    ):
        WebcamSource(0).open()
