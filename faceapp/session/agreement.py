"""Agreement between annotators, and with the network: kappa, alpha, intraclass correlation.

Cohen's kappa comes from scikit-learn, Fleiss' kappa from statsmodels, Krippendorff's alpha from krippendorff (extra
`statistics`). The intraclass correlations are our own: the one kept library that has them is under the GPL and brings
two plotting libraries.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import combinations
from typing import Any, Literal

import numpy as np
import numpy.typing as npt

from faceapp.errors import SessionError
from faceapp.session.annotation_compare import (
    NOTHING,
    STEP_S,
    Labels,
    annotator_labels,
    leave_out,
    moments_of,
    network_labels,
)
from faceapp.session.face_rows import emotion_columns, with_face_edits
from faceapp.session.reader import Session
from faceapp.session.segments import gap_of

NETWORK = "network"
Level = Literal["nominal", "ordinal", "interval", "ratio"]
Doubles = npt.NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Agreement:
    """How raters agree over a session, moment by moment.

    Attributes:
        raters: Annotators, and "network" where it was asked.
        moments: Moments that were compared.
        left_out: Moments left out for some rater: excluded, the face away, or the program abstained.
        cohen: Pair of raters -> Cohen's kappa over the moments both labelled; NaN where chance explains all.
        fleiss: Fleiss' kappa over the moments that all labelled; NaN with less than two raters.
        alpha: Krippendorff's alpha, which takes missing labels as they are.
        intraclass: Name of the correlation -> its value, where every label is a number; else empty.
    """

    raters: tuple[str, ...]
    moments: int
    left_out: int
    cohen: dict[tuple[str, str], float]
    fleiss: float
    alpha: float
    intraclass: dict[str, float]


def session_agreement(
    session: Session, face: int | None = None, network: bool = False, step_s: float = STEP_S
) -> Agreement:
    """Compare everyone who marked ranges in a session.

    Args:
        session: The session.
        face: Only marks about this face or about all; None takes every mark.
        network: Also compare with the network's most probable emotion of that face. Moments that an annotator did not
            label are then left out for him: silence is no emotion.
        step_s: Seconds between two moments.

    Raises:
        SessionError: Less than two raters, no such face, or a library of the extra is missing.
    """
    authors = sorted(
        {event.author for event in session.events if event.kind == "marker" and not event.is_point}
    )
    moments_s = moments_of(_span(session), step_s)
    labels = {author: annotator_labels(session.events, author, face, moments_s) for author in authors}
    if network:
        labels = {author: [label or None for label in said] for author, said in labels.items()}
        labels[NETWORK] = _network(session, face, moments_s)
    if len(labels) < 2:
        raise SessionError(
            f"{session.folder}: expected ranges by two annotators or more, found {len(authors)}; "
            "mark ranges under another name, or compare with the network"
        )
    kept = {rater: leave_out(said, session.events, face, moments_s) for rater, said in labels.items()}
    return _agreement(kept)


def cohen_kappa(first: Sequence[Any], second: Sequence[Any]) -> float:
    """Return Cohen's kappa (1960) of two raters over the same items; NaN where chance explains all."""
    metrics = _library("sklearn.metrics")
    if len(set(first) | set(second)) < 2:
        return math.nan
    return float(metrics.cohen_kappa_score(list(first), list(second)))


def fleiss_kappa(ratings: Sequence[Sequence[Any]]) -> float:
    """Return Fleiss' kappa (1971).

    Args:
        ratings: One sequence of N labels for each rater.

    Returns:
        NaN without items, or where chance explains all.
    """
    library = _library("statsmodels.stats.inter_rater")
    items = list(zip(*ratings, strict=True))
    if not items or len({label for item in items for label in item}) < 2:
        return math.nan
    table, _categories = library.aggregate_raters(
        np.array([[str(label) for label in item] for item in items])
    )
    return float(library.fleiss_kappa(table, method="fleiss"))


def krippendorff_alpha(ratings: Sequence[Sequence[Any]], level: Level = "nominal") -> float:
    """Return Krippendorff's alpha (2011).

    Args:
        ratings: One sequence of N labels for each rater; None is missing.
        level: Level of measurement; all but "nominal" need numbers.

    Returns:
        NaN where there are no two different labels.
    """
    library = _library("krippendorff")
    known = sorted({label for said in ratings for label in said if label is not None})
    if len(known) < 2:
        return math.nan
    codes = {label: float(position) for position, label in enumerate(known)}
    if level != "nominal":
        codes = {label: float(label) for label in known}
    table = [[math.nan if label is None else codes[label] for label in said] for said in ratings]
    if not any(sum(math.isfinite(value) for value in item) > 1 for item in zip(*table, strict=True)):
        return math.nan
    return float(library.alpha(reliability_data=np.array(table), level_of_measurement=level))


def intraclass_correlations(ratings: npt.ArrayLike) -> dict[str, float]:
    """Return the six intraclass correlations.

    Intraclass correlations: uses in assessing rater reliability (Shrout and Fleiss, 1979), from the mean squares of
    targets (BMS), within targets (WMS), of judges (JMS) and the rest (EMS); with n targets and k judges
    ICC(1,1) = (BMS - WMS) / (BMS + (k - 1) WMS), ICC(2,1) = (BMS - EMS) / (BMS + (k - 1) EMS + k (JMS - EMS) / n),
    ICC(3,1) = (BMS - EMS) / (BMS + (k - 1) EMS), and the same of the mean of k judges.

    Args:
        ratings: (n targets, k judges); targets with a missing number are left out.

    Returns:
        "ICC(1,1)" ... "ICC(3,k)"; NaN with less than two targets or judges.
    """
    table: Doubles = np.asarray(ratings, dtype=np.float64)
    names = ("ICC(1,1)", "ICC(2,1)", "ICC(3,1)", "ICC(1,k)", "ICC(2,k)", "ICC(3,k)")
    table = table[np.isfinite(table).all(axis=1)] if table.ndim == 2 else np.empty((0, 0))
    targets, judges = table.shape
    if targets < 2 or judges < 2:
        return dict.fromkeys(names, math.nan)
    grand, rows, columns = table.mean(), table.mean(axis=1), table.mean(axis=0)
    between = judges * float(((rows - grand) ** 2).sum()) / (targets - 1)
    within = float(((table - rows[:, None]) ** 2).sum()) / (targets * (judges - 1))
    judge = targets * float(((columns - grand) ** 2).sum()) / (judges - 1)
    rest = table - rows[:, None] - columns + grand
    error = float((rest**2).sum()) / ((targets - 1) * (judges - 1))
    bias = judges * (judge - error) / targets
    values = (
        _ratio(between - within, between + (judges - 1) * within),
        _ratio(between - error, between + (judges - 1) * error + bias),
        _ratio(between - error, between + (judges - 1) * error),
        _ratio(between - within, between),
        _ratio(between - error, between + (judge - error) / targets),
        _ratio(between - error, between),
    )
    return dict(zip(names, values, strict=True))


def _agreement(labels: dict[str, Labels]) -> Agreement:
    raters = tuple(labels)
    complete = [item for item in zip(*labels.values(), strict=True) if None not in item]
    cohen = {}
    for first, second in combinations(raters, 2):
        pairs = [(a, b) for a, b in zip(labels[first], labels[second], strict=True) if None not in (a, b)]
        cohen[first, second] = (
            cohen_kappa([a for a, _ in pairs], [b for _, b in pairs]) if pairs else math.nan
        )
    total = len(next(iter(labels.values())))
    return Agreement(
        raters=raters,
        moments=len(complete),
        left_out=total - len(complete),
        cohen=cohen,
        fleiss=fleiss_kappa(list(zip(*complete, strict=True))) if complete else math.nan,
        alpha=krippendorff_alpha(list(labels.values())),
        intraclass=_intraclass(complete),
    )


def _intraclass(items: Sequence[tuple[str | None, ...]]) -> dict[str, float]:
    """Return the correlations where all labels are numbers, moments that nobody labelled left out."""
    labelled = [item for item in items if all(label != NOTHING for label in item)]
    try:
        table = np.array([[float(label or "") for label in item] for item in labelled])
    except ValueError:
        return {}
    return intraclass_correlations(table) if len(table) else {}


def _network(session: Session, face: int | None, moments_s: Doubles) -> Labels:
    rows = with_face_edits(session)
    faces = np.unique(rows.column("face_id"))
    if face is None and len(faces) != 1:
        raise SessionError(
            f"{session.folder}: expected one face to compare the network with, found {len(faces)}; name one"
        )
    chosen = np.flatnonzero(rows.column("face_id") == (faces[0] if face is None else face))
    if not len(chosen):
        raise SessionError(f"{session.folder}: expected face {face} in the table, found none; name another")
    times_s = rows.column("time_s")[chosen]
    return network_labels(times_s, emotion_columns(rows)[chosen], moments_s, gap_of(times_s))


def _span(session: Session) -> tuple[float, float]:
    first = float(session.metadata.get("first_time_s") or 0.0)
    return first, max(first, float(session.metadata.get("last_time_s") or 0.0))


def _ratio(above: float, below: float) -> float:
    return above / below if below else math.nan


def _library(name: str) -> Any:
    from importlib import import_module

    try:
        return import_module(name)
    except ImportError as error:
        raise SessionError(
            f"agreement: expected the library {name.split('.')[0]}, found none; "
            "install it with `pip install 'faceapp[statistics]'`"
        ) from error
