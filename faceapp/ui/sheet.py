"""A page over the middle of the window, while the picture goes on: the keys, and what this program is."""

from __future__ import annotations

from collections.abc import Sequence

from PySide6.QtCore import QEvent, QObject, Qt
from PySide6.QtWidgets import (
    QFrame,
    QGridLayout,
    QHBoxLayout,
    QLabel,
    QScrollArea,
    QToolButton,
    QVBoxLayout,
    QWidget,
)

from faceapp.ui.icons import icon
from faceapp.ui.theme import Theme, text_font

_WIDTH_PX = 560


class Sheet(QFrame):
    """Shows rows of text; Esc or the cross closes it."""

    def __init__(self, theme: Theme, parent: QWidget) -> None:
        super().__init__(parent)
        self.setObjectName("Sheet")
        self._title = QLabel()
        self._title.setFont(text_font(1.4, bold=True))
        self._cross = QToolButton()
        self._cross.setProperty("flat", True)
        self._cross.setToolTip("Close")
        self._cross.setAccessibleName("Close this page")
        self._cross.clicked.connect(self.hide)
        head = QHBoxLayout()
        head.addWidget(self._title, 1)
        head.addWidget(self._cross)
        self._area = QScrollArea()
        self._page = QGridLayout()
        self._area.setWidgetResizable(True)
        self._area.viewport().setAutoFillBackground(False)
        self._area.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(24, 18, 16, 18)
        layout.setSpacing(12)
        layout.addLayout(head)
        layout.addWidget(self._area, 1)
        parent.installEventFilter(self)
        self.set_theme(theme)
        self.hide()

    def set_theme(self, theme: Theme) -> None:
        """Change the colours."""
        self._cross.setIcon(icon("close", theme))

    def show_rows(self, title: str, rows: Sequence[tuple[str, str]]) -> None:
        """Show a page, or close it when it is the one already open.

        Args:
            title: Its headline.
            rows: (what, text) pairs; an empty `what` makes a paragraph over the whole width.
        """
        if self.isVisible() and self._title.text() == title:
            self.hide()
            return
        self._title.setText(title)
        self.setAccessibleName(title)
        body = QWidget()
        grid = QGridLayout(body)
        grid.setContentsMargins(0, 0, 10, 0)
        grid.setHorizontalSpacing(22)
        grid.setVerticalSpacing(10)
        grid.setColumnStretch(1, 1)
        for row, (what, text) in enumerate(rows):
            words = QLabel(text)
            words.setWordWrap(True)
            words.setTextInteractionFlags(Qt.TextInteractionFlag.TextSelectableByMouse)
            if what:
                name = QLabel(what)
                name.setFont(text_font(1.0, bold=True))
                grid.addWidget(name, row, 0, Qt.AlignmentFlag.AlignTop)
                grid.addWidget(words, row, 1)
            else:
                grid.addWidget(words, row, 0, 1, 2)
        grid.setRowStretch(len(rows), 1)
        self._area.setWidget(body)
        self._page = grid
        body.setAutoFillBackground(False)
        self._place()
        self.show()
        self.raise_()
        self._cross.setFocus()

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        """Stay in the middle when the window changes its size."""
        if event.type() == QEvent.Type.Resize and self.isVisible():
            self._place()
        return False

    def _place(self) -> None:
        room = self.parentWidget().rect().adjusted(30, 30, -30, -30)
        width = min(_WIDTH_PX, room.width())
        needed = self._page.heightForWidth(width - 50)
        height = min(needed + 92, room.height())
        self.setGeometry(room.center().x() - width // 2, room.center().y() - height // 2, width, height)
