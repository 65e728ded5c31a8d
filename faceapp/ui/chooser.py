"""A drop-down list that looks like the rest of the window."""

from __future__ import annotations

from PySide6.QtCore import Qt
from PySide6.QtWidgets import QComboBox, QListView, QWidget


class Chooser(QComboBox):
    """Leaves the mouse wheel to what scrolls around it, and the focus where it was when clicked."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setView(QListView())  # the list Qt takes by itself ignores the style sheet's rows
        self.setFocusPolicy(Qt.FocusPolicy.TabFocus)
