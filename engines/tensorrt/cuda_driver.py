"""Asks NVIDIA's driver what it is and which GPUs it has, before any library that may need it is touched.

Without a driver some CUDA libraries hand out objects around a null pointer and kill the process at their first
use, so nothing of TensorRT's runtime is made before `find_driver` returned. Plain ctypes: no CUDA package needed.
"""

from __future__ import annotations

import ctypes
import sys
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache

from engines.errors import EngineError

_ADVICE = "install NVIDIA's driver or choose another back end"
_NAME_BYTES = 256
# Values of CUdevice_attribute in cuda.h; they never change.
_MAJOR_ATTRIBUTE, _MINOR_ATTRIBUTE = 75, 76


@dataclass(frozen=True, slots=True)
class Gpu:
    """One GPU.

    Attributes:
        index: Its number, from 0.
        name: As the driver calls it.
        compute_capability: Major and minor, for example (8, 9).
        memory_bytes: Its whole memory.
    """

    index: int
    name: str
    compute_capability: tuple[int, int]
    memory_bytes: int


@dataclass(frozen=True, slots=True)
class Driver:
    """The driver and its GPUs.

    Attributes:
        version: As NVIDIA numbers it, for example "580.65.06"; empty where the driver doesn't say.
        cuda_version: Newest CUDA it runs, major and minor.
        gpus: At least one.
    """

    version: str
    cuda_version: tuple[int, int]
    gpus: tuple[Gpu, ...]


class NoDriverError(EngineError):
    """There is no usable NVIDIA driver or GPU."""


@cache
def find_driver() -> Driver:
    """Return the driver of this machine, asked once per process.

    Raises:
        NoDriverError: There is none, or it has no GPU for this process.
    """
    library = _load(_DRIVER_FILE)
    if library is None:
        raise NoDriverError(f"no usable NVIDIA driver ({_DRIVER_FILE} is not installed); {_ADVICE}")
    _check(library, "cuInit", library.cuInit(0))
    count = _number(library, "cuDeviceGetCount")
    if count < 1:
        raise NoDriverError(f"expected a GPU, but the NVIDIA driver has none for this process; {_ADVICE}")
    return Driver(
        version=_driver_version(),
        cuda_version=_cuda_version(_number(library, "cuDriverGetVersion")),
        gpus=tuple(_gpu(library, index) for index in range(count)),
    )


def driver_too_old(driver: Driver, needed: tuple[int, int]) -> str:
    """Return why a driver is too old for a CUDA version; empty when it is not.

    Any driver of a CUDA major version runs libraries of that major version, so only the major counts.
    """
    if driver.cuda_version[0] >= needed[0]:
        return ""
    found = ".".join(map(str, driver.cuda_version))
    return (
        f"expected an NVIDIA driver for CUDA {needed[0]}.0 or newer, found {driver.version or 'one'} for CUDA "
        f"{found}; update the driver or choose another back end"
    )


_DRIVER_FILE = "nvcuda.dll" if sys.platform == "win32" else "libcuda.so.1"
_MANAGEMENT_FILE = "nvml.dll" if sys.platform == "win32" else "libnvidia-ml.so.1"


def _load(name: str) -> ctypes.CDLL | None:
    try:
        return ctypes.CDLL(name)
    except OSError:
        return None


def _check(library: ctypes.CDLL, call: str, status: int) -> None:
    """Turn a status of the driver into an error that names it."""
    if status:
        text = ctypes.c_char_p()
        known = library.cuGetErrorName(status, ctypes.byref(text)) == 0 and text.value
        name = text.value.decode(errors="replace") if known and text.value else f"error {status}"
        raise NoDriverError(f"the NVIDIA driver has no usable GPU ({call}: {name}); {_ADVICE}")


def _number(library: ctypes.CDLL, call: str, *arguments: int) -> int:
    """Call a function of the driver that writes one whole number."""
    number = ctypes.c_int()
    _check(library, call, getattr(library, call)(ctypes.byref(number), *arguments))
    return number.value


def _gpu(library: ctypes.CDLL, index: int) -> Gpu:
    device = _number(library, "cuDeviceGet", index)
    name = ctypes.create_string_buffer(_NAME_BYTES)
    _check(library, "cuDeviceGetName", library.cuDeviceGetName(name, _NAME_BYTES, device))
    memory_bytes = ctypes.c_size_t()
    _check(library, "cuDeviceTotalMem", library.cuDeviceTotalMem_v2(ctypes.byref(memory_bytes), device))
    attributes = (_MAJOR_ATTRIBUTE, _MINOR_ATTRIBUTE)
    major, minor = (_number(library, "cuDeviceGetAttribute", one, device) for one in attributes)
    return Gpu(index, name.value.decode(errors="replace"), (major, minor), memory_bytes.value)


def _driver_version() -> str:
    """Return the driver's own version from NVIDIA's management library; empty where that can't be asked."""
    library = _load(_MANAGEMENT_FILE)
    if library is None or library.nvmlInit_v2():
        return ""
    try:
        text = ctypes.create_string_buffer(_NAME_BYTES)
        ask: Callable[..., int] = library.nvmlSystemGetDriverVersion
        return "" if ask(text, _NAME_BYTES) else text.value.decode(errors="replace")
    finally:
        library.nvmlShutdown()


def _cuda_version(number: int) -> tuple[int, int]:
    """Return major and minor of CUDA's own number, 1000 * major + 10 * minor."""
    return number // 1000, number % 1000 // 10
