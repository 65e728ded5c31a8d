"""When the second opinion is asked, and what it gains: chosen and measured on different held-out faces.

The network has seen the training faces, so that its close calls there are of another kind (the gaps that are best on them
are a quarter of those that are best on held-out faces). The gaps are therefore chosen on held-out faces, and their gain is
measured in ten folds: the gaps of each fold come from the nine others. What is shipped has the gaps of all folds.

A machine knows which emotion is more frequent, which alone wins close calls. So the same is done with a rule that looks at
no face: of the emotions in question, the most frequent one in training.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from engines.card import EMOTIONS
from engines.second_opinion import NOT_ASKED, Machines, SecondOpinion
from training.measuring.significance import McNemar, PairedDifference, mcnemar, paired_bootstrap
from training.studies.second_opinion.faces import Floats, Ints, MovingFaces

GAPS = tuple(round(0.02 * step, 2) for step in range(21))
FOLDS = 10
_SEED = 7

Answer = Callable[[float, float], Ints]
"""Gaps for pairs and triples -> the emotion said of each face, `NOT_ASKED` where none is."""


@dataclass(frozen=True, slots=True, eq=False)
class Gain:
    """What asking changes.

    Attributes:
        pair_gap: Chosen on all faces.
        triple_gap: Chosen on all faces.
        asked: How many of the faces were asked about, in the folds.
        changed: How many of those were given another emotion.
        right: Share of those asked about that were right.
        network_right: Share of the same faces that the network alone got right.
        before: bool (N,), whether the network was right.
        after: bool (N,), whether network and second opinion were.
        difference: Accuracy after minus before, with a 95% interval.
        test: McNemar's test of after against before.
    """

    pair_gap: float
    triple_gap: float
    asked: int
    changed: int
    right: float
    network_right: float
    before: npt.NDArray[np.bool_]
    after: npt.NDArray[np.bool_]
    difference: PairedDifference
    test: McNemar

    def as_dict(self) -> dict[str, float | int]:
        """Return the figures for a card."""
        shares = {"right_where_asked": self.right, "network_right_where_asked": self.network_right}
        return {
            "count": len(self.before),
            "asked": self.asked,
            "changed": self.changed,
            **{name: round(share, 4) for name, share in shares.items() if self.asked},
            "accuracy_network": round(float(self.before.mean()), 5),
            "accuracy_with_opinion": round(float(self.after.mean()), 5),
            "gain": round(self.difference.difference, 5),
            "gain_low": round(self.difference.low, 5),
            "gain_high": round(self.difference.high, 5),
            "only_network_right": self.test.second_only,
            "only_opinion_right": self.test.first_only,
            "mcnemar_p": round(self.test.p_value, 5),
        }


def machine_answer(machines: Machines, emotion: Floats, movements: Floats) -> Answer:
    """Return the machines as a rule that can be asked with any gaps."""
    return lambda pair_gap, triple_gap: SecondOpinion(machines, pair_gap, triple_gap).answers(
        emotion, movements
    )


def frequency_answer(training: MovingFaces, emotion: Floats, movements: Floats) -> Answer:
    """Return the rule that takes the most frequent emotion in question and looks at no face.

    It speaks of the same faces as the machines would: those whose movements are known.
    """
    counts = np.bincount(training.emotion, minlength=len(EMOTIONS))
    known = np.isfinite(movements).all(axis=1)

    def answer(pair_gap: float, triple_gap: float) -> Ints:
        top = np.argsort(-emotion, axis=1, kind="stable")[:, :3]
        first, second, third = np.take_along_axis(emotion, top, axis=1).T
        closer = first - third < triple_gap
        frequent = np.where(closer[:, None] | (np.arange(3) < 2), counts[top], -1).argmax(axis=1)
        said = top[np.arange(len(top)), frequent]
        return np.where((closer | (first - second < pair_gap)) & known, said, NOT_ASKED)

    return answer


def measured_gain(answer: Answer, emotion: Floats, truth: Ints) -> Gain:
    """Choose the gaps and measure the gain on held-out faces.

    Args:
        answer: The rule.
        emotion: float32 (N, 8), the network's probabilities.
        truth: int64 (N,).
    """
    network = emotion.argmax(axis=1)
    grid = list(itertools.product(GAPS, GAPS))
    said = np.stack([answer(*gaps) for gaps in grid]).astype(np.int8)
    hits = np.where(said == NOT_ASKED, network, said) == truth
    folds = np.random.default_rng(_SEED).permutation(len(truth)) % FOLDS
    chosen = np.zeros(len(truth), dtype=np.int64)
    for fold in range(FOLDS):
        chosen[folds == fold] = _best(hits[:, folds != fold])
    everyone = np.arange(len(truth))
    return _gain(grid[_best(hits)], said[chosen, everyone].astype(np.int64), network, truth)


def fixed_gain(answer: Answer, gaps: tuple[float, float], emotion: Floats, truth: Ints) -> Gain:
    """Measure the gain with gaps that were chosen elsewhere; see `measured_gain`."""
    return _gain(gaps, answer(*gaps), emotion.argmax(axis=1), truth)


def _best(hits: npt.NDArray[np.bool_]) -> int:
    """Return the first, smallest gaps of those with the most hits."""
    return int(hits.sum(axis=1).argmax())


def _gain(gaps: tuple[float, float], said: Ints, network: Ints, truth: Ints) -> Gain:
    asked = said != NOT_ASKED
    before, after = network == truth, np.where(asked, said, network) == truth
    return Gain(
        pair_gap=gaps[0],
        triple_gap=gaps[1],
        asked=int(asked.sum()),
        changed=int((asked & (said != network)).sum()),
        right=float(after[asked].mean()) if asked.any() else float("nan"),
        network_right=float(before[asked].mean()) if asked.any() else float("nan"),
        before=before,
        after=after,
        difference=paired_bootstrap(after, before),
        test=mcnemar(after, before),
    )
