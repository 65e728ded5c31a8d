"""How far each action unit tells the emotions tied to it from calm faces."""

from __future__ import annotations

import numpy as np
from scipy.stats import rankdata

from engines.card import EMOTIONS
from faceapp.tracking.action_units import MEASURED_UNITS
from training.studies.second_opinion.faces import MovingFaces

UnitRow = tuple[str, str, str, float, float, int]
"""Unit, name, emotion, share of pairs in the right order, median intensity, faces of the emotion."""


def unit_table(faces: MovingFaces) -> list[UnitRow]:
    """Return a row for every measured unit and emotion that table 3.1 ties to it.

    The share is the area under the ROC curve: how often a face of the emotion shows more of the unit than a neutral one;
    0.5 is chance.
    """
    calm = faces.movements[faces.seen & (faces.emotion == EMOTIONS.index("neutral"))]
    rows: list[UnitRow] = []
    for number, unit in enumerate(MEASURED_UNITS):
        for name in unit.emotions:
            shown = faces.movements[faces.seen & (faces.emotion == EMOTIONS.index(name)), number]
            share = _ordered_share(shown, calm[:, number])
            rows.append((unit.title, unit.name, name, share, float(np.median(shown)), len(shown)))
    return rows


def _ordered_share(higher: np.ndarray, lower: np.ndarray) -> float:
    if not len(higher) or not len(lower):
        return float("nan")
    ranks = rankdata(np.concatenate([higher, lower]))[: len(higher)].sum()
    return float((ranks - len(higher) * (len(higher) + 1) / 2) / (len(higher) * len(lower)))
