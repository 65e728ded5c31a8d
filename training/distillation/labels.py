"""Labels that a teacher gave to the training faces of a set, on disk and as arrays for the batches."""

from __future__ import annotations

import zipfile
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import numpy as np
import numpy.typing as npt

from engines.card import LABELS
from training.data.prepared import PreparedFaces
from training.data.sample import LABEL_OF
from training.errors import RecipeError

Floats = npt.NDArray[np.float32]

FEATURES = "features"
PREFIX = "distilled_"
"""A task's distilled labels stand in a batch under this prefix and the task's name."""


@dataclass(frozen=True, slots=True)
class Selection:
    """Which of a teacher's labels a student learns from.

    Attributes:
        of: "missing": only where the set itself has no label of the task (data distillation); "all": everywhere
            (knowledge distillation).
        confidence: Least probability of the teacher's first class; rows below it are left out. Not used for age.
        age_std_years: Largest deviation of the teacher's age distribution; rows above it are left out.
        hard: Only the first class counts, as in the paper; False keeps the probabilities.
        emotion_sets: Sets whose emotions the teacher may say, those like the ones it learned from; empty for all.
    """

    of: Literal["missing", "all"] = "all"
    confidence: float = 0.0
    age_std_years: float = 100.0
    hard: bool = False
    emotion_sets: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        if self.of not in ("missing", "all"):
            raise ValueError(f"of: expected missing or all, found {self.of!r}")
        if not 0 <= self.confidence <= 1 or self.age_std_years <= 0:
            raise ValueError(
                f"confidence, age_std_years: expected 0 to 1 and above 0, found {self.confidence}, {self.age_std_years}"
            )


def save_labels(folder: Path, name: str, labels: dict[str, Floats]) -> None:
    """Write one set's labels.

    Args:
        folder: Where `<name>.npz` goes.
        name: The set.
        labels: Task -> float32 (N, classes), rows of NaN where the teacher was not asked; perhaps `FEATURES`.
    """
    folder.mkdir(parents=True, exist_ok=True)
    partial = folder / f"{name}.partial.npz"
    np.savez_compressed(partial, **{task: rows.astype(np.float16) for task, rows in labels.items()})
    partial.replace(folder / f"{name}.npz")


def load_labels(folder: Path, faces: PreparedFaces) -> dict[str, Floats]:
    """Return one set's labels as `save_labels` wrote them.

    Raises:
        RecipeError: No labels of this set, damaged ones, or of another number of faces.
    """
    path = folder / f"{faces.name}.npz"
    try:
        with path.open("rb") as stream, np.load(stream, allow_pickle=False) as arrays:
            labels = {task: arrays[task].astype(np.float32) for task in arrays}
    except (OSError, ValueError, zipfile.BadZipFile) as error:
        raise RecipeError(
            f"{path}: expected distilled labels, found none that can be read ({error}); run `python -m training label`"
        ) from error
    wrong = [task for task, rows in labels.items() if rows.ndim != 2 or len(rows) != len(faces)]
    if wrong or not set(labels) & set(LABELS):
        raise RecipeError(
            f"{path}: expected a row for each of {len(faces)} faces, found {wrong or 'no task'}; label the set again"
        )
    return labels


def selected(labels: dict[str, Floats], faces: PreparedFaces, selection: Selection) -> dict[str, Floats]:
    """Return batch name -> rows of the labels that a student learns from; the others are NaN.

    Args:
        labels: As `load_labels` gives them.
        faces: The set.
        selection: Which.
    """
    chosen: dict[str, Floats] = {}
    for name, rows in labels.items():
        rows = rows.copy()
        if name in LABELS:
            rows[~_kept(name, rows, faces, selection)] = np.nan
            if selection.hard:
                rows = _first_class_only(rows)
        chosen[PREFIX + name] = rows
    return chosen


def _kept(task: str, rows: Floats, faces: PreparedFaces, selection: Selection) -> npt.NDArray[np.bool_]:
    if task == "emotion" and selection.emotion_sets and faces.name not in selection.emotion_sets:
        return np.zeros(len(rows), np.bool_)
    given = np.asarray(getattr(faces, LABEL_OF[task]))
    labelled = ~np.isnan(given.reshape(len(rows), -1)).any(axis=1)
    asked = ~np.isnan(rows).any(axis=1)
    if task == "age":
        years = np.arange(rows.shape[1])
        mean = rows @ years
        sure = np.sqrt(np.maximum(rows @ years**2 - mean**2, 0)) <= selection.age_std_years
    else:
        sure = np.nan_to_num(rows).max(axis=1) >= selection.confidence
    return asked & sure & ~(labelled & (selection.of == "missing"))


def _first_class_only(rows: Floats) -> Floats:
    hard = np.full_like(rows, np.nan)
    asked = np.flatnonzero(~np.isnan(rows).any(axis=1))
    hard[asked] = 0
    hard[asked, rows[asked].argmax(axis=1)] = 1
    return hard


def teacher_width(folder: Path, name: str) -> int:
    """Return how many numbers a teacher's features of a face have.

    Args:
        folder: What `python -m training label` wrote.
        name: One of the sets in it.

    Raises:
        RecipeError: It was labelled without features.
    """
    path = folder / f"{name}.npz"
    try:
        with path.open("rb") as stream, np.load(stream, allow_pickle=False) as arrays:
            return int(arrays[FEATURES].shape[1])
    except (OSError, ValueError, KeyError) as error:
        raise RecipeError(
            f"{path}: expected a teacher's features, found none ({error}); label with --features or set loss.feature_weight=0"
        ) from error
