"""What happens in the player when a person presses something."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from PySide6.QtWidgets import QFileDialog, QMenu

from faceapp.errors import SessionError
from faceapp.session.annotation_faces import FaceEdits
from faceapp.session.annotation_scheme import SCHEME_FILE, Scheme, save_scheme, user_scheme_path
from faceapp.session.check import check_session
from faceapp.ui.annotation_scheme_form import SchemeForm
from faceapp.ui.open_dialog import ask_path
from faceapp.ui.player.keys import player_keys_page
from faceapp.ui.player.mark_controls import MarkControls
from faceapp.ui.player.review import Review
from faceapp.ui.player.teach_sheet import TeachSheet

if TYPE_CHECKING:
    from faceapp.ui.player.window import PlayerWindow


class PlayerControls(MarkControls):
    """Turns wishes into changes of the session's marks and faces and of what is in sight."""

    def __init__(self, window: PlayerWindow) -> None:
        super().__init__(window)
        self.user_scheme = user_scheme_path()
        self._teaching: TeachSheet | None = None

    def connect_parts(self) -> None:
        """Join every part's signals to what they ask for."""
        window = self._window
        tools, lanes, marks = window.tools, window.charts.lanes, window.marks
        tools.annotator_chosen.connect(self.choose_annotator)
        tools.about.clicked.connect(self.toggle_about)
        tools.only_own.toggled.connect(lambda _: window.show_marks())
        tools.overlays.toggled.connect(lambda _: self._show_options())
        tools.raw.toggled.connect(lambda _: self._show_options())
        lanes.chosen.connect(self.choose_mark)
        lanes.dragged.connect(lambda key, start, end: self.change_mark(key, {"start": start, "end": end}))
        lanes.opened.connect(self.edit_mark)
        lanes.refused.connect(window.notice.show_notice)
        marks.chosen.connect(self.show_mark)
        marks.changed.connect(self.change_mark)
        marks.removed.connect(self.remove_mark)
        marks.refused.connect(self.complain)
        window.faces.chosen.connect(self.choose_face)
        window.faces.edited.connect(self.edit_faces)
        window.video.face_chosen.connect(self.choose_face)
        window.compare.sought.connect(window.view.move_to)
        window.compare.next.clicked.connect(self.next_difference)
        window.stage.failed.connect(self.complain)
        for watched in (marks.view, window.faces.list, window.compare.pairs):
            watched.installEventFilter(window)
        self._fill_menu()

    def press(self, action: str, key: str) -> bool:
        """Do what a key asks for.

        Args:
            action: An action of `keys.ACTIONS`, or "".
            key: The key as a scheme knows it, or "".

        Returns:
            False when the key means nothing.
        """
        actions = self._actions()
        if action in actions:
            actions[action]()
            return True
        review = self._window.review
        code = None if review is None or not key else review.scheme.of_key(key)
        if code is None:
            return False
        self.mark(code)
        return True

    def _actions(self) -> dict[str, Callable[[], Any]]:
        window = self._window
        view, transport, tools = window.view, window.transport, window.tools
        return {
            "play": transport.toggle,
            "step_back": partial(transport.step, -1),
            "step_on": partial(transport.step, 1),
            "second_back": partial(transport.jump, -1.0),
            "second_on": partial(transport.jump, 1.0),
            "ten_back": partial(transport.jump, -10.0),
            "ten_on": partial(transport.jump, 10.0),
            "start": lambda: view.move_to(view.span_s[0]),
            "end": lambda: view.move_to(view.span_s[1]),
            "slower": partial(transport.change_speed, -1),
            "faster": partial(transport.change_speed, 1),
            "zoom_in": partial(view.zoom, 2.0),
            "zoom_out": partial(view.zoom, 0.5),
            "show_all": view.show_all,
            "mark_before": partial(self.step_mark, -1),
            "mark_after": partial(self.step_mark, 1),
            "edit": self.edit_mark,
            "remove": self.remove_mark,
            "nudge_back": partial(self.nudge, -1),
            "nudge_on": partial(self.nudge, 1),
            "note": self.ask_note,
            "about": self.toggle_about,
            "overlays": tools.overlays.toggle,
            "raw": tools.raw.toggle,
            "difference": self.next_difference,
            "undo": partial(self._move_in_time, "undo"),
            "redo": partial(self._move_in_time, "redo"),
            "back": self.back,
            "keys": self.show_keys,
        }

    # Faces and what is shown

    def choose_face(self, face: int) -> None:
        """Follow a face in charts and lanes."""
        if face != self._window.chosen_face:
            self._window.chosen_face = face
            self._window.show_faces()

    def edit_faces(self, faces: FaceEdits) -> None:
        """Take over corrections of faces."""
        review = self._window.review
        if review is not None and faces != review.faces:
            self._try(review.set_faces, faces)
            self._window.show_faces()
            if review.faces == faces:
                self._tell_undo(review.annotations.undo_text)

    def next_difference(self) -> None:
        """Go to the next moment at which the two that are compared begin to differ."""
        window = self._window
        window.transport.pause()
        window.tabs.setCurrentWidget(window.compare)
        window.compare.seek_next(window.view.position_s)

    def _show_options(self) -> None:
        window = self._window
        window.stage.set_options(overlays=window.tools.overlays.isChecked(), raw=window.tools.raw.isChecked())
        if window.review is not None:
            window.charts.show_review(window.review, window.followed_face, window.tools.raw.isChecked())

    # Files, pages and messages

    def ask_session(self) -> None:
        """Ask for a session folder."""
        ask_path(
            self._window,
            "Open a session folder",
            QFileDialog.FileMode.Directory,
            lambda paths: self._window.open_session(Path(paths[0])),
        )

    def show_scheme(self) -> SchemeForm | None:
        """Show the form of the session's annotation scheme."""
        review = self._window.review
        if review is None:
            return None
        form = SchemeForm(review.scheme, self._window.theme, of_session=True, parent=self._window)
        form.saved.connect(self.save_scheme)
        form.show()
        return form

    def show_teaching(self) -> TeachSheet | None:
        """Show the page that teaches labels."""
        window = self._window
        if window.review is None:
            return None
        if self._teaching is None:
            self._teaching = TeachSheet(window.theme, window, window.background)
        self._teaching.set_theme(window.theme)
        self._teaching.show_session(window.review.folder, window.review.annotations.events)
        return self._teaching

    def save_scheme(self, scheme: Scheme, also_new: bool) -> None:
        """Store a scheme in the session, and for new recordings where wanted."""
        review = self._window.review
        if review is None:
            return
        try:
            save_scheme(review.folder / SCHEME_FILE, scheme)
            review.scheme = scheme
            if also_new:
                save_scheme(self.user_scheme, scheme)
        except SessionError as error:
            self.complain(error)
        self._window.show_marks()

    def tell_problem(self, review: Review) -> None:
        """Say what is wrong with a session, with a way to mend what a kill left."""
        if review.metadata["state"] == "recording":
            self._window.problem.show_error(review.problem, ("Repair", partial(self.repair, review.folder)))
        else:
            self._window.problem.show_error(review.problem)

    def repair(self, folder: Path) -> None:
        """Seal a session that a killed program left, and open it again."""
        self._window.background.run(
            partial(check_session, folder), lambda _: self._window.open_session(folder), self.complain
        )

    def show_keys(self) -> None:
        """Show or hide the page of keys."""
        review = self._window.review
        codes = () if review is None else review.scheme.codes
        self._window.sheet.show_rows("Keys of the player", player_keys_page(codes))

    def back(self) -> None:
        """Close what lies on top: a page, a message; else choose no mark."""
        window = self._window
        shown = [banner for banner in (window.problem, window.notice) if banner.isVisible()]
        if window.sheet.isVisible():
            window.sheet.hide()
        elif self._teaching is not None and self._teaching.isVisible():
            self._teaching.hide()
        elif shown:
            shown[0].dismiss()
        else:
            self.choose_mark("")
        window.take_focus()

    def _fill_menu(self) -> None:
        window = self._window
        menu = QMenu(window.tools.menu_button)
        menu.addAction("Open session…", self.ask_session)
        menu.addAction("Import annotations…", self.ask_import)
        menu.addAction("Annotation scheme…", self.show_scheme)
        menu.addSeparator()
        menu.addAction("Teach a label…", self.show_teaching)
        menu.addAction("Add chart", window.charts.add_chart)
        for name, text in (("dark", "Colours: dark"), ("light", "Colours: light")):
            menu.addAction(text, partial(window.set_theme, name))
        menu.addSeparator()
        menu.addAction("Undo", partial(self._move_in_time, "undo"))
        menu.addAction("Redo", partial(self._move_in_time, "redo"))
        menu.addAction("Keys", self.show_keys)
        window.tools.menu_button.setMenu(menu)
