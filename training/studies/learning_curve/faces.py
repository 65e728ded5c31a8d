"""A share of a set's training faces: the same on every machine, and each share within every larger one."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import numpy.typing as npt

from training.data.prepared import PreparedFaces
from training.data.sample import SPLITS, hash_number

Positions = npt.NDArray[np.int64]


def hash_order(faces: PreparedFaces) -> tuple[Positions, Positions]:
    """Return the training faces in the fixed order of their people's names, and where each person's faces end.

    A set that names nobody has a person a picture (`PreparedFaces.subject`), so the order is then of its files.

    Returns:
        int64 (N,), positions, a person's faces one after the other; int64 (people,), how many faces there are up to and
        with each person.
    """
    train = faces.where("train")
    people, person = np.unique(faces.subject[train], return_inverse=True)
    numbers = np.array([hash_number(str(name)) for name in people], np.int64)
    place = np.empty(len(people), np.int64)
    place[np.lexsort((people, numbers))] = np.arange(len(people))
    ordered = train[np.argsort(place[person], kind="stable")]
    return ordered, np.cumsum(np.bincount(place[person], minlength=len(people)))


def with_share(faces: PreparedFaces, share: float) -> PreparedFaces:
    """Return a set with a share of its training faces, whole people, at least one; the others belong to no split.

    Args:
        faces: The set.
        share: Above 0, up to 1: all.
    """
    ordered, ends = hash_order(faces)
    kept = ends[np.abs(ends - share * len(ordered)).argmin()]
    split = faces.split.copy()
    split[ordered[kept:]] = len(SPLITS)
    return replace(faces, split=split)


def seen_by_all(faces: PreparedFaces, share: float, count: int) -> Positions:
    """Return the training faces to measure the fit on: the first in the fixed order, which every share holds.

    Args:
        faces: The whole set.
        share: The smallest of the study.
        count: At most so many.
    """
    return hash_order(with_share(faces, share))[0][:count]
