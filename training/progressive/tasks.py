"""What columns learn: a task's labels, and which faces of a set train, choose and measure it.

Emotion: the vote shares of FER+ as they are; the most voted class counts when measured. Age group: the eight groups of
Adience; ages between two groups (3, 7, 14 ...) go to the nearer one, so that sets which give years can serve. Identity:
the `people` with most pictures, each of whom is in every part. Pictures of one person with one expression stay together,
because neighbouring frames are nearly the same picture; about a fifth of each person's expressions, and at least one, is
measured, as many choose, and the rest train.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
import numpy.typing as npt

from engines.card import EMOTIONS, GENDERS, SMILES
from training.data.prepared import PreparedFaces
from training.data.sample import SPLITS
from training.data.sampling import NO_CLASS, emotion_classes
from training.errors import DatasetError, RecipeError
from training.losses.age_classes import ADIENCE

PEOPLE = 50
"""As many as the paper's subset of LFW has."""
_LEAST_GROUPS = 3
_CHOOSING_SHARE = 10
"""Where a set has no test part, one in so many training faces chooses, and the validation part measures."""

TASKS: Mapping[str, str] = {
    "emotion": "ferplus",
    "age_group": "utkface",
    "gender": "utkface",
    "identity": "ckplus",
    "smile": "genki4k",
}
"""Task -> the set it is learned from, unless another is named."""

Positions = npt.NDArray[np.int64]
Targets = npt.NDArray[np.float32]
Labelled = tuple[tuple[str, ...], Targets]
"""Names of the classes, and each picture's row of shares, NaN where it has no label."""


@dataclass(frozen=True, slots=True, eq=False)
class TaskFaces:
    """A set seen by one task.

    Attributes:
        task: Its name.
        labels: Names of the classes.
        faces: The set.
        targets: float32 (N, classes), shares that sum to 1; NaN where a picture has no label.
        positions: "train", "validation" (chooses) and "test" (measures) -> int64 positions in the set.
    """

    task: str
    labels: tuple[str, ...]
    faces: PreparedFaces
    targets: Targets
    positions: Mapping[str, Positions]

    def truth(self, part: str) -> npt.NDArray[np.int64]:
        """Return the right class of a part's pictures, int64 (N,)."""
        return self.targets[self.positions[part]].argmax(axis=1)


def task_faces(task: str, faces: PreparedFaces, limit: int = 0, people: int = PEOPLE) -> TaskFaces:
    """Return what a task learns from a set.

    Args:
        task: One of `TASKS`.
        faces: The set.
        limit: Most training faces, spread evenly over the set; 0 takes all.
        people: How many people the identity task tells apart.

    Raises:
        RecipeError: No such task.
        DatasetError: The set lacks the task's labels, or has a single class.
    """
    if task not in TASKS:
        raise RecipeError(f"task: expected one of {', '.join(TASKS)}, found {task!r}")
    if task == "identity":
        labels, classes, positions = _identity(faces, people)
        targets = _rows(classes, len(labels))
    else:
        labels, targets = _READERS[task](faces)
        positions = _parts(faces, np.isfinite(targets).all(axis=1))
    positions = {**positions, "train": _spread(positions["train"], limit)}
    found = TaskFaces(task, labels, faces, targets, positions)
    _check(found)
    return found


def _check(found: TaskFaces) -> None:
    for part, positions in found.positions.items():
        if not len(positions):
            raise DatasetError(
                f"{found.faces.name}: expected faces with a label of {found.task} in {part}, found none; name another set"
            )
    classes = np.unique(found.truth("train"))
    if len(classes) < 2:
        raise DatasetError(
            f"task {found.task}: expected training faces of at least two classes in {found.faces.name}, "
            f"found only {found.labels[int(classes[0])]!r}; name another set"
        )


def _emotion(faces: PreparedFaces) -> Labelled:
    return EMOTIONS, faces.emotion


def _gender(faces: PreparedFaces) -> Labelled:
    return GENDERS, _binary(faces.female)


def _smile(faces: PreparedFaces) -> Labelled:
    return SMILES, _binary(faces.smile)


def _age_group(faces: PreparedFaces) -> Labelled:
    middle = (faces.age_low_years + faces.age_high_years) / 2
    years = np.where(np.isnan(faces.age_years), middle, faces.age_years)
    starts = [(before[1] + after[0]) / 2 for before, after in pairwise(ADIENCE)]
    classes = np.where(np.isnan(years), NO_CLASS, np.digitize(np.nan_to_num(years), starts))
    labels = tuple(f"{low} to {high}" for low, high in ADIENCE[:-1])
    return (*labels, "60 and over"), _rows(classes, len(ADIENCE))


_READERS: Mapping[str, Callable[[PreparedFaces], Labelled]] = {
    "emotion": _emotion,
    "age_group": _age_group,
    "gender": _gender,
    "smile": _smile,
}


def _identity(
    faces: PreparedFaces, people: int
) -> tuple[tuple[str, ...], npt.NDArray[np.int64], dict[str, Positions]]:
    """Return the people's names, each picture's person (`NO_CLASS`: none of them), and the parts."""
    expressions = emotion_classes(faces, np.arange(len(faces)))
    groups: dict[str, dict[str, list[int]]] = {}
    for position, (person, expression) in enumerate(zip(faces.subject.tolist(), expressions, strict=True)):
        group = f"expression {expression}" if expression != NO_CLASS else f"picture {position}"
        groups.setdefault(person, {}).setdefault(group, []).append(position)
    usable = [person for person, own in groups.items() if len(own) >= _LEAST_GROUPS]
    if len(usable) < 2:
        raise DatasetError(
            f"task identity: expected at least two people with {_LEAST_GROUPS} expressions or pictures in {faces.name}, "
            f"found {len(usable)}; name another set"
        )
    usable.sort(key=lambda person: (-sum(map(len, groups[person].values())), person))
    chosen = sorted(usable[:people])
    classes = np.full(len(faces), NO_CLASS, np.int64)
    parts: dict[str, list[int]] = {part: [] for part in SPLITS}
    for number, person in enumerate(chosen):
        ordered = sorted(groups[person], key=lambda group: _hashed(f"{person} {group}"))
        held_out = max(1, len(ordered) // 5)
        for place, group in enumerate(ordered):
            part = "test" if place < held_out else "validation" if place < 2 * held_out else "train"
            parts[part] += groups[person][group]
            classes[groups[person][group]] = number
    return tuple(chosen), classes, {part: np.array(sorted(own), np.int64) for part, own in parts.items()}


def _parts(faces: PreparedFaces, labelled: npt.NDArray[np.bool_]) -> dict[str, Positions]:
    found = {part: faces.where(part)[labelled[faces.where(part)]] for part in SPLITS}
    if not len(found["test"]):
        chosen = np.array([int(_hashed(name), 16) % _CHOOSING_SHARE == 0 for name in faces.subject], bool)
        found["test"] = found["validation"]
        found["validation"] = found["train"][chosen[found["train"]]]
        found["train"] = found["train"][~chosen[found["train"]]]
    return found


def _spread(positions: Positions, limit: int) -> Positions:
    if not limit or len(positions) <= limit:
        return positions
    return positions[np.linspace(0, len(positions) - 1, limit).astype(np.int64)]


def _binary(values: npt.NDArray[np.float32]) -> Targets:
    return _rows(np.where(np.isnan(values), NO_CLASS, np.nan_to_num(values)).astype(np.int64), 2)


def _rows(classes: npt.NDArray[np.int64], count: int) -> Targets:
    rows = np.eye(count, dtype=np.float32)[np.maximum(classes, 0)]
    rows[classes == NO_CLASS] = np.nan
    return rows


def _hashed(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()[:8]
