"""The picture of the moment that is looked at, with the stored faces over it."""

from __future__ import annotations

from collections.abc import Callable

from PySide6.QtCore import QObject, Signal

from faceapp.types import FrameResult, Image
from faceapp.ui.player.picture_loader import PictureLoader
from faceapp.ui.player.review import Review
from faceapp.ui.player.stored_faces import StoredFaces
from faceapp.ui.player.time_view import TimeView
from faceapp.ui.readout import Readouts
from faceapp.ui.video_view import VideoView

TABLE_ONLY = "Table only: this session has no picture."


class Stage(QObject):
    """Fills a picture view from a session; of a table without a video it draws the boxes on a dark ground.

    Signals:
        shown: A frame was put on the screen.
        failed: The video can't be read; the sentence says what to do.

    Args:
        video: The view of the live window, which draws the same here.
        view: Which moment is looked at.
    """

    shown = Signal()
    failed = Signal(str)

    def __init__(self, video: VideoView, view: TimeView, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._video, self._view = video, view
        self._faces: StoredFaces | None = None
        self._loader: PictureLoader | None = None
        self._picture: tuple[float, Image] | None = None
        self._overlays, self._raw = True, False
        self._chosen: Callable[[], int | None] = lambda: None
        self.result: FrameResult | None = None
        view.moved.connect(self._moved)

    @property
    def has_video(self) -> bool:
        """Whether pictures come from a video."""
        return self._loader is not None

    def show_review(self, review: Review, chosen: Callable[[], int | None]) -> None:
        """Show a session.

        Args:
            review: The session.
            chosen: Gives the face whose box is drawn thicker.
        """
        self.close()
        self._faces, self._chosen = StoredFaces(review), chosen
        self._video.set_hint("" if review.video else TABLE_ONLY)
        if review.video is None:
            self._picture = (self._view.position_s, self._faces.blank_picture())
        else:
            self._loader = PictureLoader(review.video, self)
            self._loader.ready.connect(self._take)
            self._loader.failed.connect(self._lost)
        self._moved()

    def set_options(self, *, overlays: bool, raw: bool) -> None:
        """Draw faces or not, with raw or smoothed values."""
        self._overlays, self._raw = overlays, raw
        self.redraw()

    def redraw(self) -> None:
        """Draw the same picture again, because what is said about its faces has changed."""
        if self._picture is None or self._faces is None:
            return
        time_s, image = self._picture
        self.result = self._faces.result(time_s, image, raw=self._raw, faces=self._overlays)
        readouts = Readouts()  # a fresh one each time: the same frame always looks the same
        readouts.update(self.result)
        self._video.overlay.names = self._faces.names
        self._video.overlay.chosen_id = self._chosen() if len(readouts) > 1 else None
        self._video.show_result(self.result, readouts)
        self.shown.emit()

    def close(self) -> None:
        """Let go of the session."""
        if self._loader is not None:
            self._loader.close()
            self._loader.deleteLater()
        self._loader, self._faces, self._picture, self.result = None, None, None, None
        self._video.show_result(None, Readouts())

    def _moved(self) -> None:
        if self._loader is not None:
            self._loader.want(self._view.position_s)
        elif self._picture is not None:
            self._picture = (self._view.position_s, self._picture[1])
            self.redraw()

    def _take(self) -> None:
        picture = None if self._loader is None else self._loader.take()
        if picture is not None:
            self._picture = picture
            self.redraw()

    def _lost(self, text: str) -> None:
        """Go on with the table when the video can't be read."""
        if self._faces is not None:
            if self._loader is not None:
                self._loader.close()
                self._loader = None
            self._picture = (self._view.position_s, self._faces.blank_picture())
            self._video.set_hint(TABLE_ONLY)
            self.redraw()
        self.failed.emit(text)
