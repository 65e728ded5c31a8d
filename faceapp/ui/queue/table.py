"""The inputs of the queue as a table: name, progress, and what there is to say."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from PySide6.QtCore import QAbstractTableModel, QModelIndex, QRectF, Qt
from PySide6.QtGui import QPainter
from PySide6.QtWidgets import QStyle, QStyledItemDelegate, QStyleOptionViewItem, QWidget

from faceapp.batch.queue_items import Item
from faceapp.ui.queue.words import STATE_WORDS, item_words
from faceapp.ui.theme import Theme, text_font

NAME, PROGRESS, WORDS = range(3)
_HEADERS = ("Input", "Progress", "")
_BAR_PX = 6
_NOWHERE = QModelIndex()


class QueueTable(QAbstractTableModel):
    """Inputs for a table view."""

    def __init__(self) -> None:
        super().__init__()
        self.items: tuple[Item, ...] = ()

    def show_items(self, items: tuple[Item, ...]) -> None:
        """Show other inputs; rows that stay keep their selection."""
        if [item.number for item in items] == [item.number for item in self.items]:
            changed = [
                row for row, (old, new) in enumerate(zip(self.items, items, strict=True)) if old != new
            ]
            self.items = items
            for row in changed:
                self.dataChanged.emit(self.index(row, 0), self.index(row, len(_HEADERS) - 1))
        else:
            self.beginResetModel()
            self.items = items
            self.endResetModel()

    def rowCount(self, parent: QModelIndex = _NOWHERE) -> int:
        """Inputs."""
        return 0 if parent.isValid() else len(self.items)

    def columnCount(self, parent: QModelIndex = _NOWHERE) -> int:
        """What is told of each."""
        return 0 if parent.isValid() else len(_HEADERS)

    def headerData(
        self, section: int, orientation: Qt.Orientation, role: int = Qt.ItemDataRole.DisplayRole
    ) -> Any:
        """Return a column's name."""
        if role == Qt.ItemDataRole.DisplayRole and orientation == Qt.Orientation.Horizontal:
            return _HEADERS[section]
        return None

    def data(self, index: QModelIndex, role: int = Qt.ItemDataRole.DisplayRole) -> Any:
        """Return a cell's text; the input behind a row as user data."""
        item = self.items[index.row()]
        if role == Qt.ItemDataRole.UserRole:
            return item
        if role == Qt.ItemDataRole.ToolTipRole:
            return item.text if index.column() == NAME else item_words(item)
        if role == Qt.ItemDataRole.AccessibleTextRole:
            return f"{Path(item.text).name}: {_progress_words(item)}, {item_words(item)}"
        if role != Qt.ItemDataRole.DisplayRole:
            return None
        cells = (Path(item.text).name or item.text, _progress_words(item), item_words(item))
        return cells[index.column()]


class ProgressPainter(QStyledItemDelegate):
    """Draws a bar with its percentage while an input runs, and its state in words otherwise."""

    def __init__(self, theme: Theme, parent: QWidget) -> None:
        super().__init__(parent)
        self.theme = theme

    def paint(self, painter: QPainter, option: QStyleOptionViewItem, index: QModelIndex) -> None:
        """Paint one cell."""
        item: Item = index.data(Qt.ItemDataRole.UserRole)
        if item.state not in ("running", "stopping") or item.share is None or not item.frames:
            super().paint(painter, option, index)
            return
        self.initStyleOption(option, index)
        option.text = ""
        style = option.widget.style()
        style.drawControl(QStyle.ControlElement.CE_ItemViewItem, option, painter, option.widget)
        room = QRectF(option.rect).adjusted(6, 0, -6, 0)
        paint_bar(painter, room.adjusted(0, 0, -44, 0), item.share, self.theme)
        painter.setFont(text_font(0.95))
        painter.setPen(self.theme.colour("text"))
        flags = Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter
        painter.drawText(room, flags, _progress_words(item))


def paint_bar(painter: QPainter, room: QRectF, share: float, theme: Theme) -> None:
    """Paint a bar of progress into the middle of a place.

    Args:
        painter: Paints.
        room: The place.
        share: 0 to 1.
        theme: The colours.
    """
    painter.save()
    painter.setRenderHint(QPainter.RenderHint.Antialiasing)
    painter.setPen(Qt.PenStyle.NoPen)
    ground = QRectF(room.x(), room.center().y() - _BAR_PX / 2, room.width(), _BAR_PX)
    painter.setBrush(theme.colour("line"))
    painter.drawRoundedRect(ground, _BAR_PX / 2, _BAR_PX / 2)
    painter.setBrush(theme.colour("text"))
    ground.setWidth(max(_BAR_PX, room.width() * share))
    painter.drawRoundedRect(ground, _BAR_PX / 2, _BAR_PX / 2)
    painter.restore()


def _progress_words(item: Item) -> str:
    if item.state == "running" and item.share is not None and item.frames:
        return f"{item.share:.0%}"
    if item.state == "running" and item.frames:
        return "running"
    return STATE_WORDS[item.state]
