"""What happens in the player when a person sets, changes, removes or imports marks."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from PySide6.QtWidgets import QFileDialog

from faceapp.errors import SessionError
from faceapp.session.annotation_import import import_events
from faceapp.session.annotation_scheme import Code
from faceapp.session.annotations import Event
from faceapp.session.numbers import counted
from faceapp.ui.marking import Marking
from faceapp.ui.open_dialog import ask_path

if TYPE_CHECKING:
    from faceapp.ui.player.window import PlayerWindow

_MARK_FILES = "Annotations (*.csv *.tsv *.txt *.eaf);;All files (*)"
_JUST_BESIDE_S = 1e-3


class MarkControls(Marking):
    """Turns wishes into changes of the session's marks; only the annotator's own ones are touched."""

    def __init__(self, window: PlayerWindow) -> None:
        super().__init__(window)
        self._window = window

    def mark(self, code: Code) -> None:
        """Set a mark at the position, or begin or end a stretch."""
        self.set_mark(code, self._window.view.position_s)

    def set_mark(self, code: Code, time_s: float, note: str = "") -> None:
        """Set a mark at a time, or begin or end a stretch."""
        window, review = self._window, self._window.review
        if review is None:
            return
        face = window.chosen_face if self.about_face else None
        event = self._try(review.annotations.press, code, time_s, window.author, face, note)
        if event is not None:
            window.chosen_mark = event.id
            window.show_marks()
            if any(each.id == event.id for each in review.annotations.running(window.author)):
                window.notice.show_notice(f"“{code.label}” begins here; {code.key} ends it.")

    def moment_s(self) -> float | None:
        """Return the position."""
        return None if self._window.review is None else self._window.view.position_s

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
        end = start if event.is_point else start + (event.end - event.start)  # a moment stays one
        self.change_mark(event.id, {"start": start, "end": end})

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

    def show_about(self) -> None:
        """Show what new marks are about."""
        window, review = self._window, self._window.review
        one = self.about_face and window.chosen_face is not None and review is not None
        name = review.faces.name_of(window.chosen_face) if one else "all"  # type: ignore[union-attr, arg-type]
        window.tools.show_about(f"About {name}", one)

    def import_file(self, path: Path) -> None:
        """Take over the marks of a file, all or none."""
        window, review = self._window, self._window.review
        if review is None:
            return
        faces = frozenset(np.unique(review.table.faces).tolist())
        events = self._try(import_events, path, window.author, review.span_s, faces)
        if events:
            self._try(review.annotations.add_all, events, f"import {counted(len(events), 'annotation')}")
            window.show_marks()
            self._tell_undo(f"import {counted(len(events), 'annotation')} of {path.name}")

    def ask_import(self) -> None:
        """Ask for a file of annotations."""
        ask_path(
            self._window,
            "Import annotations from CSV or ELAN",
            QFileDialog.FileMode.ExistingFile,
            lambda paths: self.import_file(Path(paths[0])),
            names=_MARK_FILES,
        )

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
        self._window.show_faces()
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
