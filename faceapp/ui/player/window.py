"""The player's window: lays out its parts and shows a session in them; `controls` does what people ask for."""

from __future__ import annotations

from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
from PySide6.QtCore import QByteArray, QEvent, QObject, QSettings, QSize, Qt
from PySide6.QtGui import QCloseEvent, QDragEnterEvent, QDropEvent, QIcon, QKeyEvent
from PySide6.QtWidgets import QComboBox, QLineEdit, QMainWindow, QSplitter, QTabWidget, QVBoxLayout, QWidget

from faceapp.session.annotations import Event
from faceapp.session.segments import emotion_segments
from faceapp.session.video_reader import read_frame_times
from faceapp.ui.background import Background
from faceapp.ui.banner import Banner
from faceapp.ui.player.charts_area import ChartsArea
from faceapp.ui.player.compare_panel import ComparePanel
from faceapp.ui.player.controls import PlayerControls
from faceapp.ui.player.faces_panel import FacesPanel
from faceapp.ui.player.frame_times import FrameTimes
from faceapp.ui.player.keys import code_key, player_action
from faceapp.ui.player.marks_panel import MarksPanel
from faceapp.ui.player.review import Review, load_review
from faceapp.ui.player.stage import Stage
from faceapp.ui.player.style import player_style
from faceapp.ui.player.time_view import TimeView
from faceapp.ui.player.tools import Tools
from faceapp.ui.player.transport import Transport
from faceapp.ui.player.transport_bar import TransportBar
from faceapp.ui.sheet import Sheet
from faceapp.ui.theme import ICONS_DIR, Theme, apply_theme, theme_named
from faceapp.ui.video_view import VideoView

SMALLEST = QSize(960, 600)
_USUAL = QSize(1320, 860)
_PANEL_PX = 400
_CLOSE_S = 10.0
_LIST_KEYS = frozenset({"slower", "faster", "step_back", "step_on", "start", "end", "edit", "back"})
"""What a list does with these keys itself."""


class PlayerWindow(QMainWindow):
    """A session seen again.

    Args:
        theme: "dark", "light" or "system".
        memory_path: Where the window remembers its place and the annotator; None remembers nothing.
    """

    def __init__(self, theme: str = "dark", *, memory_path: Path | None = None) -> None:
        super().__init__()
        self.theme: Theme = theme_named(theme)
        apply_theme(self.theme)
        self.background = Background(self)
        self.review: Review | None = None
        self.chosen_face: int | None = None
        self.chosen_mark = ""
        self._store = None if memory_path is None else QSettings(str(memory_path), QSettings.Format.IniFormat)
        self.author = str(self._store.value("annotator", "")) if self._store else ""
        self.author = self.author or "annotator 1"
        self.view = TimeView(parent=self)
        self.transport = Transport(self.view, self)
        self.controls = PlayerControls(self)
        self._build()
        self.controls.connect_parts()
        self.setWindowTitle("faceapp player")
        self.setWindowIcon(QIcon(str(ICONS_DIR / "faceapp.svg")))
        self.setStyleSheet(player_style(self.theme))
        self.setMinimumSize(SMALLEST)
        self.setAcceptDrops(True)
        self.resize(_USUAL)
        if self._store is not None and isinstance(place := self._store.value("geometry"), QByteArray):
            self.restoreGeometry(place)

    def open_session(self, folder: Path) -> None:
        """Open a session; returns at once, what can't be opened is told in a banner."""
        self.transport.pause()
        self.background.run(partial(load_review, folder), self.show_review, self.controls.complain)

    def show_review(self, review: Review) -> None:
        """Show a session that was read."""
        self.review = review
        persons = review.persons()
        self.chosen_face = next((face for face in persons if face not in review.faces.excluded), None)
        self.chosen_mark = ""
        self.problem.dismiss()
        self.tools.show_title(review.title)
        self.setWindowTitle(f"{review.title} – faceapp player")
        self.transport.frames = review.frames
        self.view.set_span(review.span_s)
        self.stage.show_review(review, lambda: self.chosen_face)
        self.show_faces()
        self.bar.show_session()
        self.take_focus()
        if review.problem:
            self.controls.tell_problem(review)
        if not review.frames_known and review.video is not None:
            closed = lambda: self.review is not review  # noqa: E731
            self.background.run(
                partial(read_frame_times, review.video, closed), partial(self._frames_read, review)
            )

    @property
    def followed_face(self) -> int | None:
        """The chosen face, whose values are shown; None for one that is left out."""
        left_out = self.review is not None and self.chosen_face in self.review.faces.excluded
        return None if left_out else self.chosen_face

    def show_faces(self) -> None:
        """Show faces, charts and lanes after the faces or the choice of one have changed."""
        review = self.review
        if review is None:
            return
        if self.chosen_face is not None:
            self.chosen_face = review.faces.person_of(self.chosen_face)
        self.faces.show_review(review, self.chosen_face)
        self.charts.show_review(review, self.followed_face, self.tools.raw.isChecked())
        self.show_network()
        self.controls.show_about()
        self.show_marks()
        self.stage.redraw()

    def show_network(self) -> None:
        """Show what the network saw on the chosen face, on its lane."""
        face, review = self.followed_face, self.review
        if review is None or face is None:
            self.charts.lanes.show_network((), "")
            return
        segments = emotion_segments(_OneFace(review, face))  # type: ignore[arg-type]
        self.charts.lanes.show_network(segments, f"network, {review.faces.name_of(face)}")

    def show_marks(self) -> None:
        """Show the marks after one of them, the choice, the scheme or the annotator has changed."""
        review = self.review
        if review is None:
            return
        authors = sorted({*review.annotations.authors, self.author})
        lanes = [self.author] if self.tools.only_own.isChecked() else authors
        events = tuple(event for event in review.annotations.events if event.author in lanes)
        self.charts.lanes.show_events(events, lanes, self.author, review.scheme, self.chosen_mark)
        self.charts.fit_lanes()
        self.charts.show_excluded(events)
        self.marks.show_review(review, events, self.chosen_mark, self.author)
        self.tools.show_authors(authors, self.author)
        self.compare.show_review(review, self.followed_face)

    def visible_marks(self) -> tuple[Event, ...]:
        """Return the marks in the list, ordered by start."""
        return self.marks.table.events

    def take_focus(self) -> None:
        """Give the keys to the player."""
        self.video.setFocus()

    def set_theme(self, name: str) -> None:
        """Change the colours: "dark", "light" or "system"."""
        self.theme = theme_named(name)
        apply_theme(self.theme)
        self.setStyleSheet(player_style(self.theme))
        for part in (self.tools, self.video, self.bar, self.charts, self.problem, self.notice, self.sheet):
            part.set_theme(self.theme)

    def remember(self) -> None:
        """Remember the annotator and the window's place."""
        if self._store is not None:
            self._store.setValue("annotator", self.author)
            self._store.setValue("geometry", self.saveGeometry())
            self._store.sync()

    def keyPressEvent(self, event: QKeyEvent) -> None:
        """Do what a key asks for."""
        if isinstance(self.focusWidget(), QLineEdit | QComboBox) and event.key() in (
            *(Qt.Key.Key_Return, Qt.Key.Key_Enter, Qt.Key.Key_Escape),
        ):
            self.take_focus()
        elif not self.controls.press(player_action(event), code_key(event)):
            super().keyPressEvent(event)

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        """Take the player's keys from the lists, which would search with them."""
        if event.type() != QEvent.Type.KeyPress or not isinstance(event, QKeyEvent):
            return False
        action = player_action(event)
        if action in _LIST_KEYS or self.focusWidget() is not watched:
            return False
        return self.controls.press(action, code_key(event))

    def dragEnterEvent(self, event: QDragEnterEvent) -> None:
        """Take a session folder."""
        if any(url.isLocalFile() for url in event.mimeData().urls()):
            event.acceptProposedAction()

    def dropEvent(self, event: QDropEvent) -> None:
        """Open the dropped session, or import dropped annotations."""
        event.acceptProposedAction()
        path = Path(next(url.toLocalFile() for url in event.mimeData().urls() if url.isLocalFile()))
        if path.is_dir():
            self.open_session(path)
        else:
            self.controls.import_file(path)

    def closeEvent(self, event: QCloseEvent) -> None:
        """End the threads."""
        self.remember()
        self.transport.pause()
        self.review = None
        self.stage.close()
        self.background.close(_CLOSE_S)
        super().closeEvent(event)

    def _build(self) -> None:
        theme = self.theme
        self.tools, self.video = Tools(theme), VideoView(theme)
        self.video.setAccessibleName("Picture of the session")
        self.stage = Stage(self.video, self.view, self)
        self.bar = TransportBar(self.transport, self.view, theme)
        self.charts = ChartsArea(self.view, theme)
        self.faces, self.marks, self.compare = FacesPanel(), MarksPanel(), ComparePanel()
        self.problem, self.notice = Banner(theme), Banner(theme)
        self.tabs = QTabWidget()
        self.tabs.setDocumentMode(True)
        self.tabs.tabBar().setDrawBase(False)
        self.tabs.setAccessibleName("Panels")
        for panel, name in ((self.faces, "Faces"), (self.marks, "Annotations"), (self.compare, "Compare")):
            self.tabs.addTab(panel, name)
        self.tabs.setMinimumWidth(300)
        top, self._rows = QSplitter(Qt.Orientation.Horizontal), QSplitter(Qt.Orientation.Vertical)
        top.addWidget(self.video)
        top.addWidget(self.tabs)
        top.setStretchFactor(0, 1)
        top.setSizes([_USUAL.width() - _PANEL_PX, _PANEL_PX])
        below = _column(self.bar, self.charts)
        self._rows.addWidget(top)
        self._rows.addWidget(below)
        self._rows.setStretchFactor(0, 1)
        self._rows.setSizes([520, 340])
        for splitter in (top, self._rows):
            splitter.setChildrenCollapsible(False)
            splitter.setHandleWidth(6)
        self.setCentralWidget(_column(self.tools, self.problem, self.notice, self._rows))
        self.sheet = Sheet(theme, self)

    def _frames_read(self, review: Review, times_s: Any) -> None:
        if review is self.review and isinstance(times_s, np.ndarray) and len(times_s):
            review.frames = FrameTimes(times_s)
            self.transport.frames = review.frames
            self.bar.show_session()


class _OneFace:
    """The columns of one face and those merged into it, for what works on whole sessions."""

    def __init__(self, review: Review, face: int) -> None:
        self._review, self._face = review, face
        self._mask = review.rows_of(face)

    def column(self, name: str) -> Any:
        if name == "face_id":
            return np.full(int(self._mask.sum()), float(self._face))
        return self._review.table.numbers(name)[self._mask]


def _column(*parts: QWidget) -> QWidget:
    body = QWidget()
    body.setObjectName("Page")
    layout = QVBoxLayout(body)
    layout.setContentsMargins(0, 0, 0, 0)
    layout.setSpacing(0)
    for part in parts:
        layout.addWidget(part, 1 if part is parts[-1] else 0)
    return body
