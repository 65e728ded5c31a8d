"""IMDB-WIKI: pictures of known people with date of birth and year of the photograph, hence age, and gender.

Layout: `imdb.mat` and/or `wiki.mat` beside the picture folders (`imdb_crop/imdb.mat`, `wiki_crop/00/...jpg`): one
1x1 struct named as the file, whose fields are rows of equal length: dob (Matlab's serial day), photo_taken (year),
full_path, gender (0 female, 1 male, NaN unknown), name, face_location, face_score, second_face_score; imdb has
celeb_names and celeb_id besides. The cropped release shows each face with a margin of 40% on every side.

Left out, as the set's authors advise: pictures without a face (score minus infinity), with a score below 1, or with a
second face. Dates that give an age outside 0 to 100 years are known slips: the age is then missing. Age counts from
the first of July of the year of the photograph, as in the authors' own script. Splits are by person.

Only numbers and text are read from the file: `scipy.io.loadmat` builds arrays, never runs or unpickles anything; the
one variable that is wanted must be declared a 1x1 struct, and every field is checked for its kind and length.
"""

from __future__ import annotations

import zlib
from collections.abc import Iterator
from datetime import date
from functools import partial
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
import numpy.typing as npt

from training.data.faults import Faults
from training.data.folders import find_root, picture_inside
from training.data.sample import Sample, hashed_split
from training.errors import DatasetError, RecipeError

TASKS = ("age", "gender")
CITATION = (
    "Rothe, Timofte, Van Gool: Deep expectation of real and apparent age from a single image, IJCV 126, 2018"
)
LICENSE = "academic research use"

_FILES = ("imdb", "wiki")
_NUMBERS = ("dob", "photo_taken", "gender", "face_score", "second_face_score")
_VALIDATION_PERCENT = 10
_TEST_PERCENT = 10
_OLDEST_YEARS = 100
_LOWEST_SCORE = 1.0
_MATLAB_DAYS = 366
"""Matlab's day 1 is 1 January of year 0, Python's of year 1."""
_CROP_SHARE = 1 / 1.8
_UNREADABLE = (
    *(OSError, EOFError, ValueError, TypeError, LookupError, OverflowError),
    *(NotImplementedError, MemoryError, zlib.error),
)
"""What SciPy raises for files that are broken or of another kind, besides its own error."""

Fields = dict[str, npt.NDArray[Any]]


def samples(root: Path, split: str | None = None, faults: Faults | None = None) -> list[Sample]:
    """Read the set: imdb, wiki or both.

    Args:
        root: Folder that holds `imdb.mat` or `wiki.mat`, or both, here or at most two levels down.
        split: One of `SPLITS`, or None for all.
        faults: Skips and counts what is malformed; None stops at the first.

    Raises:
        DatasetError: Missing file or picture, or a file that is not this set's.
        RecipeError: SciPy is not installed.
    """
    faults = faults or Faults("imdbwiki")
    markers = tuple(f"{folder}{name}.mat" for name in _FILES for folder in ("", f"{name}_crop/", f"{name}/"))
    top = find_root(root, markers, "IMDB-WIKI")
    tables = [top / marker for marker in markers if (top / marker).is_file()]
    found = (sample for table in tables for sample in _read_file(table, faults))
    return faults.usable(found, split, top, "imdb.mat or wiki.mat with its pictures", people=True)


def _read_file(table: Path, faults: Faults) -> Iterator[Sample]:
    fields = _load(table)
    yield from faults.kept(range(len(fields["dob"])), partial(_read_entry, table, fields))


def _load(table: Path) -> Fields:
    """Return the struct's fields, each with one entry a picture."""
    scipy_io = _scipy_io()
    name = table.stem
    try:
        kinds = {variable: (shape, kind) for variable, shape, kind in scipy_io.whosmat(str(table))}
        if kinds.get(name) != ((1, 1), "struct"):
            raise ValueError(f"its variables are {kinds}")
        record = scipy_io.loadmat(str(table), variable_names=[name])[name][0, 0]
        fields = {field: np.asarray(record[field]).reshape(-1) for field in record.dtype.names}
        people = fields["celeb_id"] if name == "imdb" else fields["name"]
        lengths = {len(fields[field]) for field in (*_NUMBERS, "full_path", "face_location")} | {len(people)}
        if len(lengths) != 1:
            raise ValueError(f"fields of {sorted(lengths)} entries")
        numbers = {field: fields[field].astype(np.float64) for field in _NUMBERS}
    except (*_UNREADABLE, scipy_io.matlab.MatReadError) as error:
        raise DatasetError(
            f"{table}: expected a Matlab 5 file with the struct {name!r}, found another ({error}); unpack the set again"
        ) from error
    return {
        "full_path": fields["full_path"],
        "face_location": fields["face_location"],
        "people": people,
        **numbers,
    }


def _scipy_io() -> ModuleType:
    try:
        from scipy import io
    except ImportError as error:
        raise RecipeError(
            "imdbwiki: expected SciPy, which reads its .mat files, found none; pip install scipy"
        ) from error
    return io


def _read_entry(table: Path, fields: Fields, position: int) -> Sample | None:
    place = f"{table}:{position + 1}"
    score, second = fields["face_score"][position], fields["second_face_score"][position]
    if not score >= _LOWEST_SCORE or not np.isnan(second):
        return None
    age_years = _age_years(fields["dob"][position], fields["photo_taken"][position])
    gender = fields["gender"][position]
    if not (np.isnan(gender) or gender in (0, 1)):
        raise DatasetError(f"{place}: expected gender 0, 1 or NaN, found {gender:g}; unpack the set again")
    if age_years is None and np.isnan(gender):
        return None
    path = picture_inside(table.parent, _text(fields["full_path"][position], place), place)
    subject = f"{table.stem} {_text(fields['people'][position], place) or path.name}"
    cropped = table.parent.name.endswith("_crop")
    return Sample(
        path=path,
        split=hashed_split(subject, _VALIDATION_PERCENT, _TEST_PERCENT),
        subject=subject,
        age_years=age_years,
        female=None if np.isnan(gender) else int(gender == 0),
        box_px=None if cropped else _box(fields["face_location"][position], place),
        face_share=_CROP_SHARE if cropped else 1.0,
    )


def _age_years(birth_day: float, photo_year: float) -> float | None:
    """Return the age on 1 July of the photograph's year, None where the dates make no sense."""
    try:
        birth = date.fromordinal(int(birth_day) - _MATLAB_DAYS)
        years = int(photo_year) - birth.year - (birth.month >= 7 and (birth.month, birth.day) != (7, 1))
    except (ValueError, OverflowError):
        return None
    return float(years) if 0 <= years <= _OLDEST_YEARS else None


def _text(cell: Any, place: str) -> str:
    """Return the text or number in a cell of the file."""
    if isinstance(cell, np.ndarray) and cell.size == 0:
        return ""
    value = cell.reshape(-1)[0] if isinstance(cell, np.ndarray) and cell.size == 1 else cell
    if not isinstance(value, str | int | float | np.integer | np.floating):
        raise DatasetError(f"{place}: expected text, found {type(value).__name__}; unpack the set again")
    return str(value)


def _box(cell: Any, place: str) -> tuple[float, float, float, float]:
    """Return x0, y0, x1, y1 in pixels; Matlab counts them from 1."""
    try:
        edges = np.asarray(cell, dtype=np.float64).reshape(-1) - (1, 1, 0, 0)
    except (ValueError, TypeError):
        edges = np.full(4, np.nan)
    if not (np.isfinite(edges).all() and edges[0] < edges[2] and edges[1] < edges[3]):
        raise DatasetError(
            f"{place}: expected a face as x0 y0 x1 y1, found {cell!r:.60}; unpack the set again"
        )
    return float(edges[0]), float(edges[1]), float(edges[2]), float(edges[3])
