"""What the live window and the player do alike when a person sets marks."""

from __future__ import annotations

from PySide6.QtCore import QObject, Qt
from PySide6.QtWidgets import QInputDialog, QWidget

from faceapp.session.annotation_scheme import Code

NOTE = Code("note", kind="note")


class Marking(QObject):
    """Notes, and what marks are about.

    Args:
        window: The window that marks are set in.

    Attributes:
        about_face: Whether marks are about the chosen face, and not about all.
    """

    def __init__(self, window: QWidget) -> None:
        super().__init__(window)
        self._over = window
        self.about_face = False

    def moment_s(self) -> float | None:
        """Return the moment that a mark set now belongs to; None while nothing can be marked."""
        raise NotImplementedError

    def set_mark(self, code: Code, time_s: float, note: str = "") -> None:
        """Set a mark at a moment, or begin or end a stretch."""
        raise NotImplementedError

    def show_about(self) -> None:
        """Show what new marks are about."""
        raise NotImplementedError

    def ask_note(self) -> None:
        """Ask for a text and set it at the moment the key was pressed; the picture goes on meanwhile."""
        time_s = self.moment_s()
        if time_s is None:
            return
        dialog = QInputDialog(self._over)
        dialog.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        dialog.setWindowTitle("Note")
        dialog.setLabelText("Note at this moment:")
        dialog.setModal(False)
        dialog.resize(420, 120)
        dialog.textValueSelected.connect(lambda text: self.add_note(text, time_s))
        dialog.show()

    def add_note(self, text: str, time_s: float) -> None:
        """Set a note; an empty one is none."""
        if text.strip():
            self.set_mark(NOTE, time_s, text.strip())

    def toggle_about(self) -> None:
        """Set new marks about the chosen face, or about all."""
        self.about_face = not self.about_face
        self.show_about()
