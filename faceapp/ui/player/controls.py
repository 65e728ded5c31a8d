"""What happens in the player when a person presses something."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from PySide6.QtCore import QObject, Qt
from PySide6.QtWidgets import QFileDialog, QInputDialog, QMenu

from faceapp.errors import SessionError
from faceapp.session.annotation_faces import FaceEdits
from faceapp.session.annotation_import import import_events
from faceapp.session.annotation_scheme import SCHEME_FILE, Code, Scheme, save_scheme, user_scheme_path
from faceapp.session.annotations import Event
from faceapp.session.check import check_session
from faceapp.ui.annotation_scheme_form import SchemeForm
from faceapp.ui.player.keys import player_keys_page
from faceapp.ui.player.review import Review

if TYPE_CHECKING:
    from faceapp.ui.player.window import PlayerWindow

_MARK_FILES = "Annotations (*.csv *.tsv *.txt *.eaf);;All files (*)"
_JUST_BESIDE_S = 1e-3
_NOTE = Code("note", kind="note")


class PlayerControls(QObject):
    """Turns wishes into changes of the session's marks, faces and of what is in sight."""

    def __init__(self, window: PlayerWindow) -> None:
        super().__init__(window)
        self._window = window
        self._about_face = False
        self.user_scheme = user_scheme_path()

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

    # Marks

    def mark(self, code: Code, note: str = "", at_s: float | None = None) -> None:
        """Set a mark at the position, or begin or end a stretch."""
        window, review = self._window, self._window.review
        if review is None:
            return
        face = window.chosen_face if self._about_face else None
        time_s = window.view.position_s if at_s is None else at_s
        event = self._try(review.annotations.press, code, time_s, window.author, face, note)
        if event is not None:
            window.chosen_mark = event.id
            window.show_marks()
            if any(each.id == event.id for each in review.annotations.running(window.author)):
                window.notice.show_notice(f"“{code.label}” begins here; {code.key} ends it.")

    def ask_note(self) -> None:
        """Ask for a text and set it at the position of the moment the key was pressed."""
        at_s = self._window.view.position_s
        dialog = QInputDialog(self._window)
        dialog.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        dialog.setWindowTitle("Note")
        dialog.setLabelText("Note at this moment:")
        dialog.setModal(False)
        dialog.resize(420, 120)
        dialog.textValueSelected.connect(lambda text: self.add_note(text, at_s))
        dialog.show()

    def add_note(self, text: str, at_s: float) -> None:
        """Set a note."""
        if text.strip():
            self.mark(_NOTE, text.strip(), at_s)

    def choose_mark(self, event_id: str) -> None:
        """Choose a mark in lanes and list."""
        window = self._window
        if event_id != window.chosen_mark:
            window.chosen_mark = event_id
            window.show_marks()
        if event_id:
            window.tabs.setCurrentWidget(window.marks)

    def show_mark(self, event_id: str) -> None:
        """Choose a mark and go there."""
        window, review = self._window, self._window.review
        event = None if review is None else review.annotations.get(event_id)
        if review is not None and event is not None:
            window.chosen_mark = event_id
            window.view.move_to(event.start)
            lanes = window.charts.lanes
            authors = sorted({*review.annotations.authors, window.author})
            lanes.show_events(window.visible_marks(), authors, window.author, review.scheme, event_id)

    def step_mark(self, steps: int) -> None:
        """Go to the mark before or after the position."""
        marks, position_s = self._window.visible_marks(), self._window.view.position_s
        if steps > 0:
            found = next((event for event in marks if event.start > position_s + _JUST_BESIDE_S), None)
        else:
            found = next(
                (event for event in reversed(marks) if event.start < position_s - _JUST_BESIDE_S), None
            )
        if found is not None:
            self._window.transport.pause()
            self._window.chosen_mark = found.id
            self._window.view.move_to(found.start)
            self._window.show_marks()

    def edit_mark(self, event_id: str = "") -> None:
        """Put the keyboard into the form of the chosen mark."""
        window = self._window
        if event_id:
            self.choose_mark(event_id)
        if window.chosen_mark:
            window.tabs.setCurrentWidget(window.marks)
            window.marks.edit()

    def change_mark(self, event_id: str, values: dict[str, Any]) -> None:
        """Change fields of a mark."""
        review = self._window.review
        if review is not None and self._own(event_id):
            self._try(review.annotations.change, event_id, **values)
        self._window.show_marks()

    def nudge(self, frames: int) -> None:
        """Move the chosen mark by whole frames."""
        window, review = self._window, self._window.review
        event = None if review is None else review.annotations.get(window.chosen_mark)
        if review is None or event is None:
            return
        start = review.frames.stepped(event.start, frames)
        self.change_mark(event.id, {"start": start, "end": event.end + start - event.start})

    def remove_mark(self, event_id: str = "") -> None:
        """Remove a mark, or the chosen one."""
        window, review = self._window, self._window.review
        event_id = event_id or window.chosen_mark
        if review is None or review.annotations.get(event_id) is None or not self._own(event_id):
            return
        self._try(review.annotations.remove, event_id)
        window.chosen_mark = ""
        window.show_marks()
        self._tell_undo(review.annotations.undo_text)

    def choose_annotator(self, name: str) -> None:
        """Annotate under a name."""
        self._window.author = name
        self._window.remember()
        self._window.show_marks()
        self._window.take_focus()

    def toggle_about(self) -> None:
        """Set new marks about the chosen face, or about all."""
        self._about_face = not self._about_face
        self.show_about()

    def show_about(self) -> None:
        """Show what new marks are about."""
        window, review = self._window, self._window.review
        one = self._about_face and window.chosen_face is not None and review is not None
        name = review.faces.name_of(window.chosen_face) if one else "all"  # type: ignore[union-attr, arg-type]
        window.tools.show_about(f"About {name}", one)

    def import_file(self, path: Path) -> None:
        """Take over the marks of a file, all or none."""
        window, review = self._window, self._window.review
        if review is None:
            return
        events = self._try(import_events, path, window.author, review.span_s)
        if events:
            self._try(review.annotations.add_all, events, f"import {len(events)} annotations")
            window.show_marks()
            self._tell_undo(f"import {len(events)} annotations of {path.name}")

    # Faces and what is shown

    def choose_face(self, face: int) -> None:
        """Follow a face in charts and lanes."""
        if face != self._window.chosen_face:
            self._window.chosen_face = face
            self._window.show_faces()

    def edit_faces(self, faces: FaceEdits) -> None:
        """Take over corrections of faces."""
        review = self._window.review
        if review is not None:
            self._try(review.set_faces, faces)
            self._window.show_faces()

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
            window.charts.show_review(window.review, window.chosen_face, window.tools.raw.isChecked())

    # Files, pages and messages

    def ask_session(self) -> None:
        """Ask for a session folder."""
        dialog = QFileDialog(self._window, "Open a session folder")
        dialog.setFileMode(QFileDialog.FileMode.Directory)
        dialog.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        dialog.setModal(False)
        dialog.fileSelected.connect(lambda name: self._window.open_session(Path(name)))
        dialog.show()

    def ask_import(self) -> None:
        """Ask for a file of annotations."""
        dialog = QFileDialog(self._window, "Import annotations from CSV or ELAN")
        dialog.setNameFilter(_MARK_FILES)
        dialog.setFileMode(QFileDialog.FileMode.ExistingFile)
        dialog.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        dialog.setModal(False)
        dialog.fileSelected.connect(lambda name: self.import_file(Path(name)))
        dialog.show()

    def show_scheme(self) -> SchemeForm | None:
        """Show the form of the session's annotation scheme."""
        review = self._window.review
        if review is None:
            return None
        form = SchemeForm(review.scheme, self._window.theme, of_session=True, parent=self._window)
        form.saved.connect(self.save_scheme)
        form.show()
        return form

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
        elif shown:
            shown[0].dismiss()
        else:
            self.choose_mark("")
        window.take_focus()

    def complain(self, problem: object) -> None:
        """Show an error's sentence until it is dismissed."""
        self._window.problem.show_error(str(problem))

    def _own(self, event_id: str) -> bool:
        """Tell whether a mark is the annotator's own; say so when it is not."""
        review = self._window.review
        event: Event | None = None if review is None else review.annotations.get(event_id)
        if event is None or event.author == self._window.author:
            return event is not None
        owner = event.author or "no name"
        self._window.notice.show_notice(
            f"This annotation is {owner}'s. Choose {owner} as annotator to change it."
        )
        return False

    def _move_in_time(self, what: str) -> None:
        review = self._window.review
        if review is None:
            return
        text = self._try(getattr(review.annotations, what))
        self._window.show_marks()
        if text:
            self._window.notice.show_notice(f"{'Undone' if what == 'undo' else 'Done again'}: {text}")

    def _tell_undo(self, text: str) -> None:
        self._window.notice.show_notice(f"Done: {text}", ("Undo", partial(self._move_in_time, "undo")))

    def _try(self, act: Callable[..., Any], *values: Any, **named: Any) -> Any:
        """Do something with the session's files; what can't be done is told, and None returned."""
        try:
            return act(*values, **named)
        except SessionError as error:
            self.complain(error)
            return None

    def _fill_menu(self) -> None:
        window = self._window
        menu = QMenu(window.tools.menu_button)
        menu.addAction("Open session…", self.ask_session)
        menu.addAction("Import annotations…", self.ask_import)
        menu.addAction("Annotation scheme…", self.show_scheme)
        menu.addSeparator()
        menu.addAction("Add chart", window.charts.add_chart)
        for name, text in (("dark", "Colours: dark"), ("light", "Colours: light")):
            menu.addAction(text, partial(window.set_theme, name))
        menu.addSeparator()
        menu.addAction("Undo", partial(self._move_in_time, "undo"))
        menu.addAction("Redo", partial(self._move_in_time, "redo"))
        menu.addAction("Keys", self.show_keys)
        window.tools.menu_button.setMenu(menu)
