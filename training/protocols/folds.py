"""Folds: which pictures train and which test, with no person on both sides."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from training.errors import DatasetError

Positions = npt.NDArray[np.int64]


@dataclass(frozen=True, slots=True, eq=False)
class Fold:
    """One training and its test.

    Attributes:
        name: Such as "fold_1_of_4"; also the name of the run's folder.
        train: int64, positions of the pictures to train on.
        test: int64, positions of the pictures to test on.
    """

    name: str
    train: Positions
    test: Positions


def subject_folds(subjects: npt.ArrayLike, count: int, salt: str = "") -> tuple[Fold, ...]:
    """Return k folds of about as many pictures each, every subject's pictures in one of them.

    In the order of a hash of their names, subjects go to the fold that has the fewest pictures so far: the same folds
    on every machine. Where each picture is its own subject these are the plain k folds of BKNet (Sang and Cuong 2018,
    section 4.2).

    Args:
        subjects: (N,) who each picture shows.
        count: k, at least 2.
        salt: Another salt gives other folds.

    Raises:
        DatasetError: There are fewer subjects than folds.
    """
    names, subject = np.unique(np.asarray(subjects), return_inverse=True)
    if not 2 <= count <= len(names):
        raise DatasetError(
            f"folds: expected 2 to {len(names)}, the number of subjects, found {count}; ask for fewer"
        )
    pictures = np.bincount(subject)
    held = np.zeros(count, dtype=np.int64)
    fold_of = np.zeros(len(names), dtype=np.int64)
    for number in sorted(range(len(names)), key=lambda number: _hash(f"{salt}{names[number]}")):
        fold_of[number] = held.argmin()
        held[fold_of[number]] += pictures[number]
    return _folds(fold_of[subject], [f"fold_{number + 1}_of_{count}" for number in range(count)])


def own_folds(numbers: npt.ArrayLike) -> tuple[Fold, ...]:
    """Return the folds that a set's authors give, such as Adience's five (used so in GF-CapsNet, section 4.2).

    Args:
        numbers: int (N,), the set's fold of each picture, -1 for pictures outside.

    Raises:
        DatasetError: The set gives fewer than two.
    """
    given = np.asarray(numbers)
    found = np.unique(given[given >= 0])
    if len(found) < 2:
        raise DatasetError(
            f"folds: expected the set's own, found {len(found)}; use folds by subject (--folds COUNT)"
        )
    place = np.where(given >= 0, np.searchsorted(found, given), -1)
    return _folds(place, [f"fold_{number}_of_the_set" for number in found])


def leave_one_person_out(subjects: npt.ArrayLike) -> tuple[Fold, ...]:
    """Return as many folds as there are people, each tested on one of them (as for FG-NET in GF-CapsNet, section 4.2).

    Raises:
        DatasetError: The set names no people, or only one.
    """
    people, person = np.unique(np.asarray(subjects), return_inverse=True)
    if not 2 <= len(people) < len(person):
        raise DatasetError(
            f"leave one person out: expected people with several pictures, found {len(people)} subjects "
            f"of {len(person)} pictures; use folds by subject"
        )
    return _folds(person, [f"person_{number + 1}_of_{len(people)}" for number in range(len(people))])


def _folds(place: npt.NDArray[np.int64], names: list[str]) -> tuple[Fold, ...]:
    """Return a fold per place; pictures at place -1 neither train nor test."""
    return tuple(
        Fold(name, np.flatnonzero((place != number) & (place >= 0)), np.flatnonzero(place == number))
        for number, name in enumerate(names)
    )


def _hash(text: str) -> bytes:
    return hashlib.sha256(text.encode()).digest()
