"""A page over the middle of the window, while the picture goes on: its frame, title and cross."""

from __future__ import annotations

from PySide6.QtCore import QEvent, QObject, QSize, Signal
from PySide6.QtGui import QHideEvent
from PySide6.QtWidgets import QFrame, QHBoxLayout, QLabel, QToolButton, QVBoxLayout, QWidget

from faceapp.ui.icons import icon
from faceapp.ui.theme import Theme, text_font

_MARGIN_PX = 30


class SheetFrame(QFrame):
    """Stays in the middle of its window; Esc, which the window takes, or the cross closes it.

    Signals:
        closed: It was hidden.

    Args:
        theme: The colours.
        parent: The window it lies over.
        size: How large it is where there is room.
    """

    closed = Signal()

    def __init__(self, theme: Theme, parent: QWidget, size: QSize) -> None:
        super().__init__(parent)
        self.setObjectName("Sheet")
        self._wanted = size
        self.title = QLabel()
        self.title.setFont(text_font(1.4, bold=True))
        self.cross = QToolButton()
        self.cross.setProperty("flat", True)
        self.cross.setToolTip("Close (Esc)")
        self.cross.setAccessibleName("Close this page")
        self.cross.clicked.connect(self.hide)
        self.head = QHBoxLayout()
        self.head.addWidget(self.title, 1)
        self.head.addWidget(self.cross)
        self.page = QVBoxLayout(self)
        self.page.setContentsMargins(24, 18, 16, 18)
        self.page.setSpacing(12)
        self.page.addLayout(self.head)
        parent.installEventFilter(self)
        self.set_theme(theme)
        self.hide()

    def set_theme(self, theme: Theme) -> None:
        """Change the colours."""
        self.cross.setIcon(icon("close", theme))

    def open(self) -> None:
        """Show it over everything else."""
        self.place()
        self.show()
        self.raise_()
        self.cross.setFocus()

    def wanted_size(self) -> QSize:
        """Return how large it is where there is room."""
        return self._wanted

    def place(self) -> None:
        """Put it into the middle of the window."""
        room = self.parentWidget().rect().adjusted(_MARGIN_PX, _MARGIN_PX, -_MARGIN_PX, -_MARGIN_PX)
        size = self.wanted_size().boundedTo(room.size())
        self.setGeometry(
            room.center().x() - size.width() // 2,
            room.center().y() - size.height() // 2,
            size.width(),
            size.height(),
        )

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        """Stay in the middle when the window changes its size."""
        if event.type() == QEvent.Type.Resize and self.isVisible():
            self.place()
        return False

    def hideEvent(self, event: QHideEvent) -> None:
        """Tell that it is gone."""
        self.closed.emit()
        super().hideEvent(event)
