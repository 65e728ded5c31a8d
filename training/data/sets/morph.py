"""MORPH II: 55,134 mug shots of about 13,000 people over four years, with age, gender and group.

Layouts: `morph_2008_nonCommercial.csv` with the columns id_num, picture_num, dob, doa, race, gender, facial_hair, age,
age_diff, glasses, photo (such as `Album2/009055_1M54.JPG`); or, without the table, the names in `Album2` alone:
person, picture, M or F, age. Splits are by person; `race` is only in the table (0 white, 1 black, 2 Asian, 3 Hispanic,
4 other).
"""

from __future__ import annotations

import re
from functools import partial
from pathlib import Path

from training.data.faults import Faults
from training.data.folders import find_root, picture_inside, pictures_in
from training.data.sample import OLDEST_YEARS, Sample, hashed_split
from training.data.tables import Row, read_rows
from training.errors import DatasetError

TASKS = ("age", "gender")
CITATION = "Ricanek, Tesafaye: MORPH, a longitudinal image database of normal adult age-progression, FG 2006"
LICENSE = "research use under the MORPH agreement"

_TABLE = "morph_2008_nonCommercial.csv"
_PICTURES = "Album2"
_GENDERS = {"M": "0", "F": "1"}
_RACES = {"W": "0", "B": "1", "A": "2", "H": "3", "O": "4", "I": "4", "U": "", "": ""}
_VALIDATION_PERCENT = 10
_TEST_PERCENT = 10
_NAME = re.compile(r"(\d+)_\d+([MF])(\d+)\.jpg", re.IGNORECASE)


def samples(root: Path, split: str | None = None, faults: Faults | None = None) -> list[Sample]:
    """Read the set.

    Args:
        root: Folder that holds the table or `Album2`, here or at most two levels down.
        split: One of `SPLITS`, or None for all.
        faults: Skips and counts what is malformed; None stops at the first.

    Raises:
        DatasetError: Missing folder or picture, a malformed row or name.
    """
    faults = faults or Faults("morph")
    top = find_root(root, (_TABLE, _PICTURES), "MORPH II")
    if (top / _TABLE).is_file():
        found = faults.kept(read_rows(top / _TABLE), partial(_read_row, top))
    else:
        found = faults.kept(pictures_in(top / _PICTURES), _read_name)
    return faults.usable(found, split, top, f"{_TABLE} with {_PICTURES}, or {_PICTURES} alone", people=True)


def _read_row(top: Path, row: Row) -> Sample:
    subject = str(row.whole("id_num", 0, 10**9))
    race = row.choice("race", _RACES)
    return Sample(
        path=picture_inside(top, row.text("photo"), row.place),
        split=hashed_split(subject, _VALIDATION_PERCENT, _TEST_PERCENT),
        subject=subject,
        age_years=row.number("age", 0, OLDEST_YEARS),
        female=int(row.choice("gender", _GENDERS)),
        race=int(race) if race else None,
    )


def _read_name(path: Path) -> Sample:
    name = _NAME.fullmatch(path.name)
    if name is None or int(name[3]) > OLDEST_YEARS:
        raise DatasetError(
            f"{path}: expected person_pictureGage.JPG such as 00001_0M35.JPG, found {path.name!r}; rename or remove it"
        )
    subject = str(int(name[1]))
    return Sample(
        path=path,
        split=hashed_split(subject, _VALIDATION_PERCENT, _TEST_PERCENT),
        subject=subject,
        age_years=float(name[3]),
        female=int(_GENDERS[name[2].upper()]),
    )
