"""Where frames come from. Each file that has `from_text` is one kind of source; adding one is adding a file.

Such a file has `RANK` (a lower one is asked first), `ACCEPTS` (what people may type for it), `available()`
(the reason why it can't be used, empty when it can) and `from_text(text, options)`, which returns the source
that a text means, or None when the text means something else.
"""

from __future__ import annotations

import os
import sys
from importlib import import_module
from pathlib import Path
from pkgutil import iter_modules
from types import ModuleType

from faceapp.errors import SourceError
from faceapp.sources.file_suffixes import PICTURE_SUFFIXES, VIDEO_SUFFIXES
from faceapp.sources.options import CameraSettings, Clip, Options
from faceapp.types import Source

if sys.platform == "win32":
    # Media Foundation negotiates hardware transforms for up to minutes; OpenCV reads this when it is loaded.
    os.environ.setdefault("OPENCV_VIDEOIO_MSMF_ENABLE_HW_TRANSFORMS", "0")

from faceapp.sources.cameras import CameraInfo, list_cameras

__all__ = ["CameraInfo", "CameraSettings", "Clip", "Options", "list_cameras", "make_source", "source_kinds"]


def make_source(
    text: str,
    *,
    settings: CameraSettings | None = None,
    loop: bool = False,
    start_s: float | None = None,
    end_s: float | None = None,
    every: int = 1,
    for_s: float | None = None,
) -> Source:
    """Return the source that a text means; nothing is opened yet.

    Args:
        text: "demo" (or "demo:headset", "demo:mask", "demo:two"), a camera's number or part of its name, the
            path of a video, a picture or a folder of pictures, or a network camera's URL.
        settings: What is asked of a camera.
        loop: Begin a recording again at its end; live sources never end anyway.
        start_s: First time wanted of a recording.
        end_s: Time at which a recording stops; gives the demo an end, so that it is read like a recording.
        every: Take every N-th frame of a recording.
        for_s: So many seconds of a recording or the demo; a live source is ended by whoever reads it.

    Raises:
        SourceError: The text means nothing, or what is asked does not suit the source.
    """
    if not text.strip():
        raise SourceError(f"source: expected {_choices()}, found an empty text")
    options = Options(settings or CameraSettings(), Clip(start_s, end_s, every, loop, for_s))
    for kind in source_kinds():
        source: Source | None = kind.from_text(text, options)
        if source is not None:
            return source
    if _is_path(text):
        raise SourceError(f"{text}: expected a file or a folder, found nothing there; check the path")
    raise SourceError(f"{text}: expected {_choices()}, found none of these; check the spelling")


def source_kinds() -> tuple[ModuleType, ...]:
    """Return the modules of all kinds of sources, in the order in which they are asked."""
    modules = (import_module(f"{__name__}.{module.name}") for module in iter_modules(__path__))
    return tuple(
        sorted((module for module in modules if hasattr(module, "from_text")), key=lambda kind: kind.RANK)
    )


def _is_path(text: str) -> bool:
    """Tell whether a text that means nothing can only have been meant as a path."""
    name = text.strip()
    return "/" in name or os.sep in name or Path(name).suffix.lower() in VIDEO_SUFFIXES | PICTURE_SUFFIXES


def _choices() -> str:
    choices: list[str] = [kind.ACCEPTS for kind in source_kinds()]
    return ", ".join(choices[:-1]) + " or " + choices[-1]
