"""What a set was prepared from: the key of a folder's content, by names, sizes and times of its files."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from training.data.faults import Faults
from training.data.sample import Sample
from training.names import load

_DEEPEST = 8
"""Levels of folders that are looked into; a link may lead in circles."""


@dataclass(frozen=True, slots=True)
class Source:
    """A set's folder as it is now.

    Attributes:
        folder: Where the set lies.
        inside: The same, below the folder with all data sets; "." where they are the same.
        files: How many files are in it.
        key: Of their names, sizes and times.
    """

    folder: Path
    inside: str
    files: int
    key: str

    def as_dict(self) -> dict[str, Any]:
        """Return what is kept beside prepared faces."""
        return {"inside": self.inside, "files": self.files, "key": self.key}


def read_samples(name: str, data: Path, faults: Faults) -> tuple[list[Sample], Source]:
    """Read a set's labels and look at its files.

    Args:
        name: The set.
        data: Folder with the unpacked sets.
        faults: What becomes of malformed rows.

    Raises:
        DatasetError: The set is missing or malformed.
    """
    samples: list[Sample] = load("data.sets", name).samples(data, faults=faults)
    return samples, source_at(data, faults.place)


def source_at(data: Path, folder: Path) -> Source:
    """Look at the files of a set's folder, hidden ones left out.

    Args:
        data: Folder with the unpacked sets.
        folder: The set's, below it.
    """
    digest, files = hashlib.sha256(), 0
    for path, size, time_ns in sorted(_files(folder, "")):
        digest.update(f"{path}\0{size}\0{time_ns}\n".encode(errors="surrogateescape"))
        files += 1
    return Source(folder, folder.relative_to(data).as_posix(), files, digest.hexdigest())


def _files(folder: Path, below: str) -> Iterator[tuple[str, int, int]]:
    """Yield path below the first folder, size in bytes and time of change in nanoseconds of every file."""
    with os.scandir(folder) as entries:
        for entry in entries:
            path = f"{below}{entry.name}"
            if entry.name.startswith("."):
                continue
            if entry.is_dir() and below.count("/") < _DEEPEST:
                yield from _files(Path(entry.path), f"{path}/")
            elif entry.is_file():
                about = entry.stat()
                yield path, about.st_size, about.st_mtime_ns
