"""Annotating while live: keys set marks of the scheme, notes are typed, the last one can be taken back."""

from __future__ import annotations

from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from PySide6.QtWidgets import QFileDialog

from faceapp.errors import SessionError
from faceapp.session.annotation_scheme import (
    DEFAULT_SCHEME,
    SCHEME_FILE,
    Code,
    Scheme,
    load_scheme,
    save_scheme,
)
from faceapp.ui.annotation_scheme_form import SchemeForm
from faceapp.ui.history import Flag
from faceapp.ui.marking import Marking
from faceapp.ui.open_dialog import ask_path
from faceapp.ui.theme import theme_named

if TYPE_CHECKING:
    from faceapp.ui.player.window import PlayerWindow
    from faceapp.ui.window import MainWindow


class LiveAnnotation(Marking):
    """Turns keys into marks: flags in the timeline, and lines in the session while one is recorded.

    Args:
        window: The live window.
        folder: Where the user's scheme lies; None uses the default scheme and remembers nothing.

    Attributes:
        scheme: What can be marked.
        players: Windows of sessions that were opened from here.
    """

    def __init__(self, window: MainWindow, folder: Path | None) -> None:
        super().__init__(window)
        self._window = window
        self._path = None if folder is None else folder / SCHEME_FILE
        self.players: list[PlayerWindow] = []
        self.scheme = DEFAULT_SCHEME
        self._flags: list[Flag] = []

    def load(self) -> None:
        """Read the user's scheme; one that is damaged is told, and the default taken."""
        if self._path is not None:
            try:
                self.scheme = load_scheme(self._path)
            except SessionError as error:
                self._window.controls.complain(error)
        self._window.recorder.scheme = self.scheme

    def mark(self, key: str) -> None:
        """Set the mark of a key at the newest picture, or begin or end its stretch."""
        code = self.scheme.of_key(key)
        if code is not None:
            self.set_mark(code, self._window.history.now_s)

    def moment_s(self) -> float | None:
        """Return the time of the newest picture."""
        return self._window.history.now_s if self._window.centre.shows_picture else None

    def undo(self) -> None:
        """Take the last mark back."""
        window = self._window
        if text := window.recorder.undo():
            if self._flags:
                window.history.take_flag(self._flags.pop())
            window.show_timeline()
            window.streaming.tell_undone(text)
            window.centre.notice.show_notice(f"Undone: {text}")

    def show_about(self) -> None:
        """Say what new marks are about."""
        what = "the chosen face" if self.about_face else "all faces"
        self._window.centre.notice.show_notice(f"Markers are about {what} now.")

    def show_scheme(self) -> SchemeForm:
        """Show the form of the scheme."""
        form = SchemeForm(
            self.scheme, theme_named(self._window.settings.theme), of_session=False, parent=self._window
        )
        form.saved.connect(lambda scheme, _: self.use(scheme))
        form.show()
        return form

    def use(self, scheme: Scheme) -> None:
        """Take over a scheme, for recordings that start from now on too."""
        self.scheme = self._window.recorder.scheme = scheme
        if self._path is not None:
            self._window.background.run(
                partial(save_scheme, self._path, scheme), failed=self._window.controls.complain
            )

    def ask_session(self) -> None:
        """Ask for a recorded session and show it in a player; what is live goes on."""
        ask_path(
            self._window,
            "Open a session folder",
            QFileDialog.FileMode.Directory,
            lambda paths: self.show_session(Path(paths[0])),
            folder=str(self._window.settings.sessions_dir),
        )

    def show_session(self, folder: Path) -> None:
        """Show a recorded session in a window of its own."""
        from faceapp.ui.player.start import MEMORY_FILE
        from faceapp.ui.player.window import PlayerWindow

        memory = None if self._path is None else self._path.with_name(MEMORY_FILE)
        player = PlayerWindow(self._window.settings.theme, memory_path=memory)
        self.players = [each for each in self.players if each.isVisible()]
        self.players.append(player)
        player.show()
        player.open_session(folder)

    def close(self) -> None:
        """Close the players."""
        for player in self.players:
            player.close()
            player.deleteLater()
        self.players.clear()

    def set_mark(self, code: Code, time_s: float, note: str = "") -> None:
        """Set a mark at a time of the source, or begin or end a stretch."""
        window = self._window
        if not window.centre.shows_picture:
            return
        face = window.chosen_id if self.about_face else None
        try:
            event, begins = window.recorder.mark(code, time_s, face, note)
        except SessionError as error:
            window.controls.complain(error)
            return
        ends = code.shape == "range" and not begins
        window.streaming.tell_mark(event, time_s, begins, ends)
        text = f"{event.label} ◂" if ends else f"{event.label} ▸" if begins else event.label
        self._flags.append(window.history.flag(text, time_s))
        window.show_timeline()
