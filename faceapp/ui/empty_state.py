"""What stands in the picture's place while there is none: what happens, and what can be done about it."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from PySide6.QtCore import Qt
from PySide6.QtWidgets import QHBoxLayout, QLabel, QLineEdit, QPushButton, QVBoxLayout, QWidget

from faceapp.ui.icons import icon, icon_pixmap
from faceapp.ui.theme import Theme, text_font


class EmptyState(QWidget):
    """An icon, a headline, a sentence, up to four buttons and a field for a web address."""

    def __init__(
        self, theme: Theme, open_address: Callable[[str], None], parent: QWidget | None = None
    ) -> None:
        super().__init__(parent)
        self.setObjectName("Page")
        self.setFocusPolicy(Qt.FocusPolicy.ClickFocus)
        self._icon_name = "face"
        self._icon = QLabel(alignment=Qt.AlignmentFlag.AlignCenter)
        self._title = QLabel(alignment=Qt.AlignmentFlag.AlignCenter)
        self._title.setFont(text_font(1.6, bold=True))
        self._title.setWordWrap(True)
        self._text = QLabel(alignment=Qt.AlignmentFlag.AlignCenter)
        self._text.setProperty("muted", True)
        self._text.setFont(text_font(1.05))
        self._text.setWordWrap(True)
        self._address = QLineEdit()
        self._address.setPlaceholderText("rtsp://192.168.1.20/stream or http://phone:8080/video")
        self._address.setAccessibleName("Address of a network camera")
        self._address.setMaximumWidth(430)
        self._open_address = open_address
        self._address.returnPressed.connect(self._take_address)
        self._actions: tuple[tuple[str, str, Callable[[], None]], ...] = ()
        self._buttons = QHBoxLayout()
        self._buttons.setSpacing(10)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(28, 20, 28, 20)
        layout.setSpacing(14)
        layout.addStretch(2)
        for part in (self._icon, self._title, self._text):
            layout.addWidget(part)
        layout.addSpacing(8)
        layout.addLayout(self._buttons)
        layout.addWidget(self._address, alignment=Qt.AlignmentFlag.AlignCenter)
        layout.addStretch(3)
        self._address.hide()
        self.set_theme(theme)

    @property
    def title(self) -> str:
        """The headline."""
        return self._title.text()

    def set_theme(self, theme: Theme) -> None:
        """Change the colours."""
        self._theme = theme
        self._icon.setPixmap(icon_pixmap(self._icon_name, theme.muted, 56, self.devicePixelRatioF()))
        self._make_buttons()

    def tell(
        self,
        icon_name: str,
        title: str,
        text: str,
        actions: Sequence[tuple[str, str, Callable[[], None]]] = (),
    ) -> None:
        """Show a state.

        Args:
            icon_name: File name in `assets/icons` without ".svg".
            title: What is the case, in a few words.
            text: Why, and what helps.
            actions: Buttons as (icon's name, text, what it does); the first is the one to take.
        """
        self._icon_name = icon_name
        self._title.setText(title)
        self._text.setText(text)
        self._actions = tuple(actions)
        self._address.hide()
        self.setAccessibleName(f"{title}. {text}")
        self.set_theme(self._theme)

    def ask_address(self) -> None:
        """Show the field for a web address and put the cursor into it."""
        self._address.show()
        self._address.setFocus()

    def _take_address(self) -> None:
        address = self._address.text().strip()
        if address:
            self._open_address(address)

    def _make_buttons(self) -> None:
        while (entry := self._buttons.takeAt(0)) is not None:
            if entry.widget() is not None:
                entry.widget().hide()  # what is deleted later is painted until then
                entry.widget().deleteLater()
        self._buttons.addStretch(1)
        for index, (icon_name, text, act) in enumerate(self._actions):
            button = QPushButton(f" {text}")
            button.setProperty("primary", index == 0)
            button.setAccessibleName(text)
            button.setIcon(icon(icon_name, self._theme))
            if index == 0:
                button.setIcon(icon_pixmap(icon_name, self._theme.background, 18, 2.0))
            button.clicked.connect(lambda _=False, act=act: act())
            self._buttons.addWidget(button)
        self._buttons.addStretch(1)
