"""Images of Groups (Gallagher): 28,231 faces in 5,080 group photographs, with seven age groups and gender.

Layout: eleven folders (Wed2a, Wed3a, Wed5a, Fam2a, Fam4a, Fam5a, Fam8a, Group2a, Group4a, Group5a, Group8a), each with
its pictures and a `PersonData.txt`: a line with a picture's name, then a line for each of its faces, six numbers with
tabs between them: x and y of the left eye, x and y of the right eye, age class (1, 5, 10, 16, 28, 51 or 75, which stand
for 0-2, 3-7, 8-12, 13-19, 20-36, 37-65 and 66+), gender (1 female, 2 male). The set names no people; a picture's name
ends with its photographer, who is taken as subject, so that one family's pictures stay in one split.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from training.data.eyes import eye_box
from training.data.faults import Faults
from training.data.folders import find_root, picture_inside
from training.data.sample import Sample, hashed_split
from training.data.tables import Row, read_rows
from training.errors import DatasetError

TASKS = ("age", "gender")
CITATION = "Gallagher, Chen: Understanding images of groups of people, CVPR 2009"
LICENSE = "non-commercial research use"

_FOLDERS = (
    "Wed2a",
    "Wed3a",
    "Wed5a",
    "Fam2a",
    "Fam4a",
    "Fam5a",
    "Fam8a",
    "Group2a",
    "Group4a",
    "Group5a",
    "Group8a",
)
_TABLE = "PersonData.txt"
_EYES = ("left eye x", "left eye y", "right eye x", "right eye y")
_COLUMNS = (*_EYES, "age class", "gender")
_AGE_RANGES_YEARS = {
    1: (0.0, 2.0),
    5: (3.0, 7.0),
    10: (8.0, 12.0),
    16: (13.0, 19.0),
    28: (20.0, 36.0),
    51: (37.0, 65.0),
    75: (66.0, 100.0),
}
_LARGEST_PX = 100_000
_VALIDATION_PERCENT = 10
_TEST_PERCENT = 10


@dataclass(frozen=True, slots=True)
class _Face:
    """A face's line, and the line that names its picture, None where no picture was named before."""

    row: Row
    picture: Row | None


def samples(root: Path, split: str | None = None, faults: Faults | None = None) -> list[Sample]:
    """Read the set.

    Args:
        root: Folder that holds `Wed2a` and the others, here or at most two levels down.
        split: One of `SPLITS`, or None for all.
        faults: Skips and counts what is malformed; None stops at the first.

    Raises:
        DatasetError: Missing folder, list or picture, or a malformed line.
    """
    faults = faults or Faults("gallagher")
    top = find_root(root, tuple(f"{name}/{_TABLE}" for name in _FOLDERS), "Images of Groups")
    found = _read_folders(top, faults)
    return faults.usable(found, split, top, f"Wed2a/{_TABLE} with its pictures")


def _read_folders(top: Path, faults: Faults) -> Iterator[Sample]:
    tables = [top / name / _TABLE for name in _FOLDERS if (top / name).is_dir()]
    for table in faults.tables(tables):
        yield from faults.kept(_faces(table), partial(_read_face, table.parent))


def _faces(table: Path) -> Iterator[_Face]:
    """Yield every line that is no picture's name."""
    picture = None
    for row in read_rows(table, _COLUMNS, delimiter="\t"):
        if len(row.cells) == 1 and row.cells[0].lower().endswith(".jpg"):
            picture = row
        else:
            yield _Face(row, picture)


def _read_face(folder: Path, face: _Face) -> Sample:
    row = face.row
    if face.picture is None:
        raise DatasetError(
            f"{row.place}: expected a picture's name before its faces, found none; restore the file"
        )
    left_x, left_y, right_x, right_y = (row.number(name, -_LARGEST_PX, _LARGEST_PX) for name in _EYES)
    if (left_x, left_y) == (right_x, right_y):
        raise DatasetError(
            f"{row.place}: expected two eyes, found both at {left_x:g}, {left_y:g}; remove the line"
        )
    age_class = row.whole("age class", 0, 100)
    if age_class not in _AGE_RANGES_YEARS:
        known = ", ".join(str(number) for number in _AGE_RANGES_YEARS)
        raise DatasetError(
            f"{row.place}: expected an age class of {known}, found {age_class}; restore the file"
        )
    path = picture_inside(folder, face.picture.cells[0], face.picture.place)
    photographer = path.stem.rpartition("_")[2]
    return Sample(
        path=path,
        split=hashed_split(photographer, _VALIDATION_PERCENT, _TEST_PERCENT),
        subject=photographer,
        female=int(row.whole("gender", 1, 2) == 1),
        age_range_years=_AGE_RANGES_YEARS[age_class],
        box_px=eye_box((left_x, left_y), (right_x, right_y)),
    )
