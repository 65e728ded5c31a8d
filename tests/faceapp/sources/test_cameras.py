"""The list of cameras on every system, from what that system tells."""

from __future__ import annotations

import ctypes
import json
import logging
import subprocess
from ctypes import c_int32, c_uint32, c_void_p, c_wchar_p
from pathlib import Path

import pytest

from faceapp.sources import cameras, list_cameras
from faceapp.sources.cameras import CameraInfo, cameras_from_profiler, cameras_from_sysfs
from faceapp.sources.cameras_windows import read_names


def add_device(folder: Path, number: int, name: str | None, index: int | None) -> None:
    device = folder / f"video{number}"
    device.mkdir(parents=True)
    if name is not None:
        (device / "name").write_text(f"{name}\n")
    if index is not None:
        (device / "index").write_text(f"{index}\n")


def test_linux(tmp_path):
    add_device(tmp_path, 10, "Capture Card", 0)
    add_device(tmp_path, 2, "HD Pro Webcam C920", 0)
    add_device(tmp_path, 3, "HD Pro Webcam C920", 1)  # its metadata
    add_device(tmp_path, 4, None, None)
    (tmp_path / "v4l-subdev0").mkdir()
    (tmp_path / "videoX").mkdir()
    expected = (
        CameraInfo(2, "HD Pro Webcam C920"),
        CameraInfo(4, "camera 4"),
        CameraInfo(10, "Capture Card"),
    )
    assert cameras_from_sysfs(tmp_path) == expected


def test_linux_without_cameras(tmp_path):
    assert cameras_from_sysfs(tmp_path) == ()
    assert cameras_from_sysfs(tmp_path / "gone") == ()


def test_mac():
    found = [
        {"_name": "USB Camera", "spcamera_unique-id": "0x9"},
        {"_name": "FaceTime HD", "spcamera_unique-id": "0x1"},
        {"spcamera_unique-id": "0x5"},
    ]
    expected = (CameraInfo(0, "FaceTime HD"), CameraInfo(1, "camera 1"), CameraInfo(2, "USB Camera"))
    assert cameras_from_profiler(json.dumps({"SPCameraDataType": found})) == expected
    assert cameras_from_profiler("{}") == ()


def test_a_system_that_does_not_tell_is_no_failure(monkeypatch, caplog):
    def fail() -> str:
        raise subprocess.TimeoutExpired("system_profiler", 5)

    monkeypatch.setattr(cameras.sys, "platform", "darwin")
    monkeypatch.setattr(cameras, "_run_profiler", fail)
    with caplog.at_level(logging.WARNING):
        assert list_cameras() == ()
    assert "expected a list from the system" in caplog.text
    monkeypatch.setattr(cameras, "_run_profiler", lambda: "[]")
    assert list_cameras() == ()


def test_this_machine():
    for camera in list_cameras():
        assert camera.index >= 0
        assert camera.name


class FakeObject:
    """A COM object: a pointer to a table of functions, some of which do something."""

    def __init__(self, world: FakeDirectShow, methods: dict[int, object]) -> None:
        self.released = 0
        kept = {2: ctypes.CFUNCTYPE(c_int32, c_void_p)(self._release), **methods}
        world.kept.append(kept)
        self._table = (c_void_p * 12)(
            *(ctypes.cast(kept[n], c_void_p) if n in kept else None for n in range(12))
        )
        self._table_pointer = c_void_p(ctypes.addressof(self._table))
        self.address = ctypes.addressof(self._table_pointer)
        world.objects.append(self)

    def _release(self, _: int) -> int:
        self.released += 1
        return 0


class FakeDirectShow:
    """ole32 and oleaut32 with cameras of the given names; None is a camera that does not tell its name."""

    def __init__(self, names: list[str | None], *, broken: bool = False) -> None:
        self.kept: list[object] = []
        self.objects: list[FakeObject] = []
        self.cleared = 0
        self._names = names
        self._broken = broken

    def CoCreateInstance(self, _class, _outer, _where, _interface, result) -> int:
        if self._broken:
            return -2147221164
        prototype = ctypes.CFUNCTYPE(c_int32, c_void_p, c_void_p, c_void_p, c_uint32)
        result._obj.value = FakeObject(self, {3: prototype(self._create_enumerator)}).address
        return 0

    def VariantClear(self, _value) -> int:
        self.cleared += 1
        return 0

    def _create_enumerator(self, _this, _category, result, _flags) -> int:
        if not self._names:
            return 1
        left = list(self._names)

        def next_device(_this, count, result, _fetched) -> int:
            if count != 1 or not left:
                return 1
            _write_pointer(result, self._device(left.pop(0)).address)
            return 0

        prototype = ctypes.CFUNCTYPE(c_int32, c_void_p, c_uint32, c_void_p, c_void_p)
        _write_pointer(result, FakeObject(self, {3: prototype(next_device)}).address)
        return 0

    def _device(self, name: str | None) -> FakeObject:
        def read(_this, key, value, _log) -> int:
            if name is None or key != "FriendlyName":
                return -1
            text = ctypes.create_unicode_buffer(name)
            self.kept.append(text)
            ctypes.c_uint16.from_address(value).value = 8
            _write_pointer(value + 8, ctypes.addressof(text))
            return 0

        def bind(_this, _context, _left, _interface, result) -> int:
            prototype = ctypes.CFUNCTYPE(c_int32, c_void_p, c_wchar_p, c_void_p, c_void_p)
            _write_pointer(result, FakeObject(self, {3: prototype(read)}).address)
            return 0

        prototype = ctypes.CFUNCTYPE(c_int32, c_void_p, c_void_p, c_void_p, c_void_p, c_void_p)
        return FakeObject(self, {9: prototype(bind)})


def _write_pointer(place: int, value: int) -> None:
    ctypes.c_size_t.from_address(place).value = value


def test_windows_in_direct_shows_order_and_everything_released():
    world = FakeDirectShow(["Logitech C920", None, "Kamera für Röntgen"])
    assert read_names(world, world) == ["Logitech C920", "camera", "Kamera für Röntgen"]
    assert [thing.released for thing in world.objects] == [1] * len(world.objects)
    assert len(world.objects) == 2 + 3 * 2
    assert world.cleared == 2


def test_windows_without_cameras_or_without_direct_show():
    assert read_names(FakeDirectShow([]), None) == []
    with pytest.raises(OSError, match="DirectShow's list of devices, error 0x80040154"):
        read_names(FakeDirectShow([], broken=True), None)
