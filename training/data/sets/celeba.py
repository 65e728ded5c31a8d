"""CelebA: 202,599 aligned portraits of 10,177 celebrities; gender and smile are two of its forty attributes.

Layout: `list_attr_celeba.txt` (a count, the attributes' names, then `000001.jpg -1 1 ...`), `list_eval_partition.txt`
(`000001.jpg 0`: 0 train, 1 validation, 2 test) and, optional, `identity_CelebA.txt` (`000001.jpg 2880`), each in the
top folder or in `Anno` and `Eval`; pictures of 178x218 in `img_align_celeba`, in the top folder or in `Img`. The
official partition keeps every person on one side.
"""

from __future__ import annotations

from functools import partial
from pathlib import Path

from training.data.faults import Faults
from training.data.folders import find_root, picture_inside, table_inside
from training.data.sample import SPLITS, Sample
from training.data.tables import Row, read_rows
from training.errors import DatasetError

TASKS = ("gender", "smile")
CITATION = "Liu, Luo, Wang, Tang: Deep learning face attributes in the wild, ICCV 2015"
LICENSE = "non-commercial research use"

_ATTRIBUTES = ("list_attr_celeba.txt", "Anno/list_attr_celeba.txt")
_PARTITION = ("list_eval_partition.txt", "Eval/list_eval_partition.txt")
_IDENTITY = ("identity_CelebA.txt", "Anno/identity_CelebA.txt")
_PICTURES = ("img_align_celeba", "Img/img_align_celeba")
_BOX_PX = (31.5, 66.0, 146.5, 181.0)
"""The eyes lie at (69, 111) and (109, 111) on every picture: the square that our chips show around such eyes."""
_MOST_PEOPLE = 100_000


def samples(root: Path, split: str | None = None, faults: Faults | None = None) -> list[Sample]:
    """Read the set.

    Args:
        root: Folder that holds `list_attr_celeba.txt`, or `Anno`, `Eval` and `Img`, here or at most two levels down.
        split: One of `SPLITS`, or None for all.
        faults: Skips and counts what is malformed; None stops at the first.

    Raises:
        DatasetError: Missing folder, list or picture, or a malformed row.
    """
    faults = faults or Faults("celeba")
    top = find_root(root, _ATTRIBUTES, "CelebA")
    partition = read_rows(table_inside(top, _PARTITION, "CelebA"), ("picture", "part"), delimiter=None)
    splits = dict(faults.kept(partition, lambda row: (row.text("picture"), SPLITS[row.whole("part", 0, 2)])))
    people = _people(top, faults)
    pictures = next((top / name for name in _PICTURES if (top / name).is_dir()), top / _PICTURES[0])
    table = table_inside(top, _ATTRIBUTES, "CelebA")
    rows = read_rows(table, ("picture", *_attributes(table)), delimiter=None, skip=2)
    found = faults.kept(rows, partial(_read_row, pictures, splits, people))
    return faults.usable(found, split, top, "list_attr_celeba.txt and img_align_celeba", people=bool(people))


def _people(top: Path, faults: Faults) -> dict[str, str]:
    """Return who is on which picture; empty where the list, which is given on request, is absent."""
    if not any((top / name).is_file() for name in _IDENTITY):
        return {}
    rows = read_rows(table_inside(top, _IDENTITY, "CelebA"), ("picture", "person"), delimiter=None)
    return dict(
        faults.kept(rows, lambda row: (row.text("picture"), str(row.whole("person", 0, _MOST_PEOPLE))))
    )


def _attributes(table: Path) -> tuple[str, ...]:
    names = next((row.cells for row in read_rows(table, (), delimiter=None, skip=1)), ())
    if not {"Male", "Smiling"} <= set(names):
        raise DatasetError(
            f"{table}:2: expected the names of the attributes, Male and Smiling among them, found"
            f" {' '.join(names)[:80]!r}; restore the file"
        )
    return names


def _read_row(pictures: Path, splits: dict[str, str], people: dict[str, str], row: Row) -> Sample:
    name = row.text("picture")
    if name not in splits:
        raise DatasetError(
            f"{row.place}: expected {name[:40]!r} in {_PARTITION[0]} too, found it not; unpack the whole set"
        )
    return Sample(
        path=picture_inside(pictures, name, row.place),
        split=splits[name],
        subject=people.get(name, name),
        female=int(row.choice("Male", {"-1": "1", "1": "0"})),
        smile=int(row.choice("Smiling", {"-1": "0", "1": "1"})),
        box_px=_BOX_PX,
    )
