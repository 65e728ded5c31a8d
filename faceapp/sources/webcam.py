"""Cameras of this machine, through OpenCV."""

from __future__ import annotations

import logging
import sys
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import cv2

from faceapp.errors import SourceError
from faceapp.sources.cameras import CameraInfo, list_cameras
from faceapp.sources.live import LiveSource
from faceapp.sources.live_capture import Device
from faceapp.sources.options import CameraSettings, Options
from faceapp.types import Image

logger = logging.getLogger(__name__)

RANK = 50
ACCEPTS = "a camera's number (0) or part of its name"
MakeCapture = Callable[[int, int], Any]
# A camera that gives no picture for so long is lost; the first picture may take longer.
_PATIENCE_S = 2.0
_FIRST_PATIENCE_S = 6.0
_NAP_S = 0.02
# Above this many pixels a second, raw pictures do not fit through USB 2: JPEG is asked for.
_UNCOMPRESSED_PIXELS_PER_S = 640 * 480 * 30
_USUAL_RATE_HZ = 30.0
_BACKENDS: dict[str, tuple[int, ...]] = {
    # Media Foundation opens in 4 to 12 seconds where DirectShow needs a fraction of one.
    "win32": (cv2.CAP_DSHOW, cv2.CAP_MSMF),
    "darwin": (cv2.CAP_AVFOUNDATION,),
    "linux": (cv2.CAP_V4L2,),
}


def available() -> str:
    """Return why no camera can be used; empty when one can."""
    return "" if list_cameras() else "no camera found: connect one"


def from_text(text: str, options: Options) -> WebcamSource | None:
    """Return the source when the text is a camera's number or fits the name of one camera.

    Raises:
        SourceError: It fits several, or a part of a recording was asked for.
    """
    wanted, cameras = text.strip(), list_cameras()
    if wanted.isdecimal():
        index = int(wanted)
        name = next((camera.name for camera in cameras if camera.index == index), f"camera {index}")
        options.refuse_clip(name)
        return WebcamSource(index, options.camera, name=name)
    fitting = find_by_name(wanted, cameras)
    if not fitting:
        return None
    if len(fitting) > 1:
        found = _listed(fitting)
        raise SourceError(f"{text}: expected one camera, found {found}; give more of the name or a number")
    options.refuse_clip(fitting[0].name)
    return WebcamSource(fitting[0].name, options.camera)


def find_by_name(wanted: str, cameras: Sequence[CameraInfo]) -> list[CameraInfo]:
    """Return the cameras of exactly this name, else those whose name holds it, upper and lower case alike."""
    name = wanted.casefold()
    exact = [camera for camera in cameras if camera.name.casefold() == name]
    return exact or [camera for camera in cameras if name in camera.name.casefold()]


class WebcamSource(LiveSource):
    """A camera by number or by name; it is found again when it comes back under another number."""

    def __init__(
        self,
        camera: int | str,
        settings: CameraSettings | None = None,
        *,
        name: str | None = None,
        make_capture: MakeCapture = cv2.VideoCapture,
        find_cameras: Callable[[], Sequence[CameraInfo]] = list_cameras,
    ) -> None:
        """Remember what is wanted; nothing is opened.

        Args:
            camera: Number for OpenCV, or the whole name.
            settings: What is asked of the camera; None: the driver's own choice.
            name: Shown to people; None: made from `camera`.
            make_capture: Opens a camera by number and OpenCV back end.
            find_cameras: Lists the cameras.
        """
        super().__init__(name or (camera if isinstance(camera, str) else f"camera {camera}"))
        self._wanted = camera
        self._settings = settings or CameraSettings()
        self._make_capture = make_capture
        self._find_cameras = find_cameras
        self._real_name = camera if isinstance(camera, str) else ""

    def _connect(self) -> Device:
        cameras = self._find_cameras()
        index = self._find_index(cameras)
        if index is not None and not _is_missing(index, cameras):
            for backend in _BACKENDS.get(sys.platform, (cv2.CAP_ANY,)):
                capture = self._make_capture(index, backend)
                if capture.isOpened():
                    self._real_name = next((camera.name for camera in cameras if camera.index == index), "")
                    configure(capture, self._settings, self.name)
                    return _Webcam(self.name, capture)
                capture.release()
        raise SourceError(self._cannot_open(index, cameras))

    def _find_index(self, cameras: Sequence[CameraInfo]) -> int | None:
        """Return the camera's number now; one plugged in again may have another than before."""
        wanted = self._wanted
        same_name = [camera.index for camera in cameras if self._real_name == camera.name]
        if isinstance(wanted, int) and (wanted in same_name or not same_name):
            return wanted
        return same_name[0] if same_name else None

    def _cannot_open(self, index: int | None, cameras: Sequence[CameraInfo]) -> str:
        found = f"cameras found: {_listed(cameras)}" if cameras else "no camera was found"
        if index is None or _is_missing(index, cameras):
            reason = f"none there ({found})"
        else:
            reason = f"one that can't be opened, perhaps in use by another program ({found})"
        return f"{self.name}: expected a camera, found {reason}; try another, demo, a file or a URL"


class _Webcam:
    """An opened camera."""

    def __init__(self, name: str, capture: Any) -> None:
        self._name = name
        self._capture = capture
        self._silent_from_s = time.perf_counter()
        self._patience_s = _FIRST_PATIENCE_S

    def grab(self) -> tuple[Image, float] | None:
        grabbed = self._capture.grab()
        captured_s = time.perf_counter()
        if grabbed:
            decoded, picture = self._capture.retrieve()
            if decoded and picture is not None and picture.size:
                self._silent_from_s, self._patience_s = captured_s, _PATIENCE_S
                code = cv2.COLOR_GRAY2RGB if picture.ndim == 2 else cv2.COLOR_BGR2RGB
                image: Image = cv2.cvtColor(picture, code)
                return image, captured_s
        if captured_s - self._silent_from_s > self._patience_s or not self._capture.isOpened():
            raise SourceError(
                f"{self._name}: expected pictures, found none for {captured_s - self._silent_from_s:.0f} s; "
                "check its cable and whether another program uses it"
            )
        time.sleep(_NAP_S)
        return None

    def close(self) -> None:
        self._capture.release()


def configure(capture: Any, settings: CameraSettings, name: str) -> None:
    """Ask an opened camera for size and rate, and note what it gives.

    Args:
        capture: An opened `cv2.VideoCapture`.
        settings: What is asked; None is not asked.
        name: For the log.
    """
    width_px, height_px, rate_hz = settings.width_px, settings.height_px, settings.rate_hz
    pixels = (width_px or 640) * (height_px or 480) * (rate_hz or _USUAL_RATE_HZ)
    if pixels > _UNCOMPRESSED_PIXELS_PER_S:
        # Before the size: drivers offer large sizes only in the format that is chosen.
        capture.set(cv2.CAP_PROP_FOURCC, float(cv2.VideoWriter.fourcc(*"MJPG")))
    asked = (
        (cv2.CAP_PROP_FRAME_WIDTH, width_px),
        (cv2.CAP_PROP_FRAME_HEIGHT, height_px),
        (cv2.CAP_PROP_FPS, rate_hz),
    )
    for key, value in asked:
        if value is not None:
            capture.set(key, float(value))
    got = [capture.get(key) for key, _ in asked]
    logger.info("%s: %.0fx%.0f at %g frames a second", name, *got)
    if any(
        value is not None and abs(value - given) > 0.5 for (_, value), given in zip(asked, got, strict=True)
    ):
        wanted = "x".join("any" if value is None else f"{value:g}" for _, value in asked[:2])
        at = "any rate" if rate_hz is None else f"{rate_hz:g} frames a second"
        logger.warning("%s: asked for %s at %s, the camera gives the above", name, wanted, at)


def _is_missing(index: int, cameras: Sequence[CameraInfo]) -> bool:
    """Return whether the system is sure that there is no camera of this number."""
    listed = any(camera.index == index for camera in cameras)
    return sys.platform == "linux" and not listed and not Path(f"/dev/video{index}").exists()


def _listed(cameras: Sequence[CameraInfo]) -> str:
    return ", ".join(f"{camera.index} {camera.name}" for camera in cameras)
