"""The log: warnings to the terminal, everything of ours to a file of this user that never grows large."""

from __future__ import annotations

import logging
import os
import sys
from logging.handlers import RotatingFileHandler
from pathlib import Path

LARGEST_BYTES = 1 << 20
OLDER_FILES = 3
OURS = ("faceapp", "engines")


def log_path() -> Path:
    """Return where this user's log lies on this platform."""
    if sys.platform == "win32":
        base = Path(os.environ.get("LOCALAPPDATA") or Path.home() / "AppData" / "Local") / "faceapp"
    elif sys.platform == "darwin":
        base = Path.home() / "Library" / "Logs" / "faceapp"
    else:
        state = os.environ.get("XDG_STATE_HOME") or ""
        # The XDG specification says to ignore a path that is not absolute.
        base = (Path(state) if Path(state).is_absolute() else Path.home() / ".local" / "state") / "faceapp"
    return base / "faceapp.log"


class LogFile(RotatingFileHandler):
    """Keeps what the program itself says, and errors of libraries; a disk that can't take it is no concern of the program."""

    def __init__(self, path: Path) -> None:
        """Make the folder; the file is opened with the first line.

        Args:
            path: The file; older ones get .1, .2 and so on.

        Raises:
            OSError: The folder can't be made.
        """
        path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        super().__init__(path, maxBytes=LARGEST_BYTES, backupCount=OLDER_FILES, encoding="utf-8", delay=True)
        self.setFormatter(logging.Formatter("%(asctime)s %(process)d %(levelname)s %(name)s: %(message)s"))
        self.addFilter(lambda record: record.levelno >= logging.WARNING or is_ours(record))

    def handleError(self, record: logging.LogRecord) -> None:
        """Leave the line out."""


def is_ours(record: logging.LogRecord) -> bool:
    """Say whether the program itself speaks."""
    return record.name.partition(".")[0] in OURS
