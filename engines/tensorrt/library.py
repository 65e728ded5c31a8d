"""Finds the TensorRT of this machine: full TensorRT or TensorRT-RTX, used through the calls both have.

Compared in the bindings of TensorRT 10.16 and 11.4 and TensorRT-RTX 1.7: what was removed in 11 is never called, and
what only one of them has is asked for with `hasattr`. TensorRT reports most failures by returning None or False, so
`Messages` keeps the lines that say why.
"""

from __future__ import annotations

import importlib
import threading
from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from engines.errors import EngineError

_Version = tuple[int, int]
# Module -> first and first refused version, and name for people. 10.13 is the first TensorRT for CUDA 13; 12 and 2
# don't exist yet and may drop calls, as 11 did. The full one comes first: who installed it wants it.
_MODULES: dict[str, tuple[_Version, _Version, str]] = {
    "tensorrt": ((10, 13), (12, 0), "TensorRT"),
    "tensorrt_rtx": ((1, 4), (2, 0), "TensorRT-RTX"),
}
_KEPT_LINES = 200
_INSTALL = "run: pip install 'faceapp[gpu]'"


@dataclass(frozen=True, slots=True)
class Library:
    """A TensorRT that can be used.

    Attributes:
        module: The imported module.
        name: Its import name, "tensorrt" or "tensorrt_rtx".
        version: Its full version.
        title: For people, for example "TensorRT-RTX 1.7.1.116".
        messages: What it said, oldest first.
    """

    module: Any
    name: str
    version: str
    title: str
    messages: Messages

    @property
    def builds_without_gpu(self) -> bool:
        """Whether its builder works on a machine without a driver."""
        return self.name == "tensorrt_rtx"


class Messages:
    """Warnings and errors of one TensorRT, the last `_KEPT_LINES` of this process; written from its threads."""

    def __init__(self) -> None:
        self._lines: deque[str] = deque(maxlen=_KEPT_LINES)
        self._count = 0
        self._lock = threading.Lock()
        self.logger: Any = None

    def add(self, text: str) -> None:
        """Keep a message, its line breaks as spaces."""
        with self._lock:
            self._count += 1
            self._lines.append(" ".join(text.split()))

    def mark(self) -> int:
        """Return where the messages stand, for `since`."""
        with self._lock:
            return self._count

    def since(self, mark: int, most: int = 3) -> str:
        """Return the last messages after a mark in one line; empty when there are none."""
        with self._lock:
            fresh = min(self._count - mark, most, len(self._lines))
            return " | ".join(list(self._lines)[len(self._lines) - fresh :])


def find_library(names: Sequence[str] = tuple(_MODULES)) -> Library:
    """Import the first TensorRT whose version is supported.

    Args:
        names: Modules to try, in this order.

    Raises:
        EngineError: There is none; the text says why for each.
    """
    refusals = []
    for name in names:
        if name in _FOUND:
            return _FOUND[name]
        found = _try(name)
        if isinstance(found, Library):
            return _FOUND.setdefault(name, found)
        refusals.append(found)
    raise EngineError(f"no usable TensorRT ({'; '.join(refusals)}); {_INSTALL}")


_FOUND: dict[str, Library] = {}
"""Module name -> library. TensorRT takes one logger per process and ignores later ones, so it is made once."""


def _try(name: str) -> Library | str:
    """Return a library, or why it can't be used."""
    first, refused, title = _MODULES[name]
    try:
        module = importlib.import_module(name)
    except ModuleNotFoundError as error:
        return f"{error.name or name} is not installed"
    except (ImportError, OSError, RuntimeError) as error:  # a shared library is missing or can't be read
        return f"{name} can't be imported: {' '.join(str(error).split())}"
    version = str(getattr(module, "__version__", "unknown"))
    if not first <= _major_and_minor(version) < refused:
        wanted = f"{'.'.join(map(str, first))} or newer, below {refused[0]}"
        return f"expected {name} {wanted}, found {version}"
    messages = Messages()
    messages.logger = _make_logger(module, messages)
    return Library(module, name, version, f"{title} {version}", messages)


def _major_and_minor(version: str) -> _Version:
    parts = version.split(".")
    if len(parts) < 2 or not all(part.isdecimal() for part in parts[:2]):
        return (0, 0)
    return int(parts[0]), int(parts[1])


def _make_logger(module: Any, messages: Messages) -> Any:
    """Return an object of TensorRT's logger interface that keeps warnings and errors."""

    class Logger(module.ILogger):  # type: ignore[misc]
        def __init__(self) -> None:
            module.ILogger.__init__(self)

        def log(self, severity: Any, text: str) -> None:
            if int(severity) <= int(module.ILogger.Severity.WARNING):  # INTERNAL_ERROR is 0, VERBOSE 4
                messages.add(text)

    return Logger()
