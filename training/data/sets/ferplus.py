"""FER+: crowd votes of ten taggers for the 48-pixel gray faces of FER2013.

Layouts: `FER2013Train`, `FER2013Valid` and, where present, `FER2013Test`, each with PNG files and a `label.csv` of
lines `name, "(x0, y0, x1, y1)", neutral, happiness, surprise, sadness, anger, disgust, fear, contempt, unknown, NF`;
or `fer2013new.csv` (Usage, Image name, the ten votes) beside FER2013's `fer2013.csv`, which holds the pixels: picture
ferNNNNNNN is row N of that table, counted from 0. The rows that FER+ gives no picture name are dropped.
Pictures whose top vote is unknown or NF are dropped, as are single votes, which the set's authors treat as noise.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import partial
from pathlib import Path

from engines.card import EMOTIONS
from training.data.faults import Faults
from training.data.folders import find_root, picture_inside
from training.data.sample import Sample
from training.data.sets.fer2013 import TABLE, USAGES, decode_pixels, picture_name
from training.data.tables import Row, read_rows
from training.errors import DatasetError, MissingDatasetError

TASKS = ("emotion",)
CITATION = "Barsoum, Zhang, Canton Ferrer, Zhang: Training deep networks for FER with crowd-sourced label distribution, ICMI 2016"
LICENSE = "research use, see the FER2013 competition and the FER+ repository"

_FOLDERS = {"train": "FER2013Train", "validation": "FER2013Valid", "test": "FER2013Test"}
_VOTES = "fer2013new.csv"
_VOTE_COLUMNS = (*EMOTIONS, "unknown", "NF")
_FOLDER_COLUMNS = ("name", "box", *_VOTE_COLUMNS)
_TABLE_COLUMNS = ("Usage", "Image name", *_VOTE_COLUMNS)
_MOST_VOTES = 20
_NAME = re.compile(r"fer(\d{7})\.png")

Votes = dict[int, tuple[str, tuple[float, ...]]]
"""Row of fer2013.csv -> split and vote shares."""


def samples(root: Path, split: str | None = None, faults: Faults | None = None) -> list[Sample]:
    """Read the set.

    Args:
        root: Folder that holds the set's folders, or both its tables, here or at most two levels down.
        split: One of `SPLITS`, or None for all that are present.
        faults: Skips and counts what is malformed; None stops at the first.

    Raises:
        DatasetError: Missing folder, file or malformed line.
    """
    faults = faults or Faults("ferplus")
    top = find_root(root, (_FOLDERS["train"], _VOTES), "FER+")
    if (top / _FOLDERS["train"]).is_dir():
        found = _folders(top, split, faults)
    elif (top / TABLE).is_file():
        found = _tables(top, faults)
    else:
        raise MissingDatasetError(f"{top}: expected {TABLE} beside {_VOTES}, found none; it holds the pixels")
    return faults.usable(found, split, top, f"FER2013Train with label.csv, or {_VOTES} beside {TABLE}")


def _folders(top: Path, split: str | None, faults: Faults) -> Iterator[Sample]:
    wanted = [split] if split else [name for name in _FOLDERS if (top / _FOLDERS[name]).is_dir()]
    for name in wanted:
        for table in faults.tables([top / _FOLDERS[name] / "label.csv"]):
            yield from faults.kept(read_rows(table, _FOLDER_COLUMNS), partial(_read_line, table.parent, name))


def _read_line(folder: Path, split: str, row: Row) -> Sample | None:
    votes = _votes(row)
    if votes is None:
        return None
    path = picture_inside(folder, row.text("name"), row.place)
    return Sample(path=path, split=split, subject=path.stem, emotion=votes)


def _tables(top: Path, faults: Faults) -> Iterator[Sample]:
    rows = read_rows(top / _VOTES, _TABLE_COLUMNS, skip=1)
    votes: Votes = dict(faults.kept(rows, _read_votes))
    return faults.kept(enumerate(read_rows(top / TABLE)), partial(_read_pixels, votes))


def _read_votes(row: Row) -> tuple[int, tuple[str, tuple[float, ...]]] | None:
    votes = _votes(row)
    if votes is None or not row.text("Image name"):
        return None
    name = _NAME.fullmatch(row.text("Image name"))
    if name is None:
        raise DatasetError(
            f"{row.place}: expected a name such as fer0000000.png, found {row.text('Image name')[:40]!r}; restore the file"
        )
    return int(name[1]), (row.choice("Usage", USAGES), votes)


def _read_pixels(votes: Votes, numbered: tuple[int, Row]) -> Sample | None:
    number, row = numbered
    if number not in votes:
        return None
    split, shares = votes[number]
    if row.choice("Usage", USAGES) != split:
        raise DatasetError(
            f"{row.place}: expected the Usage that {_VOTES} gives ({split}), found {row.text('Usage')!r};"
            " take both tables whole, in their order"
        )
    path = Path(row.place.rpartition(":")[0])
    return Sample(
        path=path, split=split, subject=picture_name(number), emotion=shares, pixels=decode_pixels(row)
    )


def _votes(row: Row) -> tuple[float, ...] | None:
    """Return the vote shares of the eight emotions, or None when the picture is to be dropped."""
    counts = [row.whole(column, 0, _MOST_VOTES) for column in _VOTE_COLUMNS]
    emotions, others = counts[: len(EMOTIONS)], counts[len(EMOTIONS) :]
    if max(others) > max(emotions):
        return None
    agreed = [count if count > 1 else 0 for count in emotions]
    kept = agreed if any(agreed) else emotions
    return tuple(count / sum(kept) for count in kept) if any(kept) else None
