"""Adience: unfiltered album photographs with eight age groups and gender, in five subject-exclusive folds.

Layout: `fold_0_data.txt` to `fold_4_data.txt`, tab-separated with the columns user_id, original_image, face_id, age,
gender, x, y, dx, dy, tilt_ang, fiducial_yaw_angle, fiducial_score; pictures `aligned/<user_id>/landmark_aligned_face.
<face_id>.<original_image>`, or `faces/<user_id>/coarse_tilt_aligned_face...` where the former are absent. Ages are
groups such as `(25, 32)`, a few are single years; gender is m, f or u. Rows with neither age nor gender are dropped.
The folds are the set's own: protocols use all five; as one split, folds 0 to 2 train, 3 validates and 4 tests.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import partial
from pathlib import Path

from training.data.faults import Faults
from training.data.folders import find_root, picture_inside
from training.data.sample import OLDEST_YEARS, Sample
from training.data.tables import Row, read_rows
from training.errors import DatasetError

TASKS = ("age", "gender")
CITATION = "Eidinger, Enbar, Hassner: Age and gender estimation of unfiltered faces, IEEE TIFS 9(12), 2014"
LICENSE = "non-commercial research use"

_SPLITS = ("train", "train", "train", "validation", "test")
_PICTURES = {"aligned": "landmark_aligned_face", "faces": "coarse_tilt_aligned_face"}
_GENDERS = {"m": "0", "f": "1", "u": "", "": "", "None": ""}
_GROUP = re.compile(r"\((\d+), ?(\d+)\)")
_NO_AGE = ("", "None")


def samples(root: Path, split: str | None = None, faults: Faults | None = None) -> list[Sample]:
    """Read the set.

    Args:
        root: Folder that holds the fold files, here or at most two levels down.
        split: One of `SPLITS`, or None for all.
        faults: Skips and counts what is malformed; None stops at the first.

    Raises:
        DatasetError: Missing folder, fold or picture, or a malformed row.
    """
    faults = faults or Faults("adience")
    top = find_root(root, tuple(f"fold_{fold}_data.txt" for fold in range(len(_SPLITS))), "Adience")
    pictures = next((name for name in _PICTURES if (top / name).is_dir()), "faces")
    found = _read_folds(top, pictures, faults)
    return faults.usable(
        found, split, top, "fold_0_data.txt to fold_4_data.txt with aligned or faces", people=True
    )


def _read_folds(top: Path, pictures: str, faults: Faults) -> Iterator[Sample]:
    folds = {top / f"fold_{fold}_data.txt": fold for fold in range(len(_SPLITS))}
    for table in faults.tables(folds):
        yield from faults.kept(
            read_rows(table, delimiter="\t"), partial(_read_row, top, pictures, folds[table])
        )


def _read_row(top: Path, pictures: str, fold: int, row: Row) -> Sample | None:
    group, years = _age(row)
    gender = row.choice("gender", _GENDERS)
    if group is None and not gender:
        return None
    user = row.text("user_id")
    name = f"{_PICTURES[pictures]}.{row.text('face_id')}.{row.text('original_image')}"
    return Sample(
        path=picture_inside(top, f"{pictures}/{user}/{name}", row.place),
        split=_SPLITS[fold],
        subject=user,
        age_years=years,
        female=int(gender) if gender else None,
        age_range_years=group,
        fold=fold,
    )


def _age(row: Row) -> tuple[tuple[float, float] | None, float | None]:
    """Return the age group and, where the row gives one, the age in years."""
    text = row.text("age")
    if text in _NO_AGE:
        return None, None
    group = _GROUP.fullmatch(text)
    if group is not None and int(group[1]) <= int(group[2]) <= OLDEST_YEARS:
        return (float(group[1]), float(group[2])), None
    if group is None and text.isdecimal():
        years = row.number("age", 0, OLDEST_YEARS)
        return (years, years), years
    raise DatasetError(
        f"{row.place}: expected an age or group such as (25, 32), found {text[:40]!r}; restore the file"
    )
