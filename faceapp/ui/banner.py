"""Sentences above the picture until they are dismissed: errors with what to do, and short notices."""

from __future__ import annotations

from collections.abc import Callable

from PySide6.QtCore import Qt, QTimer, Signal
from PySide6.QtWidgets import QPushButton, QToolButton, QWidget

from faceapp.ui.banner_frame import BannerFrame
from faceapp.ui.icons import icon
from faceapp.ui.theme import Theme

Action = tuple[str, Callable[[], None]]
NOTICE_S = 12.0
"""How long a notice without a question stays."""


class Banner(BannerFrame):
    """One sentence with an icon, buttons and a cross; never modal.

    Signals:
        dismissed: The person closed it, or a notice's time was up.
    """

    dismissed = Signal()

    def __init__(self, theme: Theme, parent: QWidget | None = None) -> None:
        super().__init__(theme, parent)
        self._text.setTextInteractionFlags(Qt.TextInteractionFlag.TextSelectableByMouse)
        self._buttons: list[QPushButton] = []
        self._cross = QToolButton()
        self._cross.setProperty("flat", True)
        self._cross.setToolTip("Dismiss")
        self._cross.setAccessibleName("Dismiss the message")
        self._cross.clicked.connect(self.dismiss)
        self._layout.addWidget(self._cross)
        self._clock = QTimer(self)
        self._clock.setSingleShot(True)
        self._clock.timeout.connect(self.dismiss)
        self.set_theme(theme)
        self.hide()

    def set_theme(self, theme: Theme) -> None:
        """Change the colours."""
        super().set_theme(theme)
        self._cross.setIcon(icon("close", theme))

    def show_error(self, text: str, *actions: Action) -> None:
        """Show what went wrong and what to do; stays until it is dismissed.

        Args:
            text: What was expected, what was found, what to do next.
            actions: Buttons as (text, what it does).
        """
        self._show("warning", text, actions)

    def show_notice(self, text: str, *actions: Action, stays: bool = False) -> None:
        """Show something good to know; goes by itself after a while.

        Args:
            text: The sentence.
            actions: Buttons as (text, what it does).
            stays: True keeps it until it is dismissed.
        """
        self._show("info", text, actions)
        if not stays:
            self._clock.start(round(NOTICE_S * 1e3))

    def dismiss(self) -> None:
        """Hide the banner."""
        self._clock.stop()
        if not self.isHidden():
            self.hide()
            self.dismissed.emit()

    def _show(self, icon_name: str, text: str, actions: tuple[Action, ...]) -> None:
        self._clock.stop()
        self._icon_name = icon_name
        self.set_theme(self._theme)
        self._text.setText(text)
        self.setAccessibleName(text)
        for button in self._buttons:
            self._layout.removeWidget(button)
            button.hide()  # what is deleted later is painted until then
            button.deleteLater()
        self._buttons = [self._button(*action) for action in actions]
        self.show()

    def _button(self, text: str, act: Callable[[], None]) -> QPushButton:
        button = QPushButton(text)
        button.clicked.connect(self.dismiss)
        button.clicked.connect(lambda: act())
        self._layout.insertWidget(self._layout.count() - 1, button)
        return button
