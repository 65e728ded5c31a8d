"""The middle of the window: messages above, the picture or what stands in its place, the seek bar below."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from PySide6.QtWidgets import (
    QAbstractSpinBox,
    QApplication,
    QLineEdit,
    QPlainTextEdit,
    QStackedWidget,
    QVBoxLayout,
    QWidget,
)

from faceapp.pipeline import PipelineState
from faceapp.types import FrameResult
from faceapp.ui.banner import Banner
from faceapp.ui.build_banner import BuildBanner
from faceapp.ui.comparison_view import ComparisonView
from faceapp.ui.empty_state import EmptyState
from faceapp.ui.readout import Readouts
from faceapp.ui.seek_bar import SeekBar
from faceapp.ui.theme import Theme
from faceapp.ui.video_view import VideoView

NO_FACE_AFTER_S = 1.5
NO_FACE_IN_PICTURE = "No face was found in this picture."
NO_FACE = "No face found. Turn towards the camera, put light in front of you, come closer than two metres."
FIRST_START = (
    "This program estimates emotion, age, gender and smile from how faces look. Nothing is stored until you "
    "press Record, and nothing leaves this computer."
)
Offer = tuple[str, str, Callable[[], None]]


class Centre(QWidget):
    """Shows pictures while there are some, and otherwise explains why not and what can be done.

    Args:
        theme: The colours.
        open_address: Called with a web address that was typed in.
    """

    def __init__(
        self, theme: Theme, open_address: Callable[[str], None], parent: QWidget | None = None
    ) -> None:
        super().__init__(parent)
        self.setObjectName("Page")
        self.welcome, self.problem, self.notice = Banner(theme), Banner(theme), Banner(theme)
        self.build = BuildBanner(theme)
        self.video = VideoView(theme)
        self.empty = EmptyState(theme, open_address)
        self.seek_bar = SeekBar(theme)
        self._stack = QStackedWidget()
        self._stack.addWidget(self.empty)
        self._stack.addWidget(self.video)
        self.comparison = ComparisonView(theme)
        self._stack.addWidget(self.comparison)
        self._comparing = False
        self._faces_seen_s = 0.0
        self._time_s = 0.0
        self._has_faces = False
        self._told: tuple[str, ...] = ()
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(0)
        for part in (self.welcome, self.problem, self.notice, self.build):
            layout.addWidget(part)
        layout.addWidget(self._stack, 1)
        layout.addWidget(self.seek_bar)

    @property
    def shows_picture(self) -> bool:
        """Whether a picture is shown, or faces cut from it side by side."""
        return self._stack.currentWidget() is not self.empty

    def set_theme(self, theme: Theme) -> None:
        """Change the colours."""
        banners = (self.welcome, self.problem, self.notice, self.build)
        for part in (*banners, self.video, self.comparison, self.empty, self.seek_bar):
            part.set_theme(theme)

    def set_comparing(self, comparing: bool) -> None:
        """Show faces read three ways in place of the picture, or the picture again."""
        self._comparing = comparing
        if self.shows_picture:
            self._stack.setCurrentWidget(self._live_view)

    @property
    def _live_view(self) -> VideoView | ComparisonView:
        return self.comparison if self._comparing else self.video

    def show_result(self, result: FrameResult, readouts: Readouts) -> None:
        """Show one result."""
        time_s = result.frame.time_s
        if result.faces or time_s < self._time_s or not self.shows_picture:
            self._faces_seen_s = time_s
        self._time_s = time_s
        self._has_faces = bool(result.faces)
        self._stack.setCurrentWidget(self._live_view)
        self.video.show_result(result, readouts)
        self.seek_bar.set_time(time_s)

    def take_focus(self) -> None:
        """Give the keys to the window's shortcuts, unless a person is writing."""
        if not isinstance(QApplication.focusWidget(), QLineEdit | QAbstractSpinBox | QPlainTextEdit):
            (self._live_view if self.shows_picture else self.empty).setFocus()

    def clear(self) -> None:
        """Take the picture away."""
        self.video.show_result(None, Readouts())
        self.comparison.clear()
        self.video.set_note("")
        self.video.set_hint("")
        self._stack.setCurrentWidget(self.empty)
        self.seek_bar.set_duration(None)

    def tell(
        self,
        state: PipelineState,
        source: str,
        message: str,
        offers: Sequence[Offer],
        still: bool = False,
    ) -> None:
        """Say what is going on where the picture does not show it by itself.

        Args:
            state: What the pipeline does.
            source: The source as people know it.
            message: What the source says while it waits.
            offers: What a person without a picture can do.
            still: The source is one picture, which neither plays nor ends.
        """
        waiting = state is PipelineState.WAITING
        if self.shows_picture:
            self.video.set_note(message if waiting else "")
            self.video.set_hint(self._hint(state, still))
            return
        told = (state.value, source, message)
        if told == self._told and self.empty.title:
            return
        self._told = told
        if state is PipelineState.STARTING:
            self.empty.tell("clock", f"Opening {source}", "The first picture comes in a moment.")
        elif waiting:
            self.empty.tell("camera-off", f"Waiting for {source}", message, offers)
        elif state is PipelineState.FAILED:
            text = (
                "Check that it is plugged in, switched on and used by no other program, or try one of these."
            )
            self.empty.tell("camera-off", f"No picture from {source}", text, offers)
        else:
            text = "Pick a camera above, try the demo, or drop a video onto this window."
            self.empty.tell("face", "Choose a source", text, offers)

    def _hint(self, state: PipelineState, still: bool) -> str:
        if state is PipelineState.PAUSED:
            return "Paused. Space goes on."
        if state is PipelineState.ENDED and still:
            return "" if self._has_faces else NO_FACE_IN_PICTURE
        if state is PipelineState.ENDED:
            return "The video has ended. Space plays it again."
        if state is PipelineState.RUNNING and self._time_s - self._faces_seen_s > NO_FACE_AFTER_S:
            return NO_FACE
        return ""
