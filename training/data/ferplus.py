"""FER+: crowd votes of ten taggers for the 48-pixel gray faces of FER2013.

Layout: `FER2013Train`, `FER2013Valid` and, where present, `FER2013Test`, each with PNG files and a `label.csv` of
lines `name, "(x0, y0, x1, y1)", neutral, happiness, surprise, sadness, anger, disgust, fear, contempt, unknown, NF`.
Pictures whose top vote is unknown or NF are dropped, as are single votes, which the set's authors treat as noise.
"""

from __future__ import annotations

import csv
from collections.abc import Iterator
from pathlib import Path

from engines.card import EMOTIONS
from training.data.sample import Sample, find_root
from training.errors import DatasetError

TASKS = ("emotion",)
CITATION = "Barsoum, Zhang, Canton Ferrer, Zhang: Training deep networks for FER with crowd-sourced label distribution, ICMI 2016"
LICENSE = "research use, see the FER2013 competition and the FER+ repository"

_FOLDERS = {"train": "FER2013Train", "validation": "FER2013Valid", "test": "FER2013Test"}
_COLUMNS = 2 + len(EMOTIONS) + 2


def samples(root: Path, split: str | None = None) -> list[Sample]:
    """Read the set.

    Args:
        root: Folder that holds the set's folders, here or at most two levels down.
        split: One of `SPLITS`, or None for all that are present.

    Raises:
        DatasetError: Missing folder, file or malformed line.
    """
    top = find_root(root, "FER2013Train", "FER+")
    wanted = [split] if split else [name for name in _FOLDERS if (top / _FOLDERS[name]).is_dir()]
    return [sample for name in wanted for sample in _read_folder(top / _FOLDERS[name], name)]


def _read_folder(folder: Path, split: str) -> Iterator[Sample]:
    table = folder / "label.csv"
    if not table.is_file():
        raise DatasetError(f"{table}: expected FER+'s list of votes, found none; unpack the whole set")
    with table.open(newline="", encoding="utf-8") as stream:
        for number, row in enumerate(csv.reader(stream), start=1):
            votes = _votes(row, f"{table}:{number}")
            if votes is not None:
                path = folder / Path(row[0]).name
                if not path.is_file():
                    raise DatasetError(
                        f"{table}:{number}: expected the picture {path.name}, found none; unpack the whole set"
                    )
                yield Sample(path=path, split=split, subject=path.stem, emotion=votes)


def _votes(row: list[str], place: str) -> tuple[float, ...] | None:
    """Return the vote shares of the eight emotions, or None when the picture is to be dropped."""
    try:
        counts = [int(text) for text in row[2:]]
    except ValueError:
        counts = []
    if len(row) != _COLUMNS or not counts or min(counts) < 0:
        raise DatasetError(
            f"{place}: expected a name, a box and ten vote counts, found {','.join(row)[:80]!r}; restore the file"
        )
    emotions, others = counts[: len(EMOTIONS)], counts[len(EMOTIONS) :]
    if max(others) > max(emotions):
        return None
    agreed = [count if count > 1 else 0 for count in emotions]
    kept = agreed if any(agreed) else emotions
    return tuple(count / sum(kept) for count in kept) if any(kept) else None
