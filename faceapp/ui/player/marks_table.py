"""All marks as a table: sorted by time, with what they are about and who set them."""

from __future__ import annotations

from typing import Any

from PySide6.QtCore import QAbstractTableModel, QModelIndex, Qt
from PySide6.QtGui import QColor

from faceapp.session.annotation_scheme import Scheme
from faceapp.session.annotations import Event
from faceapp.ui.player.strip import exact_clock_text

HEADERS = ("Start", "Length", "Label", "Face", "By", "Note")
_NOWHERE = QModelIndex()


class MarksTable(QAbstractTableModel):
    """Marks for a table view."""

    def __init__(self) -> None:
        super().__init__()
        self.events: tuple[Event, ...] = ()
        self._scheme = Scheme(())

    def show_events(self, events: tuple[Event, ...], scheme: Scheme) -> None:
        """Show other marks."""
        self.beginResetModel()
        self.events, self._scheme = events, scheme
        self.endResetModel()

    def row_of(self, event_id: str) -> int:
        """Return the row of a mark, or -1."""
        return next((row for row, event in enumerate(self.events) if event.id == event_id), -1)

    def rowCount(self, parent: QModelIndex = _NOWHERE) -> int:
        """Marks."""
        return 0 if parent.isValid() else len(self.events)

    def columnCount(self, parent: QModelIndex = _NOWHERE) -> int:
        """What is told of each."""
        return 0 if parent.isValid() else len(HEADERS)

    def headerData(
        self, section: int, orientation: Qt.Orientation, role: int = Qt.ItemDataRole.DisplayRole
    ) -> Any:
        """Return a column's name."""
        if role == Qt.ItemDataRole.DisplayRole and orientation == Qt.Orientation.Horizontal:
            return HEADERS[section]
        return None

    def data(self, index: QModelIndex, role: int = Qt.ItemDataRole.DisplayRole) -> Any:
        """Return a cell's text, or the colour beside a label."""
        event = self.events[index.row()]
        if role == Qt.ItemDataRole.DisplayRole:
            return _cells(event)[index.column()]
        if role == Qt.ItemDataRole.DecorationRole and HEADERS[index.column()] == "Label":
            return QColor(self._scheme.colour_of(event.label))
        if role == Qt.ItemDataRole.ToolTipRole:
            return event.note or None
        return None


def _cells(event: Event) -> tuple[str, ...]:
    return (
        exact_clock_text(event.start),
        "" if event.is_point else f"{event.end - event.start:.2f} s",
        event.label or event.kind,
        "all" if event.face is None else str(event.face),
        event.author,
        event.note,
    )
