"""Switches the window between the live picture and the comparison side by side."""

from __future__ import annotations

from typing import TYPE_CHECKING

from PySide6.QtCore import Qt

from faceapp.sources.drawn_occlusion import Hidden
from faceapp.ui.comparison_view import NOTHING_HIDDEN, TOO_LITTLE, WAITING
from faceapp.ui.screen_cover import covers

if TYPE_CHECKING:
    from faceapp.ui.dock import Dock
    from faceapp.ui.window import MainWindow


COVERED = "Faces are covered on the screen. Uncover them in the settings to compare them side by side."


class Comparing:
    """Gives the comparison the room of the panels, asks the reading thread for it, and shows the chosen face."""

    def __init__(self, window: MainWindow) -> None:
        self._window = window
        self._hidden: dict[Dock, tuple[int, int]] = {}
        self._drew = False
        self.on = False

    def toggle(self) -> None:
        """Show the comparison, hiding a face behind a headset if none is hidden yet, or the picture again."""
        window = self._window
        if not self.on and covers(window.settings):
            window.centre.notice.show_notice(COVERED)
            window.toolbar.set_comparing(False)
            return
        self.on = not self.on
        window.live.side_by_side.wanted = self.on
        window.live.side_by_side.newest = None
        window.centre.comparison.clear()
        window.centre.set_comparing(self.on)
        window.toolbar.set_comparing(self.on)
        if self.on:
            self.make_room()
            self._drew = window.live.hiding.what == "none"
            if self._drew:
                window.controls.hide("headset")
        else:
            self.give_room_back()
            if self._drew and window.live.hiding.what == "headset":
                window.controls.hide("none")  # it was there for the comparison alone
        window.centre.take_focus()

    def follow_cover(self) -> None:
        """Leave the comparison, which shows faces, once they are covered on the screen."""
        if self.on and covers(self._window.settings):
            self.toggle()

    def follow_hiding(self, what: Hidden) -> None:
        """Say what to do where nothing is hidden, and drop what was compared before."""
        window = self._window
        window.live.side_by_side.newest = None
        window.centre.comparison.clear()
        window.centre.comparison.set_hint(NOTHING_HIDDEN if what == "none" else WAITING)

    def show_newest(self, time_s: float) -> None:
        """Show the chosen face's newest comparison, while that is wanted.

        Args:
            time_s: Time of the newest frame.
        """
        window, newest = self._window, self._window.live.side_by_side.newest
        if not self.on or newest is None:
            return
        faces = [face for face in newest[1] if not self._unread(face.track_id)]
        if faces:
            chosen = next((face for face in faces if face.track_id == window.chosen_id), faces[0])
            window.centre.comparison.show_comparison(chosen, time_s)
        elif newest[1] or window.chosen is None:
            self._show_none(TOO_LITTLE if newest[1] else WAITING)

    def _unread(self, track_id: int) -> bool:
        """Whether the program itself abstains: then it doesn't say what networks would make of the face either."""
        readout = self._window.readouts.get(track_id)
        return readout is not None and readout.occlusion == "hidden"

    def _show_none(self, why: str) -> None:
        view = self._window.centre.comparison
        view.set_hint(why)
        if view.comparison is not None:
            view.clear()

    def animate(self) -> None:
        """Repaint while the bars still move."""
        if self.on:
            self._window.centre.comparison.animate()

    def make_room(self) -> None:
        """Hide the panels, and remember which there were and how large."""
        window = self._window
        docks = (window.faces_dock, window.timeline_dock, window.form_dock)
        self._hidden = {dock: (dock.width(), dock.height()) for dock in docks if dock.isVisible()}
        for dock in self._hidden:
            dock.hide()

    def give_room_back(self) -> None:
        """Show the panels that were there."""
        hidden, self._hidden = self._hidden, {}
        for dock in hidden:
            dock.show()
        for way, side in ((Qt.Orientation.Horizontal, 0), (Qt.Orientation.Vertical, 1)):
            self._window.resizeDocks(list(hidden), [size[side] for size in hidden.values()], way)
