"""FER2013: 48-pixel gray faces with one of seven emotions each.

Layouts: `fer2013.csv` with the columns emotion, pixels (2,304 numbers) and Usage (Training, PublicTest, PrivateTest),
as the competition gave it; or class folders `train/<emotion>/*.jpg` and `test/<emotion>/*.jpg`, where names that start
with PublicTest or PrivateTest tell the official split. Without such names a tenth of `train` is validation.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import numpy.typing as npt

from training.data.emotions import one_emotion
from training.data.faults import Faults
from training.data.folders import find_root, folders_in, pictures_in
from training.data.sample import Sample, hashed_split
from training.data.tables import Row, read_rows
from training.errors import DatasetError

TASKS = ("emotion",)
CITATION = "Goodfellow et al.: Challenges in representation learning, ICONIP 2013"
LICENSE = "research use, see the FER2013 competition"

TABLE = "fer2013.csv"
SIDE_PX = 48
USAGES = {"Training": "train", "PublicTest": "validation", "PrivateTest": "test"}
_FOLDERS = {"train": "train", "validation": "validation", "val": "validation", "test": "test"}
_CODES = {
    "0": "anger",
    "1": "disgust",
    "2": "fear",
    "3": "happiness",
    "4": "sadness",
    "5": "surprise",
    "6": "neutral",
}
_VALIDATION_PERCENT = 10


def samples(root: Path, split: str | None = None, faults: Faults | None = None) -> list[Sample]:
    """Read the set.

    Args:
        root: Folder that holds `fer2013.csv` or `train/angry`, here or at most two levels down.
        split: One of `SPLITS`, or None for all.
        faults: Skips and counts what is malformed; None stops at the first.

    Raises:
        DatasetError: Missing folder or table, a malformed row, an unknown class folder.
    """
    faults = faults or Faults("fer2013")
    top = find_root(root, (TABLE, "train/angry"), "FER2013")
    if (top / TABLE).is_file():
        found = faults.kept(enumerate(read_rows(top / TABLE)), _read_row)
    else:
        found = faults.kept(_pictures(top), lambda path: _read_picture(path, top))
    return faults.usable(found, split, top, f"{TABLE} or train/<emotion>/*.jpg")


def decode_pixels(row: Row) -> npt.NDArray[np.uint8]:
    """Return the picture that a row holds, uint8 (48, 48).

    Raises:
        DatasetError: It does not hold 2,304 whole numbers from 0 to 255.
    """
    text = row.text("pixels")
    try:
        values = np.array(text.split(), dtype=np.int64)
    except (ValueError, OverflowError):
        values = np.empty(0, np.int64)
    if values.size != SIDE_PX**2 or values.min() < 0 or values.max() > 255:
        raise DatasetError(
            f"{row.place}: expected {SIDE_PX**2} pixels from 0 to 255, found {text[:40]!r}; restore the file"
        )
    return values.astype(np.uint8).reshape(SIDE_PX, SIDE_PX)


def picture_name(number: int) -> str:
    """Return the name that FER+ gives to the picture in a row, counted from 0."""
    return f"fer{number:07d}"


def _read_row(numbered: tuple[int, Row]) -> Sample:
    number, row = numbered
    return Sample(
        path=Path(row.place.rpartition(":")[0]),
        split=row.choice("Usage", USAGES),
        subject=picture_name(number),
        emotion=one_emotion(row.choice("emotion", _CODES)),
        pixels=decode_pixels(row),
    )


def _pictures(top: Path) -> Iterator[Path]:
    for folder in _FOLDERS:
        for emotion in folders_in(top / folder):
            yield from pictures_in(emotion)


def _read_picture(path: Path, top: Path) -> Sample:
    votes = one_emotion(path.parent.name)
    if votes is None:
        raise DatasetError(
            f"{path}: expected a folder of {', '.join(_CODES.values())}, found {path.parent.name!r}; rename or remove it"
        )
    split = _FOLDERS[path.parent.parent.name]
    if split == "train" and not any((top / name).is_dir() for name in ("validation", "val")):
        split = hashed_split(path.name, _VALIDATION_PERCENT, 0)
    split = USAGES.get(path.name.split("_")[0], split)
    return Sample(path=path, split=split, subject=path.name, emotion=votes)
