"""A panel that can be moved, floated, closed and brought back, with a quiet title."""

from __future__ import annotations

from PySide6.QtCore import Qt
from PySide6.QtGui import QKeyEvent
from PySide6.QtWidgets import (
    QApplication,
    QDockWidget,
    QHBoxLayout,
    QLabel,
    QMainWindow,
    QToolButton,
    QWidget,
)

from faceapp.ui.icons import icon
from faceapp.ui.theme import Theme, text_font


class Dock(QDockWidget):
    """Holds one widget; its keys are the window's also while it floats.

    Args:
        name: Name under which its place is remembered.
        title: Title for people.
        body: What it holds.
        theme: The colours.
        window: The main window.
    """

    def __init__(self, name: str, title: str, body: QWidget, theme: Theme, window: QMainWindow) -> None:
        super().__init__(title, window)
        self.setObjectName(name)
        self.setWidget(body)
        self._label = QLabel(title)
        self._label.setProperty("muted", True)
        self._label.setFont(text_font(0.92))
        self._float = self._button("Float", lambda: self.setFloating(not self.isFloating()))
        self._close = self._button("Close", self.close)
        self._bar = QWidget()
        self._bar.setObjectName("DockTitle")
        row = QHBoxLayout(self._bar)
        row.setContentsMargins(12, 5, 8, 5)
        row.setSpacing(2)
        row.addWidget(self._label, 1)
        row.addWidget(self._float)
        row.addWidget(self._close)
        self._nothing = QWidget()
        self.setTitleBarWidget(self._bar)
        self.toggleViewAction().triggered.connect(self._come_forward)
        self.set_theme(theme)

    def set_theme(self, theme: Theme) -> None:
        """Change the colours."""
        self._float.setIcon(icon("float", theme, 14))
        self._close.setIcon(icon("close", theme, 14))

    def set_title(self, title: str) -> None:
        """Change the title that is shown; menus keep the first one."""
        if title != self._label.text():
            self._label.setText(title)

    def set_bare(self, bare: bool) -> None:
        """Hide or show the title, for an audience."""
        self.setTitleBarWidget(self._nothing if bare else self._bar)

    def keyPressEvent(self, event: QKeyEvent) -> None:
        """Give the window its keys, which Qt would not pass on from a floating panel."""
        QApplication.sendEvent(self.parent(), event)

    def _come_forward(self, wanted: bool) -> None:
        """Show a panel that was asked for in front of those it shares a place with; Qt adds but its tab."""
        if wanted:
            self.raise_()

    def _button(self, what: str, act: object) -> QToolButton:
        button = QToolButton()
        button.setProperty("flat", True)
        button.setToolTip(what)
        button.setAccessibleName(f"{what} {self.windowTitle()}")
        button.setFocusPolicy(Qt.FocusPolicy.TabFocus)
        button.clicked.connect(act)
        return button
