"""OpenCV's real V4L2 back end on a camera that needs no kernel module: a small library, loaded first, answers for it."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import cv2
import numpy as np
import pytest

ROOT = Path(__file__).resolve().parents[3]
CODE = Path(__file__).parent / "v4l2" / "fake_camera.c"
COMPILER = shutil.which("cc") or shutil.which("gcc")

pytestmark = [
    pytest.mark.skipif(sys.platform != "linux", reason="V4L2 is Linux's"),
    pytest.mark.skipif(
        COMPILER is None, reason="needs a C compiler for the library that stands for the camera"
    ),
    pytest.mark.skipif(Path("/dev/video7").exists(), reason="there is a real camera of that number"),
    pytest.mark.slow,
]


@pytest.fixture(scope="module")
def library(tmp_path_factory: pytest.TempPathFactory) -> Path:
    built = tmp_path_factory.mktemp("v4l2") / "fake_camera.so"
    command = [str(COMPILER), "-shared", "-fPIC", "-O1", "-o", str(built), str(CODE), "-ldl"]
    done = subprocess.run(command, capture_output=True, text=True, timeout=100)
    if done.returncode:
        pytest.skip(f"the compiler refuses the library: {done.stderr.splitlines()[:1]}")
    return built


def seen(phase: str, state: str, library: Path, folder: Path) -> object:
    """Return what a program sees that goes through a phase."""
    device = folder / "sysfs" / "video7"
    device.mkdir(parents=True)
    (device / "name").write_text("Fake camera\n", encoding="utf-8")
    (device / "index").write_text("0\n", encoding="utf-8")
    (folder / "state").write_text(state, encoding="utf-8")
    noise = np.random.default_rng(7).integers(0, 255, (720, 1280, 3), np.uint8)
    cv2.imwrite(str(folder / "sent.jpg"), noise)
    environment = {
        **os.environ,
        "PYTHONPATH": str(ROOT),
        "LD_PRELOAD": str(library),
        "FAKE_CAMERA_STATE": str(folder / "state"),
        "FAKE_CAMERA_JPEG": str(folder / "sent.jpg"),
    }
    program = [sys.executable, "-m", "tests.faceapp.sources.v4l2.camera_phases"]
    done = subprocess.run(
        [*program, str(folder / "state"), str(folder / "sysfs"), phase],
        env=environment,
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=150,
    )
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout.splitlines()[-1])


def test_it_is_opened_by_number_and_by_name(library: Path, tmp_path: Path) -> None:
    numbered, named = seen("by_number_and_name", "r", library, tmp_path)

    assert numbered[1:] == [[480, 640, 3], 0.0, True], "one gray, brighter with every frame"
    assert named[0] == "Fake camera" and named[1] == [480, 640, 3]


def test_one_in_use_is_told(library: Path, tmp_path: Path) -> None:
    said = seen("busy", "b", library, tmp_path)

    assert "perhaps in use by another program (cameras found: 7 Fake camera)" in said


def test_a_large_picture_comes_as_jpeg(library: Path, tmp_path: Path) -> None:
    small, large = seen("two_formats", "r", library, tmp_path)

    assert small == [[480, 640, 3], False] and large == [[720, 1280, 3], True]


def test_unplugged_it_is_lost_and_comes_back(library: Path, tmp_path: Path) -> None:
    later, further, back, why = seen("unplugged_and_back", "r", library, tmp_path)

    assert (later, further, back) == (True, True, True)
    assert "expected pictures, found none" in why or "expected a camera" in why


def test_a_driver_that_hangs_is_told_and_goes_on(library: Path, tmp_path: Path) -> None:
    assert seen("hanging_and_back", "r", library, tmp_path) == ""
