"""The bar of the whole queue."""

from __future__ import annotations

from PySide6.QtCore import QRectF
from PySide6.QtGui import QPainter, QPaintEvent
from PySide6.QtWidgets import QWidget

from faceapp.ui.queue.table import paint_bar
from faceapp.ui.theme import Theme


class QueueBar(QWidget):
    """How much of all inputs is done."""

    def __init__(self, theme: Theme) -> None:
        super().__init__()
        self._theme, self._share = theme, 0.0
        self.setFixedHeight(10)

    def set_theme(self, theme: Theme) -> None:
        """Change the colours."""
        self._theme = theme
        self.update()

    def set_share(self, share: float) -> None:
        """Show how much is done, 0 to 1."""
        if share != self._share:
            self._share = share
            self.setAccessibleName(f"{share:.0%} of the queue is done")
            self.update()

    def paintEvent(self, event: QPaintEvent) -> None:
        """Paint the bar."""
        painter = QPainter(self)
        paint_bar(painter, QRectF(self.rect()), self._share, self._theme)
        painter.end()
