"""Names of the cameras in the order of DirectShow, which is OpenCV's numbering; Windows only."""

from __future__ import annotations

import ctypes
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from ctypes import POINTER, byref, c_int32, c_uint32, c_void_p, c_wchar_p
from typing import Any
from uuid import UUID

_DEVICE_ENUMERATOR = "62BE5D10-60EB-11D0-BD3B-00A0C911CE86"
_CREATE_DEVICE_ENUMERATOR = "29840822-5B84-11D0-BD3B-00A0C911CE86"
_VIDEO_INPUTS = "860BB310-5D01-11D0-BD3B-00A0C911CE86"
_PROPERTY_BAG = "55272A00-42CB-11CE-8135-00AA004BB851"
# Places in the method tables, after the three of IUnknown: ICreateDevEnum.CreateClassEnumerator,
# IEnumMoniker.Next, IMoniker.BindToStorage (after IPersistStream's five and BindToObject), IPropertyBag.Read.
_RELEASE, _CREATE_ENUMERATOR, _NEXT, _BIND_TO_STORAGE, _READ = 2, 3, 3, 9, 3
_IN_PROCESS = 1
_TEXT = 8


class _Variant(ctypes.Structure):
    _fields_ = (
        ("kind", ctypes.c_uint16),
        ("reserved", ctypes.c_uint16 * 3),
        ("text", c_wchar_p),
        ("more", c_void_p),
    )


def list_direct_show_names() -> list[str]:
    """Return the cameras' names in DirectShow's order; one that does not tell its name is called "camera".

    Raises:
        OSError: DirectShow can't be asked.
    """
    if sys.platform != "win32":
        raise OSError("no DirectShow outside Windows")
    ole = ctypes.windll.ole32
    ours = ole.CoInitializeEx(None, 0) >= 0  # negative where the thread has COM already, in another mode
    try:
        return read_names(ole, ctypes.windll.oleaut32)
    finally:
        if ours:
            ole.CoUninitialize()


def read_names(ole: Any, automation: Any) -> list[str]:
    """Return the names of all video inputs.

    Args:
        ole: The library ole32.
        automation: The library oleaut32.

    Raises:
        OSError: There is no list of devices.
    """
    with _created(ole, _DEVICE_ENUMERATOR, _CREATE_DEVICE_ENUMERATOR) as devices:
        enumerator, category = c_void_p(), _guid(_VIDEO_INPUTS)
        result = _call(devices, _CREATE_ENUMERATOR, byref(category), byref(enumerator), c_uint32(0))
        if result != 0:  # 1: the category is empty
            return []
        with _released(enumerator):
            return [_friendly_name(device, automation) for device in _each(enumerator)]


def _each(enumerator: c_void_p) -> Iterator[c_void_p]:
    device = c_void_p()
    while _call(enumerator, _NEXT, c_uint32(1), byref(device), None) == 0:
        with _released(device):
            yield device
        device = c_void_p()


def _friendly_name(device: c_void_p, automation: Any) -> str:
    bag, interface = c_void_p(), _guid(_PROPERTY_BAG)
    if _call(device, _BIND_TO_STORAGE, None, None, byref(interface), byref(bag)) != 0:
        return "camera"
    value = _Variant()
    with _released(bag):
        if _call(bag, _READ, c_wchar_p("FriendlyName"), byref(value), None) != 0:
            return "camera"
    name = value.text if value.kind == _TEXT else None
    automation.VariantClear(byref(value))
    return name or "camera"


@contextmanager
def _created(ole: Any, class_id: str, interface_id: str) -> Iterator[c_void_p]:
    found, kind, interface = c_void_p(), _guid(class_id), _guid(interface_id)
    result = ole.CoCreateInstance(byref(kind), None, _IN_PROCESS, byref(interface), byref(found))
    if result != 0:
        raise OSError(f"DirectShow's list of devices, error {result & 0xFFFFFFFF:#010x}")
    with _released(found):
        yield found


@contextmanager
def _released(thing: c_void_p) -> Iterator[None]:
    try:
        yield
    finally:
        _call(thing, _RELEASE)


def _call(thing: c_void_p, place: int, *arguments: Any) -> int:
    """Call a method of a COM object by its place in the method table; return its result code."""
    table = ctypes.cast(thing, POINTER(POINTER(c_void_p))).contents
    method_type: Callable[..., Any] = getattr(ctypes, "WINFUNCTYPE", ctypes.CFUNCTYPE)
    method = method_type(c_int32, c_void_p, *(_kind_of(argument) for argument in arguments))(table[place])
    return int(method(thing, *arguments))


def _kind_of(argument: Any) -> Any:
    return type(argument) if isinstance(argument, c_uint32 | c_wchar_p) else c_void_p


def _guid(text: str) -> Any:
    return (ctypes.c_ubyte * 16).from_buffer_copy(UUID(text).bytes_le)
