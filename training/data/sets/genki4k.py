"""GENKI-4K: faces in the wild, smiling or not, with head pose.

Layout: `labels.txt`, whose line N is `smile yaw pitch roll` (radians) of `files/fileNNNN.jpg`; lines of absent
pictures may be empty. The set names no people: splits are by a hash of the file name.
"""

from __future__ import annotations

from functools import partial
from pathlib import Path

from training.data.faults import Faults
from training.data.folders import find_root, picture_inside, table_inside
from training.data.sample import Sample, hashed_split
from training.data.tables import Row, read_rows

TASKS = ("smile",)
CITATION = "The MPLab GENKI database, GENKI-4K subset, http://mplab.ucsd.edu"
LICENSE = "research use"

_VALIDATION_PERCENT = 10
_TEST_PERCENT = 10
_COLUMNS = ("smile", "yaw", "pitch", "roll")


def samples(root: Path, split: str | None = None, faults: Faults | None = None) -> list[Sample]:
    """Read the set.

    Args:
        root: Folder that holds `labels.txt` and `files`, here or at most two levels down.
        split: One of `SPLITS`, or None for all.
        faults: Skips and counts what is malformed; None stops at the first.

    Raises:
        DatasetError: Missing folder or picture, or a malformed line.
    """
    faults = faults or Faults("genki4k")
    top = _top(root)
    rows = read_rows(table_inside(top, ("labels.txt",), "GENKI-4K"), _COLUMNS, delimiter=None)
    found = faults.kept(rows, partial(_read_line, top))
    return faults.usable(found, split, top, "labels.txt and files/fileNNNN.jpg")


def _top(root: Path) -> Path:
    """Return the set's folder: any of its pictures marks it, since a copy need not hold the first."""
    pictures = sorted(root.glob("*/*/files/file[0-9][0-9][0-9][0-9].jpg")) or sorted(
        path for depth in ("", "*/") for path in root.glob(f"{depth}files/file[0-9][0-9][0-9][0-9].jpg")
    )
    return find_root(
        root, tuple(f"files/{path.name}" for path in pictures[:1]) or "files/fileNNNN.jpg", "GENKI-4K"
    )


def _read_line(top: Path, row: Row) -> Sample:
    number = int(row.place.rpartition(":")[2])
    smile = row.whole("smile", 0, 1)
    path = picture_inside(top / "files", f"file{number:04d}.jpg", row.place)
    split = hashed_split(path.name, _VALIDATION_PERCENT, _TEST_PERCENT)
    return Sample(path=path, split=split, subject=path.name, smile=smile)
