"""An on-off switch."""

from __future__ import annotations

from PySide6.QtCore import QPointF, QRectF, QSize, Qt
from PySide6.QtGui import QPainter, QPaintEvent, QPen
from PySide6.QtWidgets import QAbstractButton, QSizePolicy, QWidget

from faceapp.ui.theme import Theme


class Switch(QAbstractButton):
    """A knob that slides from left (off) to right (on)."""

    def __init__(self, theme: Theme, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._theme = theme
        self.setCheckable(True)
        self.setFocusPolicy(Qt.FocusPolicy.TabFocus)
        self.setCursor(Qt.CursorShape.PointingHandCursor)
        self.setSizePolicy(QSizePolicy.Policy.Fixed, QSizePolicy.Policy.Fixed)

    def set_theme(self, theme: Theme) -> None:
        """Change the colours."""
        self._theme = theme
        self.update()

    def sizeHint(self) -> QSize:
        """Two knobs wide."""
        return QSize(40, 24)

    def paintEvent(self, event: QPaintEvent) -> None:
        """Paint the switch."""
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        ground = QRectF(self.rect()).adjusted(2, 2, -2, -2)
        radius = ground.height() / 2
        edge = "text" if self.hasFocus() else "muted"
        painter.setPen(QPen(self._theme.colour(edge), 1.4))
        on = "text" if self.isEnabled() else "disabled"
        painter.setBrush(self._theme.colour(on if self.isChecked() else "track"))
        painter.drawRoundedRect(ground, radius, radius)
        x = ground.right() - radius if self.isChecked() else ground.left() + radius
        painter.setPen(Qt.PenStyle.NoPen)
        painter.setBrush(self._theme.colour("background" if self.isChecked() else "muted"))
        painter.drawEllipse(QPointF(x, ground.center().y()), radius - 4, radius - 4)
