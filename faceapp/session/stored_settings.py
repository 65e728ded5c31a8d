"""Settings and errors as a session keeps them: without the folders of the computer, which name its user."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path, PurePosixPath, PureWindowsPath
from typing import Any

_FOLDERS = ("sessions_dir",)
_NAMED_BY_PATH = ("model", "source")


def stored_settings(settings: Mapping[str, Any]) -> dict[str, Any]:
    """Return settings that may be passed on; a model or source given by its path keeps its name alone.

    Args:
        settings: Resolved settings, or those of a session of an older version.
    """
    kept = {name: value for name, value in settings.items() if name not in _FOLDERS}
    for name in _NAMED_BY_PATH:
        if isinstance(kept.get(name), str):
            kept[name] = _name(kept[name])
    return kept


def stored_error(error: Exception, folder: Path) -> str:
    """Return what an error says, with the session's folder shortened to its name."""
    return str(error).replace(str(folder), folder.name) if folder.is_absolute() else str(error)


def _name(text: str) -> str:
    if "://" in text:
        return text
    for path in (PurePosixPath(text), PureWindowsPath(text)):
        if path.name and (path.is_absolute() or text.startswith("~")):
            return path.name
    return text
