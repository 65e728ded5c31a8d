"""One labelled picture, and how pictures are split into train, validation and test once and for all."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from pathlib import Path

from training.errors import MissingDatasetError

SPLITS = ("train", "validation", "test")


@dataclass(frozen=True, slots=True)
class Sample:
    """A picture of one face with the labels its set gives; a missing label is None and masked in the loss.

    Attributes:
        path: The picture.
        split: "train", "validation" or "test".
        subject: Who it shows, where the set tells, else the picture's own name.
        emotion: Votes per class in the order of `engines.card.EMOTIONS`, sum 1.
        age_years: Age in years.
        female: 0 male, 1 female.
        smile: 0 or 1.
        race: The set's own group number, for fairness figures only; never trained on.
    """

    path: Path
    split: str
    subject: str
    emotion: tuple[float, ...] | None = None
    age_years: float | None = None
    female: int | None = None
    smile: int | None = None
    race: int | None = None


def hashed_split(key: str, validation_percent: int, test_percent: int) -> str:
    """Return the split of a picture or subject, from a hash of its name alone: the same on every machine, for ever.

    Args:
        key: File name, or subject where the set names one, so that no subject stands on both sides.
        validation_percent: Share of validation, in percent.
        test_percent: Share of our own test part, in percent.
    """
    bucket = int.from_bytes(hashlib.sha256(key.encode()).digest()[:4], "big") % 100
    if bucket < test_percent:
        return "test"
    return "validation" if bucket < test_percent + validation_percent else "train"


def find_root(folder: Path, marker: str, set_name: str) -> Path:
    """Return the folder that holds a set's marker: `folder` itself or one below it, at most two levels down.

    Args:
        folder: Where the user keeps the data.
        marker: A file or folder name that only this set's top folder holds.
        set_name: For the error message.

    Raises:
        MissingDatasetError: Nothing found.
    """
    for pattern in ("", "*/", "*/*/"):
        for found in sorted(folder.glob(pattern + marker)):
            return found.parent
    raise MissingDatasetError(
        f"{folder}: expected {set_name} ({marker} here or at most two folders down), found none; unpack it there"
    )
