"""What the window remembers beside the settings: its place, its panels, the first notice."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from pathlib import Path

from PySide6.QtCore import QByteArray, QSettings
from PySide6.QtWidgets import QMainWindow

_LAYOUT_VERSION = 1


class WindowMemory:
    """A small file beside the settings.

    Args:
        path: The file; None remembers nothing, for pictures of the window.
    """

    def __init__(self, path: Path | None) -> None:
        self._store = None if path is None else QSettings(str(path), QSettings.Format.IniFormat)

    @property
    def welcomed(self) -> bool:
        """Whether the notice of the first start was read."""
        return self._store is None or bool(self._store.value("welcomed", False, type=bool))

    def set_welcomed(self) -> None:
        """Don't show the notice again."""
        if self._store is not None:
            self._store.setValue("welcomed", True)

    def about(self, names: Iterable[str]) -> dict[str, str]:
        """Return what was last written about a session, by field."""
        if self._store is None:
            return {}
        return {name: str(self._store.value(f"about/{name}", "")) for name in names}

    def set_about(self, values: Mapping[str, str]) -> None:
        """Remember what was written about a session."""
        if self._store is not None:
            for name, value in values.items():
                self._store.setValue(f"about/{name}", value)

    def restore(self, window: QMainWindow) -> None:
        """Put window and panels where they were; what can't be read is ignored."""
        if self._store is None:
            return
        geometry, panels = self._store.value("geometry"), self._store.value("panels")
        if isinstance(geometry, QByteArray):
            window.restoreGeometry(geometry)
        if isinstance(panels, QByteArray):
            window.restoreState(panels, _LAYOUT_VERSION)

    def save(self, window: QMainWindow) -> None:
        """Remember where window and panels are."""
        if self._store is not None:
            self._store.setValue("geometry", window.saveGeometry())
            self._store.setValue("panels", window.saveState(_LAYOUT_VERSION))
            self._store.sync()
