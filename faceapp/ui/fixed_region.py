"""The fixed region in the window: drawn, cleared and kept, for cameras that move with the head."""

from __future__ import annotations

from typing import TYPE_CHECKING

from faceapp.settings.region import Region

if TYPE_CHECKING:
    from faceapp.ui.window import MainWindow

NO_PICTURE = "A fixed region is drawn on the live picture: start a source first."


class FixedRegion:
    """Joins the tool on the picture to the setting `region`."""

    def __init__(self, window: MainWindow) -> None:
        self._window = window

    @property
    def drawing(self) -> bool:
        """Whether a person is about to draw."""
        return self._window.centre.video.region_tool.drawing

    def begin(self) -> None:
        """Ask for a rectangle on the picture."""
        window = self._window
        if not window.centre.shows_picture:
            window.controls.complain(NO_PICTURE)
            return
        if window.comparing.on:
            window.comparing.toggle()
        window.centre.video.draw_region(True)
        window.centre.take_focus()

    def cancel(self) -> None:
        """Leave the region as it was."""
        self._window.centre.video.draw_region(False)

    def take(self, region: Region) -> None:
        """Take what was drawn."""
        self._window.controls.change("region", region)

    def clear(self) -> None:
        """Look for faces again."""
        self.cancel()
        self._window.controls.change("region", None)
