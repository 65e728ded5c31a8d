"""LSEMSW: subtle expressions in the wild; thirteen emotions and mental states, of which we take the eight emotions.

Layouts: `LSEMSW/train`, `validation` and `test`, in each a folder an emotion with its pictures; or the lists
`LSEMSW/train.csv`, `validation.csv` and `test.csv`, whose first line names at least the columns image (a path below
`LSEMSW`) and emotion. The authors describe no file layout in print: these two are the ones we take, so arrange a copy
in one of them. Mental states that are none of the eight emotions are dropped. The set names no people.
"""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial
from pathlib import Path

from training.data.emotions import one_emotion
from training.data.faults import Faults
from training.data.folders import find_root, folders_in, picture_inside, pictures_in
from training.data.sample import SPLITS, Sample
from training.data.tables import Row, read_rows
from training.errors import DatasetError

TASKS = ("emotion",)
CITATION = (
    "Hu et al.: Deep multi-task learning to recognise subtle facial expressions of mental states, ECCV 2018"
)
LICENSE = "research use under the LSEMSW agreement"

_FOLDER = "LSEMSW"


def samples(root: Path, split: str | None = None, faults: Faults | None = None) -> list[Sample]:
    """Read the set.

    Args:
        root: Folder that holds `LSEMSW`, here or at most two levels down.
        split: One of `SPLITS`, or None for all.
        faults: Skips and counts what is malformed; None stops at the first.

    Raises:
        DatasetError: Missing folder or picture, or a malformed row.
    """
    faults = faults or Faults("lsemsw")
    folder = find_root(root, _FOLDER, "LSEMSW") / _FOLDER
    lists = any((folder / f"{name}.csv").is_file() for name in SPLITS)
    found = _lists(folder, faults) if lists else _folders(folder, faults)
    return faults.usable(found, split, folder, "train/<emotion>/ with pictures, or train.csv")


def _lists(folder: Path, faults: Faults) -> Iterator[Sample]:
    splits = {folder / f"{split}.csv": split for split in SPLITS}
    present = [table for table in splits if table.is_file()]
    for table in present:
        yield from faults.kept(read_rows(table), partial(_read_row, folder, splits[table]))


def _read_row(folder: Path, split: str, row: Row) -> Sample | None:
    name = row.text("emotion")
    if not name.replace(" ", "").isalpha():
        raise DatasetError(f"{row.place}: expected an emotion's name, found {name[:40]!r}; restore the file")
    return _sample(picture_inside(folder, row.text("image"), row.place), split, name)


def _folders(folder: Path, faults: Faults) -> Iterator[Sample]:
    for split in SPLITS:
        for emotion in folders_in(folder / split):
            yield from faults.kept(pictures_in(emotion), partial(_sample, split=split, name=emotion.name))


def _sample(path: Path, split: str, name: str) -> Sample | None:
    votes = one_emotion(name)
    return None if votes is None else Sample(path=path, split=split, subject=path.name, emotion=votes)
