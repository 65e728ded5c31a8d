"""How good a label is on what it was not taught with: cross-validated, with an interval and what chance reaches."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from faceapp.errors import SessionError
from faceapp.labels.classifier import Bools, Doubles, fit_scale, fit_sigmoid, fit_weights
from faceapp.labels.examples import Examples
from faceapp.labels.moments import FEWEST_MARKS

FOLDS = 5
APART_S = 5.0
"""What lies nearer than this to a moment that is asked about is not learned from."""
_MOVED = 100
_RESAMPLES = 1000
Places = npt.NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class Judgement:
    """A cross-validated figure.

    Attributes:
        accuracy: Mean of the shares of both classes' moments that were told right, 0 to 1; guessing gives 0.5.
        low: Lower end of its 95% interval, from drawing blocks of 10 s anew.
        high: Upper end.
        chance: What 95 of 100 labellings stay below whose stretches were moved to random times, so that they mean nothing.
        area: Area under the curve of the rates (0.5: guessing).
        shown: Moments that show the label.
        other: Moments that don't.
        grouped_by: "time" (blocks of 10 s) or "session".
    """

    accuracy: float
    low: float
    high: float
    chance: float
    area: float
    shown: int
    other: int
    grouped_by: str

    @property
    def beats_chance(self) -> bool:
        """Whether the whole interval lies above guessing, and the figure above what moved labels reach."""
        return self.low > 0.5 and self.accuracy > self.chance

    def text(self) -> str:
        """Return the figure as one line."""
        verdict = "" if self.beats_chance else ": no better than chance"
        unknown = "other sessions" if self.grouped_by == "session" else "other times"
        return (
            f"{self.accuracy:.0%} right on {unknown} (95% interval {self.low:.0%} to {self.high:.0%}; guessing 50%, "
            f"labels at random times up to {self.chance:.0%}){verdict}"
        )


def require_enough(labels: Bools, label: str, contrast: str | None) -> None:
    """Refuse what can't be judged.

    Raises:
        SessionError: One class is missing or too small.
    """
    other = f"of {contrast!r}" if contrast else "of anything else"
    for count, what in ((int(labels.sum()), f"of {label!r}"), (int((~labels).sum()), other)):
        if count < FEWEST_MARKS:
            found = "none" if count == 0 else str(count)
            raise SessionError(
                f"label {label!r}: expected at least {FEWEST_MARKS} moments {what}, found {found}; mark more, 30 are good"
            )


def require_apart(groups: Places, labels: Bools) -> None:
    """Refuse marks of which none can be left out: all of one group.

    Args:
        groups: int64 (N,), see `faceapp.labels.moments.blocks_of`.
        labels: bool (N,).

    Raises:
        SessionError: They lie in one group.
    """
    if len(np.unique(groups[labels])) < 2:
        raise SessionError(
            "marks: expected them in at least two stretches of 10 s, found all in one; mark more moments, at other times"
        )


def judge(examples: Examples, grouped_by: str = "time") -> tuple[Judgement, tuple[float, float]]:
    """Return the figure, and slope and offset of the sigmoid fitted to the scores of left out moments.

    Args:
        examples: Of both classes.
        grouped_by: "time" or "session".

    Raises:
        SessionError: The label's moments lie in too few groups to leave some out.
    """
    labels = examples.labels
    groups = examples.blocks if grouped_by == "time" else examples.sessions
    folds = _folds(groups, labels)
    labellings = np.stack([labels, *_moved(examples)], axis=1)
    scores = _left_out_scores(examples, folds, labellings)
    accuracies = np.array([_accuracy(scores[:, k], labellings[:, k]) for k in range(labellings.shape[1])])
    if not np.isfinite(scores[:, 0]).all():
        raise SessionError(
            "marks: expected enough moments apart from each other to leave some out, found too few; mark more, at other times"
        )
    low, high = _interval(scores[:, 0], labels, groups)
    judgement = Judgement(
        accuracy=float(accuracies[0]),
        low=low,
        high=high,
        chance=float(np.nanquantile(accuracies[1:], 0.95)),
        area=_area(scores[:, 0], labels),
        shown=int(labels.sum()),
        other=int((~labels).sum()),
        grouped_by=grouped_by,
    )
    return judgement, fit_sigmoid(scores[:, 0], labels)


def _folds(groups: Places, labels: Bools) -> Places:
    """Return each moment's fold; groups with the label are dealt first, so that every fold has some."""
    require_apart(groups, labels)
    showing = np.unique(groups[labels])
    rest = np.setdiff1d(np.unique(groups), showing)
    random = np.random.default_rng(1)
    count = min(FOLDS, len(showing))
    fold_of: dict[int, int] = {}
    for place, group in enumerate([*random.permutation(showing), *random.permutation(rest)]):
        fold_of[int(group)] = place % count
    return np.array([fold_of[int(group)] for group in groups], np.int64)


def _moved(examples: Examples) -> list[Bools]:
    """Return labellings whose stretches lie at random times: as clustered as the real one, and meaningless."""
    order = np.lexsort((examples.times_s, examples.sessions))
    labels, random = examples.labels[order], np.random.default_rng(3)
    padded = np.concatenate([[False], labels, [False]]).astype(int)
    lengths = np.flatnonzero(np.diff(padded) == -1) - np.flatnonzero(np.diff(padded) == 1)
    free = int((~labels).sum())
    moved = []
    for _ in range(_MOVED):
        cuts = np.sort(random.integers(0, free + 1, len(lengths)))
        starts = cuts + np.concatenate([[0], np.cumsum(lengths := random.permutation(lengths))[:-1]])
        line, labelling = np.zeros(len(labels), bool), np.empty(len(labels), bool)
        for start, length in zip(starts, lengths, strict=True):
            line[start : start + length] = True
        labelling[order] = line
        moved.append(labelling)
    return moved


def _left_out_scores(examples: Examples, folds: Places, labellings: Bools) -> Doubles:
    """Return what each moment scores when its fold was left out, for every labelling; NaN where a class was missing."""
    scores = np.full(labellings.shape, np.nan)
    for fold in np.unique(folds):
        asked = folds == fold
        learned = ~asked & ~_near(examples, asked)
        train, test = learned[examples.moments], asked[examples.moments]
        scale = fit_scale(examples.features[train])
        usable = np.array([0 < column.sum() < len(column) for column in labellings[learned].T])
        rows = labellings[examples.moments[train]][:, usable]
        weights, border = fit_weights(scale.apply(examples.features[train]), rows)
        found = scale.apply(examples.features[test]) @ weights - border
        places = examples.moments[test]
        for moment in np.flatnonzero(asked):
            scores[moment, usable] = found[places == moment].mean(axis=0)
    return scores


def _near(examples: Examples, asked: Bools) -> Bools:
    """Return which moments lie within 5 s of one that is asked about."""
    near = np.zeros(len(asked), bool)
    for session in np.unique(examples.sessions[asked]):
        inside = examples.sessions == session
        times_s = examples.times_s[asked & inside]
        gaps_s = np.abs(examples.times_s[inside][:, None] - times_s[None]).min(axis=1)
        near[np.flatnonzero(inside)] = gaps_s < APART_S
    return near


def _accuracy(scores: Doubles, labels: Bools) -> float:
    known = np.isfinite(scores)
    if not (labels & known).any() or not (~labels & known).any():
        return float("nan")
    right = (scores > 0) == labels
    return float(right[labels & known].mean() + right[~labels & known].mean()) / 2


def _area(scores: Doubles, labels: Bools) -> float:
    """Return the chance that a moment with the label scores above one without."""
    yes, no = scores[labels], scores[~labels]
    return float((yes[:, None] > no[None]).mean() + 0.5 * (yes[:, None] == no[None]).mean())


def _interval(scores: Doubles, labels: Bools, groups: Places) -> tuple[float, float]:
    """Return the 95% interval of the accuracy, from groups drawn anew (bootstrap of percentiles)."""
    random = np.random.default_rng(2)
    members = [np.flatnonzero(groups == group) for group in np.unique(groups)]
    found = []
    for _ in range(_RESAMPLES):
        drawn = np.concatenate([members[place] for place in random.integers(0, len(members), len(members))])
        found.append(_accuracy(scores[drawn], labels[drawn]))
    low, high = np.nanquantile(found, [0.025, 0.975])
    return float(low), float(high)
