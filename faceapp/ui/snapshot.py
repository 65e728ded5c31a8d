"""Pictures of the window saved as files, and the folder they lie in."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path

from PySide6.QtCore import QUrl
from PySide6.QtGui import QDesktopServices, QImage

from faceapp.errors import SessionError


def save_snapshot(picture: QImage, folder: Path) -> Path:
    """Write a picture under the time of day, off the window's thread.

    Args:
        picture: What to save.
        folder: Made if need be.

    Returns:
        The new file.

    Raises:
        SessionError: The folder can't be made, or the disk refuses the picture.
    """
    path = folder / f"{datetime.now():%Y-%m-%d_%H-%M-%S-%f}.png"
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise SessionError(f"{folder}: expected a folder to write to, found: {error.strerror}") from error
    if not picture.save(str(path)):
        raise SessionError(f"{path}: expected to write a picture, the disk refused it; choose another folder")
    return path


def open_folder(folder: Path) -> None:
    """Show a folder in the system's file manager."""
    QDesktopServices.openUrl(QUrl.fromLocalFile(str(folder)))
