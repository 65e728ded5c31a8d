"""What this machine is, as far as it decides how fast networks run."""

from __future__ import annotations

import math
import os
import platform
import sys
from collections.abc import Sequence
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

LIBRARIES = (
    *("onnxruntime", "onnxruntime-gpu", "openvino"),
    *("tensorrt", "tensorrt-cu13", "tensorrt-rtx-cu13", "numpy"),
)
"""Packages whose version matters."""
_MIB = 1024 * 1024


def processor_name() -> str:
    """Return the processor's name; Linux keeps it where `platform` does not look."""
    try:
        lines = Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines()
    except OSError:
        lines = []
    names = [line.partition(":")[2].strip() for line in lines if line.startswith("model name")]
    return names[0] if names else platform.processor() or platform.machine()


def processor_count() -> int:
    """Return how many processors this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def library_versions(others: Sequence[str] = ()) -> dict[str, str]:
    """Return library -> version, of those that are installed.

    Args:
        others: Packages to name beside `LIBRARIES`.
    """
    return {name: found for name in (*LIBRARIES, *others) if (found := _version(name))}


def library_of(backend: str, description: str = "") -> str:
    """Return the package that a back end runs on and its version; empty where none is installed.

    Args:
        backend: Its name.
        description: Its description once loaded, which tells TensorRT-RTX from TensorRT.
    """
    candidates = {
        "onnxruntime": ("onnxruntime", "onnxruntime-gpu"),
        "onnxruntime_cuda": ("onnxruntime-gpu",),
        "openvino": ("openvino",),
        "openvino_gpu": ("openvino",),
        "tensorrt": ("tensorrt-rtx-cu13",) if "RTX" in description else ("tensorrt", "tensorrt-cu13"),
    }.get(backend, (backend,))
    return next((f"{name} {found}" for name in candidates if (found := _version(name))), "")


def resident_mib() -> float:
    """Return the memory of this process that is in RAM now; where only the peak is known, the peak; NaN on Windows."""
    statm = Path("/proc/self/statm")
    if statm.exists():
        return int(statm.read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE") / _MIB
    if sys.platform == "win32":
        return math.nan
    import resource

    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak / _MIB if sys.platform == "darwin" else peak / 1024


def _version(name: str) -> str:
    try:
        return version(name)
    except PackageNotFoundError:
        return ""
