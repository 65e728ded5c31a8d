"""AffectNet: faces from the web, one of eight emotions each, labelled by hand.

Layouts: `Manually_Annotated_file_lists/training.csv` and `validation.csv` (columns subDirectory_filePath, face_x,
face_y, face_width, face_height, facial_landmarks, expression, valence, arousal; the names stand in the first line or
nowhere) with `Manually_Annotated_Images/<folder>/<file>`; or the smaller release `train_set/images/N.jpg` with
`train_set/annotations/N_exp.npy` (one number), and `val_set` alike. Expressions 8 to 10 (none, uncertain, no face)
are dropped. The set's test part is not public; its validation part is our validation. It names no people.
"""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial
from pathlib import Path

import numpy as np

from training.data.emotions import one_emotion
from training.data.faults import Faults
from training.data.folders import find_root, picture_inside, pictures_in
from training.data.sample import Sample
from training.data.tables import Row, read_rows
from training.errors import DatasetError

TASKS = ("emotion",)
CITATION = "Mollahosseini, Hasani, Mahoor: AffectNet, IEEE Transactions on Affective Computing 10(1), 2019"
LICENSE = "research use under the AffectNet agreement"

_LISTS = "Manually_Annotated_file_lists"
_IMAGES = "Manually_Annotated_Images"
_TABLES = {"train": "training.csv", "validation": "validation.csv"}
_FOLDERS = {"train": "train_set", "validation": "val_set"}
_BOX = ("face_x", "face_y", "face_width", "face_height")
_COLUMNS = ("subDirectory_filePath", *_BOX, "facial_landmarks", "expression", "valence", "arousal")
_CODES = {
    0: "neutral",
    1: "happiness",
    2: "sadness",
    3: "surprise",
    4: "fear",
    5: "disgust",
    6: "anger",
    7: "contempt",
}
_LAST_CODE = 10
_LARGEST_PX = 100_000


def samples(root: Path, split: str | None = None, faults: Faults | None = None) -> list[Sample]:
    """Read the set.

    Args:
        root: Folder that holds `Manually_Annotated_file_lists` or `train_set`, here or at most two levels down.
        split: One of `SPLITS`, or None for all.
        faults: Skips and counts what is malformed; None stops at the first.

    Raises:
        DatasetError: Missing folder, table or picture, or a malformed row or label.
    """
    faults = faults or Faults("affectnet")
    top = find_root(root, (_LISTS, "train_set/annotations"), "AffectNet")
    found = _lists(top, faults) if (top / _LISTS).is_dir() else _folders(top, faults)
    return faults.usable(
        found, split, top, f"{_LISTS} with {_IMAGES}, or train_set with images and annotations"
    )


def _lists(top: Path, faults: Faults) -> Iterator[Sample]:
    splits = {top / _LISTS / name: split for split, name in _TABLES.items()}
    for table in faults.tables(splits):
        rows = (row for row in read_rows(table, _COLUMNS) if row.cells[0] != _COLUMNS[0])
        yield from faults.kept(rows, partial(_read_row, top / _IMAGES, splits[table]))


def _read_row(images: Path, split: str, row: Row) -> Sample | None:
    code = row.whole("expression", 0, _LAST_CODE)
    if code not in _CODES:
        return None
    path = picture_inside(images, row.text("subDirectory_filePath"), row.place)
    left, top, width, height = (row.number(name, -_LARGEST_PX, _LARGEST_PX) for name in _BOX)
    if width < 1 or height < 1:
        raise DatasetError(
            f"{row.place}: expected a face of some size, found {width:g} x {height:g}; remove the row"
        )
    return Sample(
        path=path,
        split=split,
        subject=path.name,
        emotion=one_emotion(_CODES[code]),
        box_px=(left, top, left + width, top + height),
    )


def _folders(top: Path, faults: Faults) -> Iterator[Sample]:
    for split, name in _FOLDERS.items():
        yield from faults.kept(pictures_in(top / name / "images"), partial(_read_picture, split))


def _read_picture(split: str, path: Path) -> Sample | None:
    label = path.parent.parent / "annotations" / f"{path.stem}_exp.npy"
    try:
        code = int(str(np.load(label, allow_pickle=False)))
    except (OSError, ValueError, EOFError) as error:
        raise DatasetError(
            f"{label}: expected one number, found none ({error}); unpack the whole set"
        ) from error
    if not 0 <= code <= _LAST_CODE:
        raise DatasetError(
            f"{label}: expected an expression from 0 to {_LAST_CODE}, found {code}; restore the file"
        )
    emotion = one_emotion(_CODES[code]) if code in _CODES else None
    return Sample(path=path, split=split, subject=path.name, emotion=emotion) if emotion else None
