"""Reads the fake camera through its phases, as a program of its own: `... camera_phases STATE_FILE SYSFS_FOLDER PHASE`."""

from __future__ import annotations

import json
import sys
from pathlib import Path

from faceapp.errors import SourceError
from faceapp.sources import cameras, live_capture, make_source
from faceapp.sources.options import CameraSettings
from tests.waiting import wait_until

STATE, SYSFS, PHASE = Path(sys.argv[1]), Path(sys.argv[2]), sys.argv[3]
cameras.LINUX_DEVICES = SYSFS
live_capture.FIRST_RETRY_S = 0.1


def camera(text: str = "7", settings: CameraSettings | None = None):
    return make_source(text, settings=settings)


def first_picture(source):
    source.open()
    return wait_until(source.read, "no picture came")


def shape(frame) -> list[int]:
    return list(frame.image.shape)


def by_number_and_name() -> object:
    said = []
    for text in ("7", "fake"):
        source = camera(text)
        frame = first_picture(source)
        later = wait_until(source.read, "no second picture came")
        said.append([source.name, shape(frame), float(frame.image.std()), later.time_s > frame.time_s])
        source.close()
    return said


def busy() -> object:
    source = camera()
    try:
        first_picture(source)
    except SourceError as error:
        return str(error)
    return "opened"


def two_formats() -> object:
    small, large = camera(), camera(settings=CameraSettings(1280, 720, 30))
    said = []
    for source in (small, large):
        frame = first_picture(source)
        said.append([shape(frame), bool(frame.image.std() > 5)])
        source.close()
    return said


def unplugged_and_back() -> object:
    source = camera()
    first = first_picture(source)
    STATE.write_text("u", encoding="utf-8")
    wait_until(lambda: source.read() is None and source.status.startswith("lost"), "the loss is not told")
    STATE.write_text("r", encoding="utf-8")
    later = wait_until(source.read, "it does not come back")
    source.close()
    (outage,) = source.outages
    return [later.time_s > first.time_s, later.index > first.index, outage.to_s is not None, outage.why]


def hanging_and_back() -> object:
    source = camera()
    first_picture(source)
    STATE.write_text("h", encoding="utf-8")
    wait_until(lambda: source.read() is None and "no picture for" in source.status, "the hang is not told")
    STATE.write_text("r", encoding="utf-8")
    wait_until(source.read, "it does not come back")
    status = source.status
    source.close()
    return status


print(json.dumps(globals()[PHASE]()))
