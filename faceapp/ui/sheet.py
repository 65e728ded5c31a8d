"""A page of rows of text over the middle of the window: the keys, and what this program is."""

from __future__ import annotations

from collections.abc import Sequence

from PySide6.QtCore import QSize, Qt
from PySide6.QtWidgets import QGridLayout, QLabel, QScrollArea, QWidget

from faceapp.ui.sheet_frame import SheetFrame
from faceapp.ui.theme import Theme, text_font

_WIDTH_PX = 560
_FRAME_PX = 92
"""Title and margins above and below the rows."""


class Sheet(SheetFrame):
    """Shows rows of text."""

    def __init__(self, theme: Theme, parent: QWidget) -> None:
        super().__init__(theme, parent, QSize(_WIDTH_PX, 0))
        self._area = QScrollArea()
        self._grid = QGridLayout()
        self._area.setWidgetResizable(True)
        self._area.viewport().setAutoFillBackground(False)
        self._area.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.page.addWidget(self._area, 1)

    def show_rows(self, title: str, rows: Sequence[tuple[str, str]]) -> None:
        """Show a page, or close it when it is the one already open.

        Args:
            title: Its headline.
            rows: (what, text) pairs; an empty `what` makes a paragraph over the whole width.
        """
        if self.isVisible() and self.title.text() == title:
            self.hide()
            return
        self.title.setText(title)
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
        self._grid = grid
        body.setAutoFillBackground(False)
        self.open()

    def wanted_size(self) -> QSize:
        """Return the size that shows all rows."""
        width = min(_WIDTH_PX, self.parentWidget().width() - 60)
        return QSize(width, self._grid.heightForWidth(width - 50) + _FRAME_PX)
