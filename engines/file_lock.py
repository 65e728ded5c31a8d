"""A lock that two programs of this machine share through a file; the system frees it when its holder dies."""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

if sys.platform == "win32":
    import msvcrt
else:
    import fcntl

_POLL_S = 0.05


@contextmanager
def file_lock(path: Path, waiting: Callable[[], None]) -> Iterator[None]:
    """Hold the lock while the body runs; wait for another holder first.

    Args:
        path: A file made for this, never read or deleted.
        waiting: Called again and again while another holds the lock; raises to give up.

    Raises:
        OSError: The file can't be made, or its file system has no locks.
    """
    handle = os.open(path, os.O_RDWR | os.O_CREAT, 0o600)
    try:
        while not try_lock(handle):
            waiting()
            time.sleep(_POLL_S)
        yield
    finally:
        os.close(handle)  # frees the lock


def try_lock(handle: int) -> bool:
    """Take the lock of an open file if nobody holds it; closing the file frees it.

    Raises:
        OSError: Its file system has no locks.
    """
    try:
        if sys.platform == "win32":
            msvcrt.locking(handle, msvcrt.LK_NBLCK, 1)
        else:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except (BlockingIOError, PermissionError):  # held by another, as Linux and Windows say it
        return False
    return True
