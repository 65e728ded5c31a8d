"""FG-Net ageing database: 1,002 pictures of 82 people from 0 to 69 years.

Layout: `FGNET/images/001A02.JPG`: person, A, age in years, a letter where a person has several pictures of that age.
Splits are by person; protocols that leave one person out take `Sample.subject`.
"""

from __future__ import annotations

import re
from pathlib import Path

from training.data.faults import Faults
from training.data.folders import find_root, pictures_in
from training.data.sample import Sample, hashed_split
from training.errors import DatasetError

TASKS = ("age",)
CITATION = "Lanitis, Taylor, Cootes: Toward automatic simulation of aging effects on face images, IEEE TPAMI 24(4), 2002"
LICENSE = "research use"

_FOLDERS = ("FGNET/images", "FGNET/Images", "FG-NET/images", "FG-NET/Images")
_VALIDATION_PERCENT = 15
_TEST_PERCENT = 15
_NAME = re.compile(r"(\d{3})a(\d{2})[a-z]?\.jpg", re.IGNORECASE)


def samples(root: Path, split: str | None = None, faults: Faults | None = None) -> list[Sample]:
    """Read the set.

    Args:
        root: Folder that holds `FGNET/images`, here or at most two levels down.
        split: One of `SPLITS`, or None for all.
        faults: Skips and counts what is malformed; None stops at the first.

    Raises:
        DatasetError: Missing folder, or a name without person and age.
    """
    faults = faults or Faults("fgnet")
    top = find_root(root, _FOLDERS, "FG-Net")
    folder = next(top / name for name in _FOLDERS if (top / name).is_dir())
    found = faults.kept(pictures_in(folder), _read_name)
    return faults.usable(found, split, folder, "pictures named 001A02.JPG", people=True)


def _read_name(path: Path) -> Sample:
    name = _NAME.fullmatch(path.name)
    if name is None:
        raise DatasetError(
            f"{path}: expected a name such as 001A02.JPG, found {path.name!r}; rename or remove it"
        )
    return Sample(
        path=path,
        split=hashed_split(name[1], _VALIDATION_PERCENT, _TEST_PERCENT),
        subject=name[1],
        age_years=float(name[2]),
    )
