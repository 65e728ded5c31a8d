"""Looks how much room is left where a session is recorded."""

from __future__ import annotations

import shutil
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from faceapp.errors import SessionError

WARN_BYTES = 1_000_000_000
"""Below this the window warns: about ten minutes of 1280x720 video."""
STOP_BYTES = 200_000_000
"""Below this the recording is closed while there is still room to seal it."""
_EVERY_S = 2.0


@dataclass(slots=True)
class DiskWatch:
    """Asks for the free space now and then.

    Attributes:
        folder: A folder on the disk.
        warn_bytes: `low` below this.
        stop_bytes: `check` raises below this.
        free_bytes: Found at the last look; None before.
        measure: Returns the free bytes of a folder's disk.
    """

    folder: Path
    warn_bytes: int = WARN_BYTES
    stop_bytes: int = STOP_BYTES
    free_bytes: int | None = None
    measure: Callable[[Path], int] = lambda folder: shutil.disk_usage(folder).free
    _due_s: float = float("-inf")

    @property
    def low(self) -> bool:
        """Whether people should be warned."""
        return self.free_bytes is not None and self.free_bytes < self.warn_bytes

    def check(self) -> None:
        """Look, when the last look is long enough ago.

        Raises:
            SessionError: Too little is left to go on; what was recorded can still be sealed.
        """
        if time.monotonic() < self._due_s:
            return
        self._due_s = time.monotonic() + _EVERY_S
        try:
            self.free_bytes = self.measure(self.folder)
        except OSError:
            return  # the folder has gone: writing to it will say so
        if self.free_bytes < self.stop_bytes:
            raise DiskFullSoonError(
                f"{self.folder}: expected at least {self.stop_bytes / 1e6:.0f} MB free, "
                f"found {self.free_bytes / 1e6:.0f} MB; the recording was stopped and is whole, free some space"
            )


class DiskFullSoonError(SessionError):
    """The disk is nearly full; the recording ends in good order."""
