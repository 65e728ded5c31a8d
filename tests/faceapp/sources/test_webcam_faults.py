"""Cameras that are slow, busy, missing, silent or unplugged."""

from __future__ import annotations

import logging
import sys
import threading
import time
from collections.abc import Callable

import cv2
import pytest

from faceapp.errors import SourceError
from faceapp.sources import live_capture, webcam
from faceapp.sources.cameras import CameraInfo
from faceapp.sources.webcam import WebcamSource
from tests.faceapp.sources.fake_camera import CAMERA, Cameras, FakeCapture, next_frame
from tests.waiting import PATIENCE_S, PROMPT_S, wait_until


@pytest.fixture(autouse=True)
def linux_and_impatient(monkeypatch):
    monkeypatch.setattr(sys, "platform", "linux")
    monkeypatch.setattr(webcam, "_PATIENCE_S", 0.1)
    monkeypatch.setattr(webcam, "_FIRST_PATIENCE_S", 0.2)
    monkeypatch.setattr(live_capture, "FIRST_RETRY_S", 0.1)


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
    wait_until(capture.released.is_set)
    source.close()


def test_a_driver_that_hangs_holds_nobody_up(caplog):
    answer = threading.Event()
    capture = FakeCapture()

    def hang(_index: int, _backend: int) -> FakeCapture:
        answer.wait(PATIENCE_S)
        return capture

    source = WebcamSource(3, make_capture=hang, find_cameras=lambda: (CAMERA,))
    calls: list[tuple[Callable[[], object], str]] = [(source.open, "open"), (source.read, "read")]
    for call, name in calls:
        started_s = time.perf_counter()
        assert call() is None
        assert time.perf_counter() - started_s < PROMPT_S, name
    assert source.status == "waiting for the first picture of camera 3"
    started_s = time.perf_counter()
    with caplog.at_level(logging.WARNING):
        source.close()
    assert time.perf_counter() - started_s < PROMPT_S
    assert "the driver hangs" in caplog.text
    answer.set()
    wait_until(capture.released.is_set)  # released as soon as the driver answers


def test_opened_again_while_the_old_driver_hangs():
    answer = threading.Event()
    old, new = FakeCapture(), FakeCapture()
    opened = []

    def make(_index: int, _backend: int) -> FakeCapture:
        opened.append(None)
        if len(opened) == 1:
            answer.wait(PATIENCE_S)
            return old
        return new

    source = WebcamSource(3, make_capture=make, find_cameras=lambda: (CAMERA,))
    source.open()
    source.close()
    source.open()
    assert next_frame(source).index >= 0
    answer.set()
    wait_until(old.released.is_set)
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
        wait_until(lambda: source.status.startswith("lost: trying again"))
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
    wait_until(lambda: len(waits) >= 5)
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
        wait_until(lambda: len(cameras.calls) >= 2)
        source.close()
        assert [index for index, _ in cameras.calls[:2]] == [3, 5]


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
    wait_until(lambda: source.status.startswith("no picture for"))
    source.close()


def test_without_a_camera_the_first_one_is_refused_at_once():
    if webcam.list_cameras():
        pytest.skip("this machine has a camera")
    with pytest.raises(
        SourceError, match=r"camera 0: expected a camera, found none there \(no camera was found\)"
    ):
        WebcamSource(0).open()
