"""A session's files are files in its folder: links that lead elsewhere are neither read nor written through.

A session may come from anybody. A link under the name of one of its files would have `session check` empty, and an
annotation grow, a file of the person who only opened it.
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import BinaryIO, Literal

from engines.whole_file import file_mode
from faceapp.errors import SessionError


def refuse_links(folder: Path) -> None:
    """Make sure that nothing in a session folder is a link.

    Args:
        folder: A session folder; one that is missing or can't be listed is left to who opens its files.

    Raises:
        SessionError: There is a link; the line names it.
    """
    try:
        with os.scandir(folder) as entries:
            links = sorted(entry.name for entry in entries if _is_link(entry))
    except OSError:
        return
    if links:
        raise SessionError(
            f"{folder}: expected a session's own files, found the link {links[0]!r}, which leads elsewhere; "
            "put the file itself in its place"
        )


def open_own(path: Path, mode: Literal["rb", "r+b", "ab", "xb"], buffering: int = -1) -> BinaryIO:
    """Open a file of a session without following a link of its name.

    Args:
        path: The file.
        mode: As of `open`.
        buffering: As of `open`; 0 for none.

    Raises:
        OSError: It is a link, or can't be opened.
    """
    return open(path, mode, buffering, opener=_without_following)


def _without_following(path: str, flags: int) -> int:
    if not hasattr(os, "O_NOFOLLOW") and os.path.islink(path):  # Windows
        raise OSError(f"{path}: is a link")
    return os.open(path, flags | getattr(os, "O_NOFOLLOW", 0), file_mode(Path(path).parent))


def _is_link(entry: os.DirEntry[str]) -> bool:
    is_junction = getattr(entry, "is_junction", None)  # of Windows, from Python 3.12 on
    return entry.is_symlink() or bool(is_junction and is_junction())
