"""The folder where this user's compiled engines and the like lie, and files in it that are whole or absent."""

from __future__ import annotations

import hashlib
import os
import sys
from pathlib import Path

from engines.whole_file import write_whole

_NAME = "faceapp"


def user_cache_folder() -> Path:
    """Return this user's cache folder of the program, which may not exist yet."""
    if sys.platform == "win32":
        base = os.environ.get("LOCALAPPDATA") or str(Path.home() / "AppData" / "Local")
    elif sys.platform == "darwin":
        base = str(Path.home() / "Library" / "Caches")
    else:
        base = os.environ.get("XDG_CACHE_HOME") or ""
        # The XDG specification says to ignore a path that is not absolute.
        base = base if Path(base).is_absolute() else str(Path.home() / ".cache")
    return Path(base) / _NAME


def make_private_folder(folder: Path) -> None:
    """Make a folder that only this user may write into; compiled engines are native code.

    Raises:
        OSError: It can't be made, or others may write into it.
    """
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    if sys.platform != "win32":
        found = folder.stat()
        if found.st_uid != os.getuid() or found.st_mode & 0o022:
            raise PermissionError(1, "others may write into it", str(folder))


def write_checked(path: Path, content: bytes) -> None:
    """Write a file with its checksum in front; see `read_checked`.

    Raises:
        OSError: It can't be written.
    """
    write_whole(path, hashlib.sha256(content).digest() + content)


def read_checked(path: Path) -> bytes:
    """Return what `write_checked` wrote; empty where the file is missing or damaged."""
    try:
        stored = path.read_bytes()
    except OSError:
        return b""
    size = hashlib.sha256().digest_size
    content = stored[size:]
    return content if stored[:size] == hashlib.sha256(content).digest() else b""
