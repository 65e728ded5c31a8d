"""Where a set lies, and paths that its label files name: never one outside the set's folder."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path, PurePosixPath

from training.errors import DatasetError, MissingDatasetError

_LEVELS = 2
_PICTURES = (".jpg", ".jpeg", ".png", ".bmp")


def find_root(folder: Path, markers: str | tuple[str, ...], set_name: str) -> Path:
    """Return the folder that holds one of a set's markers: `folder` itself or one at most two levels down.

    Args:
        folder: Where the user keeps the data.
        markers: Files or folders, with slashes, that only this set's top folder holds; the first found counts.
        set_name: For the error message.

    Raises:
        MissingDatasetError: Nothing found.
    """
    markers = (markers,) if isinstance(markers, str) else markers
    for place in _folders(folder, _LEVELS):
        if any((place / marker).exists() for marker in markers):
            return place
    raise MissingDatasetError(
        f"{folder}: expected {set_name} ({' or '.join(markers)} here or at most two folders down), found none;"
        " unpack it there"
    )


def _folders(folder: Path, levels: int) -> Iterator[Path]:
    """Yield a folder and those below it, nearest first; `scandir` tells folders without a look at every file."""
    nearest = [folder]
    for level in range(levels + 1):
        yield from nearest
        if level < levels:
            nearest = [Path(path) for place in nearest for path in _subfolders(place)]


def _subfolders(folder: Path) -> list[str]:
    try:
        with os.scandir(folder) as entries:
            return sorted(entry.path for entry in entries if entry.is_dir())
    except OSError:  # absent or not ours to read: no set there
        return []


def inside(folder: Path, name: str, place: str) -> Path:
    """Return the path of a file that a label file names.

    Args:
        folder: The set's folder.
        name: The name as the label file has it, with slashes or backslashes.
        place: "file:line" for the error message.

    Raises:
        DatasetError: The name is empty, absolute, or leads out of the folder.
    """
    relative = PurePosixPath(name.strip().replace("\\", "/"))
    leads_out = relative.is_absolute() or ".." in relative.parts or any(sign in name for sign in ":\0")
    if leads_out or not relative.parts:
        raise DatasetError(
            f"{place}: expected a file below {folder}, found {name[:80]!r}; restore the label file"
        )
    return folder / relative


def picture_inside(folder: Path, name: str, place: str) -> Path:
    """Return the path of a picture that a label file names.

    Raises:
        DatasetError: As for `inside`, or there is no such file.
    """
    path = inside(folder, name, place)
    if not path.is_file():
        raise DatasetError(f"{place}: expected the picture {path}, found none; unpack the whole set")
    return path


def table_inside(folder: Path, names: tuple[str, ...], set_name: str) -> Path:
    """Return the first of some label files that is there.

    Args:
        folder: The set's folder.
        names: Their paths below it, with slashes.
        set_name: For the message.

    Raises:
        DatasetError: None is there.
    """
    for name in names:
        if (folder / name).is_file():
            return folder / name
    raise DatasetError(
        f"{folder}: expected {set_name}'s {' or '.join(names)}, found none; unpack the whole set"
    )


def pictures_in(folder: Path) -> list[Path]:
    """Return the picture files of a folder, by name; no folder holds none."""
    if not folder.is_dir():
        return []
    return sorted(path for path in folder.iterdir() if path.suffix.lower() in _PICTURES)


def folders_in(folder: Path) -> list[Path]:
    """Return the folders in a folder, by name; no folder holds none."""
    return [Path(path) for path in _subfolders(folder)]
