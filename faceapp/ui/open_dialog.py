"""Asks for files or folders while the picture goes on."""

from __future__ import annotations

from collections.abc import Callable

from PySide6.QtCore import Qt
from PySide6.QtWidgets import QFileDialog, QWidget


def ask_path(
    parent: QWidget,
    title: str,
    mode: QFileDialog.FileMode,
    take: Callable[[list[str]], object],
    *,
    folder: str = "",
    names: str = "",
) -> None:
    """Show a dialog that is not modal.

    Args:
        parent: The window.
        title: What is asked for.
        mode: A file, several, or a folder.
        take: Gets the paths that were chosen.
        folder: Where to begin.
        names: Filters of names, as Qt writes them.
    """
    dialog = QFileDialog(parent, title, folder)
    dialog.setFileMode(mode)
    if names:
        dialog.setNameFilter(names)
    dialog.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
    dialog.setModal(False)
    dialog.filesSelected.connect(take)
    dialog.show()
