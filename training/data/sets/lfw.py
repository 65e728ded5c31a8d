"""Labeled Faces in the Wild: 13,233 pictures of 5,749 named people, with gender and smile from separate lists.

Layout: `lfw`, `lfw_funneled` or `lfw-deepfunneled`, in it `<Person>/<Person>_0001.jpg` of 250x250, the detected face
enlarged 2.2 times around its centre. Beside or above that folder, each optional: `male_names.txt` and
`female_names.txt` (a picture's file name a line; Afifi and Abdelhamed 2019), which come first, and
`lfw_attributes.txt` (Kumar et al. 2009: a comment, then `#`, person, imagenum and the attributes' names, tab-
separated; a score above 0 means yes), for the gender of the other pictures and for smiles. Without them the pictures
carry an identity only. Splits are by person.
"""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial
from pathlib import Path

from training.data.faults import Faults
from training.data.folders import find_root, folders_in, pictures_in
from training.data.sample import Sample, hashed_split
from training.data.tables import Row, read_rows
from training.errors import DatasetError

TASKS = ("gender", "smile")
CITATION = (
    "Huang, Ramesh, Berg, Learned-Miller: Labeled faces in the wild, University of Massachusetts 07-49, 2007"
)
LICENSE = "research use"

_FOLDERS = ("lfw-deepfunneled", "lfw_funneled", "lfw")
_LISTS = {"male_names.txt": 0, "female_names.txt": 1}
_ATTRIBUTES = "lfw_attributes.txt"
_FACE_SHARE = 1 / 2.2
_VALIDATION_PERCENT = 10
_TEST_PERCENT = 10
_LARGEST_SCORE = 1e6
_MOST_PICTURES = 9999

Labels = dict[str, tuple[int | None, int | None]]
"""Picture -> gender, smile."""


def samples(root: Path, split: str | None = None, faults: Faults | None = None) -> list[Sample]:
    """Read the set.

    Args:
        root: Folder that holds `lfw` (or its aligned versions), here or at most two levels down.
        split: One of `SPLITS`, or None for all.
        faults: Skips and counts what is malformed; None stops at the first.

    Raises:
        DatasetError: Missing folder, a malformed row, or a picture not named after its folder.
    """
    faults = faults or Faults("lfw")
    top = find_root(root, _FOLDERS, "LFW")
    folder = top
    while inner := [folder / name for name in _FOLDERS if (folder / name).is_dir()]:
        folder = inner[0]  # some archives hold the folder in another of such a name
    labels = _labels((top, folder, folder.parent), faults)
    pictures = (path for person in folders_in(folder) for path in pictures_in(person))
    found = faults.kept(pictures, partial(_read_picture, labels))
    return faults.usable(found, split, top, "<Person>/<Person>_0001.jpg", people=True)


def _labels(places: tuple[Path, ...], faults: Faults) -> Labels:
    labels: Labels = {}
    for table in _present(places, _ATTRIBUTES):
        labels.update(
            faults.kept(read_rows(table, _attributes(table), delimiter="\t", skip=2), _read_attributes)
        )
    for name, female in _LISTS.items():
        for table in _present(places, name):
            for row in read_rows(table, ("picture",)):
                picture = row.text("picture")
                labels[picture] = (female, labels.get(picture, (None, None))[1])
    return labels


def _present(places: tuple[Path, ...], name: str) -> Iterator[Path]:
    return iter([place / name for place in places if (place / name).is_file()][:1])


def _attributes(table: Path) -> tuple[str, ...]:
    names = next((row.cells[1:] for row in read_rows(table, (), delimiter="\t", skip=1)), ())
    if names[:2] != ("person", "imagenum") or not {"Male", "Smiling"} <= set(names):
        raise DatasetError(
            f"{table}:2: expected '#', person, imagenum and the attributes' names, found {' '.join(names)[:80]!r};"
            " restore the file"
        )
    return names


def _read_attributes(row: Row) -> tuple[str, tuple[int, int]]:
    person = row.text("person").replace(" ", "_")
    number = row.whole("imagenum", 1, _MOST_PICTURES)
    male, smiling = (row.number(name, -_LARGEST_SCORE, _LARGEST_SCORE) > 0 for name in ("Male", "Smiling"))
    return f"{person}_{number:04d}.jpg", (int(not male), int(smiling))


def _read_picture(labels: Labels, path: Path) -> Sample:
    person = path.parent.name
    if path.stem.rpartition("_")[0] != person:
        raise DatasetError(
            f"{path}: expected a name such as {person}_0001.jpg, found {path.name!r}; rename or remove it"
        )
    female, smile = labels.get(path.name, (None, None))
    return Sample(
        path=path,
        split=hashed_split(person, _VALIDATION_PERCENT, _TEST_PERCENT),
        subject=person,
        female=female,
        smile=smile,
        face_share=_FACE_SHARE,
    )
