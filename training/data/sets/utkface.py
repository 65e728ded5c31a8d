"""UTKFace: aligned 200-pixel colour crops with age, gender and group in the file name.

Layout: `UTKFace/[age]_[gender]_[race]_[date].jpg.chip.jpg`; age in years, gender 0 male or 1 female, race 0 to 4.
A few names lack a field (known slips of the set); such a picture keeps the labels before the gap. The set names no
people: splits are by a hash of the file name.
"""

from __future__ import annotations

from pathlib import Path

from training.data.faults import Faults
from training.data.folders import find_root
from training.data.sample import OLDEST_YEARS, Sample, hashed_split
from training.errors import DatasetError

TASKS = ("age", "gender")
CITATION = "Zhang, Song, Qi: Age progression/regression by conditional adversarial autoencoder, CVPR 2017"
LICENSE = "non-commercial research use"

_VALIDATION_PERCENT = 10
_TEST_PERCENT = 10


def samples(root: Path, split: str | None = None, faults: Faults | None = None) -> list[Sample]:
    """Read the set.

    Args:
        root: Folder that holds `UTKFace`, here or at most two levels down.
        split: One of `SPLITS`, or None for all.
        faults: Skips and counts what is malformed; None stops at the first.

    Raises:
        DatasetError: Missing folder, no picture, or a name that does not start with an age.
    """
    faults = faults or Faults("utkface")
    folder = find_root(root, "UTKFace", "UTKFace") / "UTKFace"
    found = faults.kept(sorted(folder.glob("*.jpg")), _read_name)
    return faults.usable(found, split, folder, "pictures named age_gender_race_date.jpg")


def _read_name(path: Path) -> Sample:
    fields = path.name.split(".")[0].split("_")
    age_years = _number(fields, 0, OLDEST_YEARS)
    if age_years is None:
        raise DatasetError(
            f"{path}: expected a name that starts with an age of 0 to {OLDEST_YEARS}, found {path.name!r}; rename or remove it"
        )
    complete = len(fields) == 4
    return Sample(
        path=path,
        split=hashed_split(path.name, _VALIDATION_PERCENT, _TEST_PERCENT),
        subject=path.name,
        age_years=float(age_years),
        female=_number(fields, 1, 1),
        race=_number(fields, 2, 4) if complete else None,
    )


def _number(fields: list[str], position: int, largest: int) -> int | None:
    """Return a field as a whole number up to `largest`, or None when it is no such number."""
    text = fields[position] if position < len(fields) else ""
    return int(text) if text.isdecimal() and int(text) <= largest else None
