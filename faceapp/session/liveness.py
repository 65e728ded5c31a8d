"""Whether a session is being recorded: its recorder holds a lock that the operating system frees when the recorder dies.

Times of files can't tell: a recorder that was stopped for some seconds lives, and the clocks of two computers differ.
"""

from __future__ import annotations

import os
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from engines.file_lock import try_lock
from faceapp.errors import SessionError
from faceapp.session.metadata import SESSION_FILE, load_metadata

HEARTBEAT_S = 2.5
"""A running recording replaces `session.json` every 0.8 s; one untouched for this long is not running."""
LOCK_FILE = "recording.lock"
"""In the folder of a session that is being recorded, or whose recorder was killed."""


class RecordingLock:
    """Held by a recorder as long as it records.

    Args:
        folder: The session folder; it exists.

    Raises:
        OSError: The lock's file can't be made.
    """

    def __init__(self, folder: Path) -> None:
        self._path = folder / LOCK_FILE
        self._handle: int | None = os.open(self._path, _FLAGS | os.O_CREAT, 0o600)
        self._held = False
        with suppress(
            OSError
        ):  # a disk without locks: whoever meets the folder can't tell either, and refuses
            self._held = try_lock(self._handle)

    def release(self) -> None:
        """Say that nothing is recorded any more; may be called twice."""
        handle, self._handle = self._handle, None
        if handle is not None:
            if self._held:  # else it is another recorder's
                with suppress(OSError):
                    self._path.unlink()
            os.close(handle)


@contextmanager
def held_still(folder: Path) -> Iterator[None]:
    """Make sure that nobody records into a session while the body runs.

    Args:
        folder: A session folder.

    Raises:
        SessionError: It is being recorded, or its disk has no locks to tell.
    """
    path = folder / LOCK_FILE
    try:
        handle = os.open(path, _FLAGS)
    except FileNotFoundError:  # closed as it should be, or recorded by an older version
        yield
        return
    except OSError as error:
        raise _unknown(folder, error) from error
    try:
        if not _locked(folder, handle):
            raise SessionError(
                f"{folder}: expected a finished session, found one that is being recorded; stop the recording first"
            )
        yield
    finally:
        os.close(handle)


def is_being_recorded(folder: Path) -> bool:
    """Return whether a program records into this session now.

    Raises:
        SessionError: It can't be told: its disk has no locks, or they may not be opened.
    """
    try:
        handle = os.open(folder / LOCK_FILE, _FLAGS)
    except FileNotFoundError:
        return False
    except OSError as error:
        raise _unknown(folder, error) from error
    try:
        return not _locked(folder, handle)
    finally:
        os.close(handle)


def beats(folder: Path) -> bool:
    """Tell whether a recorder of an older version, which held no lock, still writes; wait when it wrote just now."""
    path = folder / SESSION_FILE
    first = path.stat().st_mtime_ns
    wait_s = min(
        HEARTBEAT_S, HEARTBEAT_S - (time.time() - first / 1e9)
    )  # a wrong clock may put it in the future
    until = time.monotonic() + wait_s
    while time.monotonic() < until:
        time.sleep(0.05)
        if path.stat().st_mtime_ns != first:
            return bool(load_metadata(folder)["state"] == "recording")
    return False


_FLAGS = os.O_RDWR | getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_BINARY", 0)


def _locked(folder: Path, handle: int) -> bool:
    try:
        return try_lock(handle)
    except OSError as error:
        raise _unknown(folder, error) from error


def _unknown(folder: Path, error: OSError) -> SessionError:
    return SessionError(
        f"{folder}: expected a disk with locks, to tell whether the session is being recorded, found {error.strerror}; "
        "stop all recordings and copy the folder to another disk"
    )
