"""The cameras of this machine by number and name, found without opening any."""

from __future__ import annotations

import logging
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

from engines.json_text import parse_json

logger = logging.getLogger(__name__)

LINUX_DEVICES = Path("/sys/class/video4linux")
_MAC_COMMAND = ("/usr/sbin/system_profiler", "-json", "SPCameraDataType")


@dataclass(frozen=True, slots=True)
class CameraInfo:
    """One camera.

    Attributes:
        index: Its number for OpenCV.
        name: What its maker calls it.
    """

    index: int
    name: str


def list_cameras() -> tuple[CameraInfo, ...]:
    """Return the cameras found, by number; empty where none is or the system does not tell."""
    try:
        if sys.platform == "win32":
            from faceapp.sources.cameras_windows import list_direct_show_names

            return tuple(CameraInfo(index, name) for index, name in enumerate(list_direct_show_names()))
        if sys.platform == "darwin":
            return cameras_from_profiler(_run_profiler())
        return cameras_from_sysfs(LINUX_DEVICES)
    except (OSError, ValueError, subprocess.SubprocessError) as error:
        logger.warning(
            "cameras: expected a list from the system, found %s; a camera's number still works", error
        )
        return ()


def cameras_from_sysfs(folder: Path) -> tuple[CameraInfo, ...]:
    """Return the cameras that Linux lists.

    Args:
        folder: `/sys/class/video4linux`: a folder videoN a device, with the files name and index.
    """
    cameras = []
    for device in folder.glob("video*"):
        number = device.name.removeprefix("video")
        # Nodes after a device's first carry metadata or the same picture in another form.
        if number.isdecimal() and _read_text(device / "index", "0") == "0":
            cameras.append(CameraInfo(int(number), _read_text(device / "name", f"camera {number}")))
    return tuple(sorted(cameras, key=lambda camera: camera.index))


def cameras_from_profiler(report: str) -> tuple[CameraInfo, ...]:
    """Return the cameras of a macOS system report.

    Args:
        report: JSON of `system_profiler -json SPCameraDataType`.

    Raises:
        ValueError: It is no JSON of that kind.
    """
    content = parse_json(report)
    if not isinstance(content, dict):
        raise ValueError("a report of another kind")
    # OpenCV numbers AVFoundation's devices by their sorted unique ids.
    found = sorted(
        content.get("SPCameraDataType", []), key=lambda entry: str(entry.get("spcamera_unique-id", ""))
    )
    return tuple(
        CameraInfo(index, str(entry.get("_name", f"camera {index}"))) for index, entry in enumerate(found)
    )


def _run_profiler() -> str:
    finished = subprocess.run(_MAC_COMMAND, capture_output=True, text=True, timeout=5, check=True)
    return finished.stdout


def _read_text(path: Path, default: str) -> str:
    try:
        return path.read_text(encoding="utf-8", errors="replace").strip() or default
    except OSError:
        return default
