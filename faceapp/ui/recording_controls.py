"""Starts and stops recordings: at once, or after the page that asks for participant and consent."""

from __future__ import annotations

from typing import TYPE_CHECKING

from PySide6.QtCore import QObject

from faceapp.session.about import About
from faceapp.ui.recording_step import KEPT, RecordingStep
from faceapp.ui.theme import theme_named

if TYPE_CHECKING:
    from faceapp.ui.window import MainWindow

_REMEMBERED = ("participant", "session", "condition")


class RecordingControls(QObject):
    """Turns the record button and its keys into recordings.

    Args:
        window: The live window.

    Attributes:
        sheet: The page; None before it was first shown.
    """

    def __init__(self, window: MainWindow) -> None:
        super().__init__(window)
        self._window = window
        self.sheet: RecordingStep | None = None

    def toggle(self) -> None:
        """Start or stop recording; ask first where that is wanted."""
        if not self._window.recorder.wanted and self._window.settings.ask_before_recording:
            self.toggle_with_details()
        elif self._window.recorder.wanted:
            self._window.recorder.stop()
        else:
            self._record(About())
        self._window.refresh()

    def toggle_with_details(self) -> None:
        """Show the page that asks, or hide it; stop a recording that runs."""
        window = self._window
        if window.recorder.wanted:
            window.recorder.stop()
        elif self.sheet is not None and self.sheet.isVisible():
            self.sheet.hide()
        elif window.centre.shows_picture:
            self.show()
        window.refresh()

    def show(self) -> RecordingStep:
        """Show the page."""
        if self.sheet is None:
            window = self._window
            self.sheet = RecordingStep(window.settings, theme_named(window.settings.theme), window)
            self.sheet.agreed.connect(self._agreed)
            self.sheet.setting_changed.connect(window.controls.change)
            self.sheet.closed.connect(window.centre.take_focus)
        self.sheet.fill(self._window.settings)
        self.sheet.ask(self._window.memory.about(_REMEMBERED))
        return self.sheet

    def show_settings(self) -> None:
        """Show settings that were changed elsewhere."""
        if self.sheet is not None:
            self.sheet.fill(self._window.settings)

    def set_theme(self, name: str) -> None:
        """Change the colours: "dark", "light" or "system"."""
        if self.sheet is not None:
            self.sheet.set_theme(theme_named(name))

    def _agreed(self, about: About) -> None:
        self._window.memory.set_about({name: getattr(about, name) for name in _REMEMBERED})
        self._record(about)
        self._window.refresh()

    def _record(self, about: About) -> None:
        window = self._window
        if window.live.pipeline is not None and window.centre.shows_picture:
            window.recorder.start(window.live.pipeline, window.settings, about)


__all__ = ["KEPT", "RecordingControls"]
