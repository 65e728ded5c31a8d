"""SMILEsmileD: faces of Labeled Faces in the Wild, smiling or not.

Layout: `SMILEs/positives/positives7/<number>.jpg` and `SMILEs/negatives/negatives7/<number>.jpg`, 64x64 gray. Names of people are
not kept, and pictures of one person have neighbouring numbers: splits are by a hash of the number's hundred.
"""

from __future__ import annotations

from functools import partial
from pathlib import Path

from training.data.faults import Faults
from training.data.folders import find_root, folders_in, pictures_in
from training.data.sample import Sample, hashed_split
from training.errors import DatasetError

TASKS = ("smile",)
CITATION = "Hromada et al.: Zygomatic smile detection: the semi-supervised Haar training of a fast and frugal system, RIVF 2010"
LICENSE = "research use"

_VALIDATION_PERCENT = 10
_TEST_PERCENT = 10
_FOLDERS = {"positives": 1, "negatives": 0}
_NEIGHBOURS = 100
"""File numbers that stay in one split."""


def samples(root: Path, split: str | None = None, faults: Faults | None = None) -> list[Sample]:
    """Read the set.

    Args:
        root: Folder that holds `SMILEs`, here or at most two levels down.
        split: One of `SPLITS`, or None for all.
        faults: Skips and counts what is malformed; None stops at the first.

    Raises:
        DatasetError: Missing folder, or a picture whose name is no number.
    """
    faults = faults or Faults("smilesmiled")
    top = find_root(root, tuple(f"SMILEs/{name}" for name in _FOLDERS), "SMILEsmileD") / "SMILEs"
    found = [
        sample
        for name, smile in _FOLDERS.items()
        for folder in (top / name, *folders_in(top / name))
        for sample in faults.kept(pictures_in(folder), partial(_read, smile))
    ]
    return faults.usable(found, split, top, "positives and negatives with <number>.jpg")


def _read(smile: int, path: Path) -> Sample:
    if not path.stem.isdecimal():
        raise DatasetError(f"{path}: expected <number>.jpg, found another name; rename or remove it")
    hundred = f"{path.parent.name}/{int(path.stem) // _NEIGHBOURS}"
    split = hashed_split(hundred, _VALIDATION_PERCENT, _TEST_PERCENT)
    return Sample(path=path, split=split, subject=hundred, smile=smile)
