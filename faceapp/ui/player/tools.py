"""The row at the top of the player: the session, who annotates, what is shown, and the menu."""

from __future__ import annotations

from collections.abc import Sequence

from PySide6.QtCore import QSignalBlocker, Qt, Signal
from PySide6.QtWidgets import QComboBox, QHBoxLayout, QLabel, QLineEdit, QSizePolicy, QToolButton, QWidget

from faceapp.ui.icons import icon
from faceapp.ui.theme import Theme, text_font

_HEIGHT_PX = 44


class Tools(QWidget):
    """Tells what is wanted; the window does it.

    Signals:
        annotator_chosen: Name of who annotates now.
    """

    annotator_chosen = Signal(str)

    def __init__(self, theme: Theme, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setObjectName("Page")
        self.setFixedHeight(_HEIGHT_PX)
        self.title = QLabel()
        self.title.setFont(text_font(1.05, bold=True))
        self.title.setSizePolicy(QSizePolicy.Policy.Ignored, QSizePolicy.Policy.Preferred)
        self.annotator = QComboBox()
        self.annotator.setEditable(True)
        name = QLineEdit()
        self.annotator.setLineEdit(name)
        self.annotator.setInsertPolicy(QComboBox.InsertPolicy.NoInsert)
        self.annotator.setAccessibleName("Annotator")
        self.annotator.setToolTip("Who annotates: choose a lane, or type a new name")
        self.annotator.setFixedWidth(150)
        self.annotator.activated.connect(lambda _: self._tell())
        name.editingFinished.connect(self._tell)
        name.setMaxLength(60)
        who = QLabel("Annotator")
        who.setProperty("muted", True)
        who.setBuddy(self.annotator)
        self.about = _toggle("About all", "New marks are about the chosen face, or about all (A)")
        self.only_own = _toggle("Only mine", "Hide what others have annotated, to judge for yourself")
        self.overlays = _toggle("Faces", "Draw the faces over the picture (O)")
        self.overlays.setChecked(True)
        self.raw = _toggle("Raw", "Values before smoothing (V)")
        self.menu_button = QToolButton()
        self.menu_button.setToolTip("More")
        self.menu_button.setAccessibleName("Menu")
        self.menu_button.setProperty("compact", True)
        self.menu_button.setPopupMode(QToolButton.ToolButtonPopupMode.InstantPopup)
        self.menu_button.setFocusPolicy(Qt.FocusPolicy.TabFocus)
        row = QHBoxLayout(self)
        row.setContentsMargins(14, 4, 12, 4)
        row.setSpacing(8)
        row.addWidget(self.title, 1)
        for widget in (
            who,
            self.annotator,
            self.about,
            self.only_own,
            self.overlays,
            self.raw,
            self.menu_button,
        ):
            row.addWidget(widget)
        self._author = ""
        self.set_theme(theme)

    def set_theme(self, theme: Theme) -> None:
        """Change the colours."""
        self.menu_button.setIcon(icon("more", theme))

    def show_title(self, text: str) -> None:
        """Show which session is open."""
        self.title.setText(text)
        self.title.setToolTip(text)

    def show_authors(self, authors: Sequence[str], author: str) -> None:
        """Show who has annotated, and who does now."""
        self._author = author
        with QSignalBlocker(self.annotator):
            self.annotator.clear()
            self.annotator.addItems([name for name in authors if name])
            self.annotator.setCurrentText(author)

    def show_about(self, text: str, one_face: bool) -> None:
        """Show what new marks are about."""
        self.about.setText(text)
        self.about.setChecked(one_face)

    def _tell(self) -> None:
        name = self.annotator.currentText().strip()
        if not name:
            self.annotator.setCurrentText(self._author)
        elif name != self._author:
            self._author = name
            self.annotator_chosen.emit(name)


def _toggle(text: str, tip: str) -> QToolButton:
    button = QToolButton()
    button.setText(text)
    button.setToolTip(tip)
    button.setCheckable(True)
    button.setFocusPolicy(Qt.FocusPolicy.TabFocus)
    return button
