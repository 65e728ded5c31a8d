"""Files that are whole or not there: whatever is written appears under its name in one step, and stays after a power cut.

A rename alone is not enough: a file system may store the new name before the content (ext4 with `noauto_da_alloc`), so that
after a crash the file is empty and the old one gone. So the content is waited for before the rename, and the folder after it.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import BinaryIO

PART_SUFFIX = ".part"
"""Of files that are being written; what a killed program leaves of them is worth nothing."""


def write_whole(path: Path, content: bytes | str) -> None:
    """Write a file in one step, replacing an older one; see `whole_file`.

    Args:
        path: The file; a link of that name is replaced, not followed.
        content: Bytes, or text that is written as UTF-8.

    Raises:
        OSError: It can't be written; the older file stays and nothing is left behind.
    """
    with whole_file(path) as stream:
        stream.write(content.encode("utf-8") if isinstance(content, str) else content)


@contextmanager
def whole_file(path: Path) -> Iterator[BinaryIO]:
    """Give a stream to write a file with; it takes the place of an older one when the body has ended without an error.

    Args:
        path: The file.

    Raises:
        OSError: It can't be written; the older file stays and nothing is left behind.
    """
    part = part_of(path)
    try:
        with _new_file(part) as stream:
            yield stream
        put_in_place(part, path)
    finally:
        with suppress(OSError):
            part.unlink()


def part_of(path: Path) -> Path:
    """Return the name under which this program writes a file that a library makes, for `put_in_place`."""
    return path.with_name(f".{path.name}.{os.getpid()}{PART_SUFFIX}")


def put_in_place(part: Path, path: Path) -> None:
    """Give a written file its name, replacing an older one, once the disk has its content; then wait for the name.

    Args:
        part: A finished file in the same folder.
        path: Its name.

    Raises:
        OSError: The disk failed; the older file stays.
    """
    if file_mode(path.parent) == 0o600:
        part.chmod(0o600)
    _wait_for_disk(part, os.O_RDWR)
    rename(part, path)


def rename(path: Path, new: Path) -> None:
    """Give a file or folder another name beside its own, and wait for the disk to have it.

    Args:
        path: What is there; its content is on the disk.
        new: Its new name; a file there is replaced.

    Raises:
        OSError: It can't be renamed.
    """
    os.replace(path, new)
    sync_folder(new.parent)


def sync_folder(folder: Path) -> None:
    """Wait until the disk has the names in a folder; Windows can't and need not be asked."""
    if os.name != "nt":
        _wait_for_disk(folder, os.O_RDONLY)


def file_mode(folder: Path) -> int:
    """Return the rights of a new file: its owner's alone in a folder that is its owner's alone, else what is usual."""
    try:
        return 0o666 if folder.stat().st_mode & 0o077 else 0o600
    except OSError:
        return 0o666


def _new_file(part: Path) -> BinaryIO:
    """Open a file that was not there, so that no link of that name can lead elsewhere."""
    with suppress(FileNotFoundError):
        part.unlink()
    handle = os.open(
        part, os.O_WRONLY | os.O_CREAT | os.O_EXCL | getattr(os, "O_BINARY", 0), file_mode(part.parent)
    )
    return os.fdopen(handle, "wb")


def _wait_for_disk(path: Path, flags: int) -> None:
    handle = os.open(path, flags)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
