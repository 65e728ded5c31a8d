"""GENKI-4K: faces in the wild, smiling or not, with head pose.

Layout: `labels.txt`, whose line N is `smile yaw pitch roll` (radians) of `files/fileNNNN.jpg`; lines of absent
pictures may be empty. The set names no people: splits are by a hash of the file name.
"""

from __future__ import annotations

from pathlib import Path

from training.data.sample import Sample, find_root, hashed_split
from training.errors import DatasetError

TASKS = ("smile",)
CITATION = "The MPLab GENKI database, GENKI-4K subset, http://mplab.ucsd.edu"
LICENSE = "research use"

_VALIDATION_PERCENT = 10
_TEST_PERCENT = 10


def samples(root: Path, split: str | None = None) -> list[Sample]:
    """Read the set.

    Args:
        root: Folder that holds `labels.txt` and `files`, here or at most two levels down.
        split: One of `SPLITS`, or None for all.

    Raises:
        DatasetError: Missing folder or picture, or a malformed line.
    """
    top = find_root(root, "files/file0001.jpg", "GENKI-4K").parent
    table = top / "labels.txt"
    try:
        lines = table.read_text(encoding="ascii").splitlines()
    except (OSError, UnicodeDecodeError) as error:
        raise DatasetError(
            f"{table}: expected GENKI-4K's labels as plain text, found none ({error}); unpack the whole set"
        ) from error
    found = [_read_line(table, number, line) for number, line in enumerate(lines, start=1) if line.strip()]
    return [sample for sample in found if split in (None, sample.split)]


def _read_line(table: Path, number: int, line: str) -> Sample:
    fields = line.split()
    if len(fields) != 4 or fields[0] not in ("0", "1"):
        raise DatasetError(
            f"{table}:{number}: expected 'smile yaw pitch roll' with smile 0 or 1, found {line[:60]!r}; restore the file"
        )
    path = table.parent / "files" / f"file{number:04d}.jpg"
    if not path.is_file():
        raise DatasetError(
            f"{table}:{number}: expected the picture {path.name}, found none; unpack it or empty the line"
        )
    split = hashed_split(path.name, _VALIDATION_PERCENT, _TEST_PERCENT)
    return Sample(path=path, split=split, subject=path.name, smile=int(fields[0]))
