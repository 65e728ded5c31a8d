"""What every banner above the picture is: an icon, a sentence, and room for what follows it."""

from __future__ import annotations

from PySide6.QtWidgets import QFrame, QHBoxLayout, QLabel, QSizePolicy, QWidget

from faceapp.ui.icons import icon_pixmap
from faceapp.ui.theme import Theme

_ICON_PX = 20


class BannerFrame(QFrame):
    """An icon and a sentence that wraps; a subclass adds to the layout, and hides itself."""

    def __init__(self, theme: Theme, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setObjectName("Banner")
        self._theme = theme
        self._icon_name = "info"
        self._icon = QLabel()
        self._text = QLabel()
        self._text.setWordWrap(True)
        self._text.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Preferred)
        self._layout = QHBoxLayout(self)
        self._layout.setContentsMargins(14, 8, 10, 8)
        self._layout.setSpacing(12)
        self._layout.addWidget(self._icon)
        self._layout.addWidget(self._text, 1)

    @property
    def text(self) -> str:
        """The shown sentence; empty while hidden."""
        return "" if self.isHidden() else self._text.text()

    def set_theme(self, theme: Theme) -> None:
        """Change the colours."""
        self._theme = theme
        self._icon.setPixmap(icon_pixmap(self._icon_name, theme.text, _ICON_PX, self.devicePixelRatioF()))
