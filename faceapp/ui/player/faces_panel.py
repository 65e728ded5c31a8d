"""The faces of a session: named, merged and left out, without touching what was recorded."""

from __future__ import annotations

from functools import partial

import numpy as np
from PySide6.QtCore import QSignalBlocker, Qt, Signal
from PySide6.QtGui import QFont
from PySide6.QtWidgets import (
    QAbstractItemView,
    QHBoxLayout,
    QHeaderView,
    QLabel,
    QMenu,
    QPushButton,
    QTreeWidget,
    QTreeWidgetItem,
    QVBoxLayout,
    QWidget,
)

from faceapp.session.annotation_faces import FaceEdits
from faceapp.ui.player.review import Review

_COLUMNS = ("Name", "Seen", "")
_ID = Qt.ItemDataRole.UserRole


class FacesPanel(QWidget):
    """Chooses and corrects faces; merged ones lie below the face they count as.

    Signals:
        chosen: Id of the face that charts and lanes follow.
        edited: New corrections.
    """

    chosen = Signal(int)
    edited = Signal(object)

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._faces = FaceEdits()
        self.list = QTreeWidget()
        self.list.setHeaderLabels(_COLUMNS)
        self.list.setAccessibleName("List of faces")
        self.list.setEditTriggers(
            QAbstractItemView.EditTrigger.DoubleClicked | QAbstractItemView.EditTrigger.EditKeyPressed
        )
        header = self.list.header()
        header.setStretchLastSection(False)
        header.setSectionResizeMode(0, QHeaderView.ResizeMode.Stretch)
        for column in (1, 2):
            header.setSectionResizeMode(column, QHeaderView.ResizeMode.ResizeToContents)
        self.rename, self.merge = QPushButton("Rename"), QPushButton("Merge into")
        self.part, self.leave_out = QPushButton("Part"), QPushButton("Leave out")
        self._build()

    def show_review(self, review: Review, chosen: int | None) -> None:
        """Show the faces of a session, the one seen longest first."""
        self._faces = review.faces
        step_s = review.table.step_s()
        found, rows = np.unique(review.table.faces, return_counts=True)
        seen = dict(zip(found.tolist(), rows.tolist(), strict=True))
        with QSignalBlocker(self.list):
            self.list.clear()
            for person in review.persons():
                item = self._add_item(person, seen.get(person, 0) * step_s, self.list.invisibleRootItem())
                for face, into in review.faces.merged.items():
                    if into == person:
                        self._add_item(face, seen.get(face, 0) * step_s, item)
                item.setExpanded(True)
                if person == chosen:
                    self.list.setCurrentItem(item)
        self._show_state()

    @property
    def current(self) -> int | None:
        """The chosen face, as recorded; None when there is none."""
        item = self.list.currentItem()
        return None if item is None else int(item.data(0, _ID))

    def _build(self) -> None:
        note = QLabel("Corrections are kept beside the recording, which stays as it is.")
        note.setWordWrap(True)
        note.setProperty("muted", True)
        first, second = QHBoxLayout(), QHBoxLayout()
        for row, buttons in ((first, (self.rename, self.merge)), (second, (self.part, self.leave_out))):
            for button in buttons:
                row.addWidget(button, 1)
        self.rename.setToolTip("Give the face a name (F2)")
        self.merge.setToolTip("Count this face as another one: the same person under two ids")
        self.part.setToolTip("Count this face as itself again")
        self.leave_out.setToolTip("Leave this face out of charts, figures and the picture")
        self.merge.setMenu(QMenu(self.merge))
        layout = QVBoxLayout(self)
        layout.setContentsMargins(12, 10, 12, 10)
        layout.setSpacing(8)
        layout.addWidget(self.list, 1)
        layout.addLayout(first)
        layout.addLayout(second)
        layout.addWidget(note)
        self.list.currentItemChanged.connect(self._current_changed)
        self.list.itemChanged.connect(self._item_changed)
        self.rename.clicked.connect(self._edit_name)
        self.part.clicked.connect(lambda: self._edit("parted"))
        self.leave_out.clicked.connect(self._toggle_left_out)
        self._show_state()

    def _add_item(self, face: int, seen_s: float, parent: QTreeWidgetItem) -> QTreeWidgetItem:
        item = QTreeWidgetItem(parent, [self._faces.name_of(face), f"{seen_s:.1f} s", ""])
        item.setData(0, _ID, face)
        item.setFlags(item.flags() | Qt.ItemFlag.ItemIsEditable)
        if self._faces.person_of(face) in self._faces.excluded:
            item.setText(2, "left out")
            font = QFont(item.font(0))
            font.setStrikeOut(True)
            item.setFont(0, font)
        return item

    def _current_changed(self, *_: object) -> None:
        self._show_state()
        if self.current is not None:
            self.chosen.emit(self._faces.person_of(self.current))

    def _item_changed(self, item: QTreeWidgetItem, column: int) -> None:
        face, name = int(item.data(0, _ID)), item.text(0).strip()
        if column == 0 and name != self._faces.name_of(face):
            self.edited.emit(self._faces.renamed(face, "" if name == f"face {face}" else name))

    def _edit_name(self) -> None:
        item = self.list.currentItem()
        if item is not None:
            self.list.setFocus()
            self.list.editItem(item, 0)

    def _edit(self, what: str, *values: object) -> None:
        if self.current is not None:
            self.edited.emit(getattr(self._faces, what)(self.current, *values))

    def _toggle_left_out(self) -> None:
        if self.current is not None:
            person = self._faces.person_of(self.current)
            self.edited.emit(self._faces.with_excluded(person, person not in self._faces.excluded))

    def _show_state(self) -> None:
        """Enable what can be done with the chosen face."""
        face = self.current
        items = [self.list.topLevelItem(row) for row in range(self.list.topLevelItemCount())]
        others = [(int(item.data(0, _ID)), item.text(0)) for item in items if item is not None]
        others = [(into, name) for into, name in others if into != face]
        is_merged = face in self._faces.merged
        has_merged = face in self._faces.merged.values()
        menu = self.merge.menu()
        menu.clear()
        for into, name in others:
            menu.addAction(name, partial(self._edit, "merged_into", into))
        self.rename.setEnabled(face is not None)
        self.merge.setEnabled(face is not None and bool(others) and not is_merged)
        self.part.setEnabled(is_merged or has_merged)
        self.leave_out.setEnabled(face is not None)
        left_out = face is not None and self._faces.person_of(face) in self._faces.excluded
        self.leave_out.setText("Take back in" if left_out else "Leave out")
