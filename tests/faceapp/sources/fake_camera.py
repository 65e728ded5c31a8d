"""Cameras without a camera: what OpenCV and the list of cameras would give."""

from __future__ import annotations

import threading
import time

import cv2
import numpy as np

from faceapp.sources.cameras import CameraInfo
from faceapp.sources.options import CameraSettings
from faceapp.sources.webcam import WebcamSource
from faceapp.types import Frame
from tests.waiting import wait_until

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


def next_frame(source: WebcamSource) -> Frame:
    return wait_until(source.read, "no frame came")
