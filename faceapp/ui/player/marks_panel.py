"""The list of marks and the form that changes the chosen one."""

from __future__ import annotations

from typing import Any

from PySide6.QtCore import QItemSelectionModel, QSignalBlocker, Qt, Signal
from PySide6.QtGui import QShowEvent
from PySide6.QtWidgets import (
    QAbstractItemView,
    QComboBox,
    QGridLayout,
    QHeaderView,
    QLabel,
    QLineEdit,
    QPushButton,
    QTableView,
    QVBoxLayout,
    QWidget,
)

from faceapp.errors import SessionError
from faceapp.session.annotation_import import seconds_of
from faceapp.session.annotations import KINDS, Event
from faceapp.ui.player.marks_table import HEADERS, MarksTable
from faceapp.ui.player.review import Review
from faceapp.ui.player.strip import exact_clock_text

_KIND_TEXTS = {"marker": "marker", "exclude": "leave out", "note": "note"}
ALL_FACES = -1


class MarksPanel(QWidget):
    """Chooses, changes and removes marks.

    Signals:
        chosen: Id of the mark that was chosen.
        changed: Id of a mark and the fields that are new.
        removed: Id of a mark to remove.
        added: A note shall be set at the position.
        refused: What was typed makes no sense; the sentence says what to do.
    """

    chosen = Signal(str)
    changed = Signal(str, dict)
    removed = Signal(str)
    added = Signal()
    refused = Signal(str)

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._event: Event | None = None
        self._author = ""
        self.table = MarksTable()
        self.view = self._make_view()
        self._form = QWidget()
        self.label, self.face, self.kind = QComboBox(), QComboBox(), QComboBox()
        self.start, self.end, self.note = QLineEdit(), QLineEdit(), QLineEdit()
        self._remove = QPushButton("Remove")
        self._hint = QLabel("Keys set marks at the position: 1 to 9, or those of the scheme. N sets a note.")
        self._build()
        self._join()

    def show_review(self, review: Review, events: tuple[Event, ...], chosen: str, author: str) -> None:
        """Show the marks of a session.

        Args:
            review: The session.
            events: Its marks that are to be seen, ordered by start.
            chosen: Id of the chosen mark, or "".
            author: Whose marks can be changed.
        """
        self._author = author
        self.table.show_events(events, review.scheme)
        self._fill_choices(review, events)
        self.choose(chosen)

    def choose(self, event_id: str) -> None:
        """Show a mark in list and form; "" shows none."""
        row = self.table.row_of(event_id)
        selection = self.view.selectionModel()
        with QSignalBlocker(selection):
            if row < 0:
                selection.clear()
            else:
                which = (
                    QItemSelectionModel.SelectionFlag.ClearAndSelect | QItemSelectionModel.SelectionFlag.Rows
                )
                selection.setCurrentIndex(self.table.index(row, 0), which)
        self._fill(self.table.events[row] if row >= 0 else None)
        self._scroll_to_chosen()
        self.view.viewport().update()

    def showEvent(self, event: QShowEvent) -> None:
        """Scroll to the chosen mark: what was scrolled while another panel was shown, was without a size."""
        super().showEvent(event)
        self._scroll_to_chosen()

    def _scroll_to_chosen(self) -> None:
        if (layout := self.layout()) is not None:
            layout.activate()  # the form leaves the list more or less room
        if (index := self.view.currentIndex()).isValid():
            self.view.scrollTo(index)

    def edit(self) -> None:
        """Put the keyboard into the label of the chosen mark."""
        if self._event is not None:
            field = self.note if self._event.kind == "note" else self.label
            field.setFocus(Qt.FocusReason.ShortcutFocusReason)

    def _make_view(self) -> QTableView:
        view = QTableView()
        view.setModel(self.table)
        view.setAccessibleName("List of annotations")
        view.setSelectionBehavior(QAbstractItemView.SelectionBehavior.SelectRows)
        view.setSelectionMode(QAbstractItemView.SelectionMode.SingleSelection)
        view.setHorizontalScrollMode(QAbstractItemView.ScrollMode.ScrollPerPixel)
        view.setShowGrid(False)
        view.setWordWrap(False)
        view.setTabKeyNavigation(False)
        view.verticalHeader().hide()
        view.verticalHeader().setDefaultSectionSize(26)
        header = view.horizontalHeader()
        header.setHighlightSections(False)
        header.setDefaultAlignment(Qt.AlignmentFlag.AlignLeft | Qt.AlignmentFlag.AlignVCenter)
        for column, width in enumerate((66, 60, 92, 42, 50)):
            view.setColumnWidth(column, width)
        header.setSectionResizeMode(HEADERS.index("Note"), QHeaderView.ResizeMode.Stretch)
        return view

    def _build(self) -> None:
        self.label.setInsertPolicy(QComboBox.InsertPolicy.NoInsert)
        grid = QGridLayout(self._form)
        grid.setContentsMargins(0, 0, 0, 0)
        grid.setSpacing(6)
        self._hint.setWordWrap(True)
        self._hint.setProperty("muted", True)
        rows: tuple[tuple[tuple[str, QWidget], ...], ...] = (
            (("Label", self.label), ("Face", self.face)),
            (("Start", self.start), ("End", self.end)),
        )
        for row, fields in enumerate(rows):
            for column, (name, field) in enumerate(fields):
                self._add(grid, name, field, row, 2 * column)
        self._add(grid, "Note", self.note, 2, 0, span=3)
        self._add(grid, "Kind", self.kind, 3, 0)
        grid.addWidget(self._remove, 3, 2, 1, 2)
        grid.setColumnStretch(1, 1)
        grid.setColumnStretch(3, 1)
        for kind in KINDS:
            self.kind.addItem(_KIND_TEXTS[kind], kind)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(12, 10, 12, 10)
        layout.setSpacing(8)
        layout.addWidget(self.view, 1)
        layout.addWidget(self._hint)
        layout.addWidget(self._form)

    def _add(
        self, grid: QGridLayout, name: str, field: QWidget, row: int, column: int, span: int = 1
    ) -> None:
        text = QLabel(name)
        text.setProperty("muted", True)
        text.setBuddy(field)
        field.setAccessibleName(f"{name} of the annotation")
        field.setMinimumWidth(70)
        grid.addWidget(text, row, column)
        grid.addWidget(field, row, column + 1, 1, span)

    def _join(self) -> None:
        words = QLineEdit()
        self.label.setEditable(True)
        self.label.setLineEdit(words)
        self.view.selectionModel().currentRowChanged.connect(self._row_changed)
        self.view.doubleClicked.connect(self.edit)
        self.view.activated.connect(self.edit)
        words.editingFinished.connect(lambda: self._tell(label=self.label.currentText().strip()))
        self.label.activated.connect(lambda _: self._tell(label=self.label.currentText().strip()))
        self.note.editingFinished.connect(lambda: self._tell(note=self.note.text().strip()))
        self.start.editingFinished.connect(self._times_edited)
        self.end.editingFinished.connect(self._times_edited)
        self.face.activated.connect(lambda _: self._tell(face=self._chosen_face()))
        self.kind.activated.connect(lambda _: self._tell(kind=self.kind.currentData()))
        self._remove.clicked.connect(lambda: self._event is not None and self.removed.emit(self._event.id))

    def _fill_choices(self, review: Review, events: tuple[Event, ...]) -> None:
        with QSignalBlocker(self.label), QSignalBlocker(self.face):
            self.label.clear()
            used = sorted({event.label for event in events if event.label})
            labels = [code.label for code in review.scheme.codes]
            self.label.addItems([*labels, *(label for label in used if label not in labels)])
            self.face.clear()
            self.face.addItem("all", ALL_FACES)
            for person in review.persons():
                self.face.addItem(review.faces.name_of(person), person)

    def _fill(self, event: Event | None) -> None:
        self._event = event
        self._hint.setVisible(event is None)
        self._form.setVisible(event is not None)
        if event is None:
            return
        if event.author != self._author:
            self._hint.setText(
                f"Set by {event.author or 'no name'}: choose this annotator above to change it."
            )
        self._hint.setVisible(event.author != self._author)
        self._form.setEnabled(event.author == self._author)
        fields = (self.label, self.face, self.kind)
        blockers = [QSignalBlocker(field) for field in fields]
        self.label.setCurrentText(event.label)
        if self.face.findData(ALL_FACES if event.face is None else event.face) < 0:
            self.face.addItem(f"face {event.face}", event.face)
        self.face.setCurrentIndex(self.face.findData(ALL_FACES if event.face is None else event.face))
        self.kind.setCurrentIndex(max(self.kind.findData(event.kind), 0))
        self.start.setText(exact_clock_text(event.start, 3))
        self.end.setText(exact_clock_text(event.end, 3))
        self.note.setText(event.note)
        del blockers

    def _row_changed(self, index: Any, _: Any) -> None:
        if index.isValid():
            event = self.table.events[index.row()]
            self._fill(event)
            self.chosen.emit(event.id)

    def _chosen_face(self) -> int | None:
        face = self.face.currentData()
        return None if face == ALL_FACES else face

    def _times_edited(self) -> None:
        if self._event is None:
            return
        try:
            start, end = (self._seconds(field) for field in (self.start, self.end))
        except SessionError as error:
            self._fill(self._event)
            self.refused.emit(str(error))
            return
        shown = exact_clock_text(self._event.start, 3), exact_clock_text(self._event.end, 3)
        if (self.start.text(), self.end.text()) != shown:
            if self.start.text() != shown[0] and self._event.is_point:
                end = start  # a moment stays one
            self._tell(start=start, end=end)

    def _seconds(self, field: QLineEdit) -> float:
        try:
            return seconds_of(field.text())
        except ValueError as error:
            raise SessionError(
                f"{field.accessibleName()}: expected a time like 1:02.5, found {field.text()[:30]!r}; correct it"
            ) from error

    def _tell(self, **values: Any) -> None:
        event = self._event
        if event is not None and any(getattr(event, name) != value for name, value in values.items()):
            self.changed.emit(event.id, values)
