"""Full screen for an audience: the picture and large bars, nothing else."""

from __future__ import annotations

from typing import TYPE_CHECKING

from PySide6.QtCore import Qt

if TYPE_CHECKING:
    from faceapp.ui.window import MainWindow

_CARDS_SHARE = 0.32
"""Share of the screen's width for the cards, whose text grows with it."""


class Audience:
    """Switches the window between its usual look and the one for an audience."""

    def __init__(self, window: MainWindow) -> None:
        self._window = window
        self._panels = b""
        self._was_maximised = False
        self.on = False

    def toggle(self) -> None:
        """Go full screen with picture and bars alone, or back."""
        comparing = self._window.comparing
        if comparing.on:
            comparing.give_room_back()
        self.on = not self.on
        if self.on:
            self._enter()
        else:
            self._leave()
        if comparing.on:
            comparing.make_room()  # of the panels that this way of showing has
        self._window.centre.video.set_recording(self.on and self._window.recorder.begun)

    def _enter(self) -> None:
        window = self._window
        self._panels, self._was_maximised = window.saveState(), window.isMaximized()
        for part in (window.toolbar, window.status, window.timeline_dock, window.form_dock):
            part.hide()
        window.faces_dock.show()
        window.faces_dock.set_bare(True)
        window.showFullScreen()
        width = round(window.screen().size().width() * _CARDS_SHARE)
        window.resizeDocks([window.faces_dock], [width], Qt.Orientation.Horizontal)
        window.centre.take_focus()

    def _leave(self) -> None:
        window = self._window
        window.faces_dock.set_bare(False)
        window.toolbar.show()
        window.status.show()
        if self._was_maximised:
            window.showMaximized()
        else:
            window.showNormal()
        window.restoreState(self._panels)
