"""Cross-data-set tests: trained on one set, tested on another that was never seen.

Hosseini, Shabani, Cho: Distill-2MD-MTL, section 4.3.2 of the thesis (table 4.15) trains on all of CK+ and tests on FER2013.
We train on the source's training split and also test on its own held-out pictures: the difference is the price of
another data set.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from engines.card import EMOTIONS
from training.data.prepared import PreparedFaces
from training.errors import DatasetError
from training.measuring.answers import Decoded
from training.measuring.evaluation import figures
from training.measuring.metrics import Figure, accuracy_with_interval, weighted_accuracy_with_interval
from training.measuring.report_tables import Table, figure_name
from training.measuring.resampling import resampling
from training.protocols.folds import Positions

PredictSet = Callable[[PreparedFaces, Positions], Decoded]
"""Decoded predictions of some pictures of any set."""

Train = Callable[[str], PredictSet]
"""Trains on the named set alone."""


@dataclasses.dataclass(frozen=True, slots=True)
class CrossTest:
    """One source tested on one target.

    Attributes:
        source: Set that was trained on.
        target: Set that was tested on.
        figures: Figure name -> figure; besides those of `training.measuring.evaluation.figures`
            emotion_accuracy_shared_classes and emotion_weighted_accuracy_shared_classes, over the pictures whose class
            both sets have, choosing among these classes only (CK+ has no neutral faces to learn from).
    """

    source: str
    target: str
    figures: dict[str, Figure]

    def as_dict(self) -> dict[str, Any]:
        """Return everything as JSON has it."""
        measured = {key: figure.as_dict() for key, figure in self.figures.items()}
        return {"source": self.source, "target": self.target, "figures": measured}


def cross_data_sets(
    sets: Mapping[str, PreparedFaces], train: Train, split: str = "validation"
) -> tuple[CrossTest, ...]:
    """Train on every set alone and test it on every set, its own held-out pictures included.

    Args:
        sets: At least two.
        train: The method.
        split: Of the targets; the same pictures for every source.

    Raises:
        DatasetError: Fewer than two sets, or an empty split.
    """
    if len(sets) < 2:
        raise DatasetError(f"cross-data-set: expected at least two sets, found {', '.join(sets) or 'none'}")
    for faces in sets.values():
        faces.require("train", split)
    found = []
    for source in sets:
        predict = train(source)
        for target, faces in sets.items():
            positions = faces.where(split)
            said = predict(faces, positions)
            measured = figures(faces, positions, said)
            if "emotion" in said:
                measured |= shared_class_figures(faces, positions, said["emotion"], classes_of(sets[source]))
            found.append(CrossTest(source, target, measured))
    return tuple(found)


def classes_of(faces: PreparedFaces) -> npt.NDArray[np.int64]:
    """Return the emotion classes that a set has at least one training picture of, by majority vote."""
    votes = faces.emotion[faces.where("train")]
    found: npt.NDArray[np.int64] = np.unique(votes[~np.isnan(votes).any(axis=1)].argmax(axis=1))
    return found


def shared_class_figures(
    faces: PreparedFaces,
    positions: Positions,
    probs: npt.NDArray[np.float32],
    learned: npt.NDArray[np.int64],
) -> dict[str, Figure]:
    """Return accuracy and weighted accuracy over pictures of learned classes, choosing among the shared ones.

    Args:
        faces: The target.
        positions: Its pictures.
        probs: float32 (N, 8).
        learned: Classes that the source teaches.
    """
    votes = faces.emotion[positions]
    labelled = ~np.isnan(votes).any(axis=1)
    truth = np.nan_to_num(votes).argmax(axis=1)
    shared = np.intersect1d(learned, truth[labelled])
    chosen = labelled & np.isin(truth, shared)
    if not chosen.any():
        return {}
    allowed = np.where(np.isin(np.arange(len(EMOTIONS)), shared), probs[chosen], -np.inf)
    truth, said = truth[chosen], allowed.argmax(axis=1)
    draws = resampling(faces.subject[positions][chosen])
    return {
        "emotion_accuracy_shared_classes": accuracy_with_interval(truth, said, draws),
        "emotion_weighted_accuracy_shared_classes": weighted_accuracy_with_interval(truth, said, draws),
    }


def cross_table(tests: Sequence[CrossTest], keys: Sequence[str]) -> Table:
    """Return one source and target a row, for the figures that are asked for and there."""
    shown = [key for key in keys if any(key in test.figures for test in tests)]
    rows = [
        (f"{test.source} -> {test.target}", *(str(test.figures.get(key, "")) for key in shown))
        for test in tests
    ]
    return Table(("trained -> tested", *(figure_name(key) for key in shown)), tuple(rows))
