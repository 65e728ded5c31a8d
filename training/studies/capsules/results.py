"""What the capsule study found: accuracies over seeds, differences with intervals, and an answer to each claim."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from training.measuring.metrics import mean_with_interval
from training.measuring.resampling import resampling
from training.measuring.significance import PairedDifference, paired_bootstrap
from training.studies.capsules.cells import CNN, VARIANTS

Hits = Mapping[str, npt.NDArray[np.float64]]
"""Variant -> share of the seeds that read a face right, (N,)."""

CAPSULES, BEST = "capsnet2", "gf_capsnet2_gabor"
CLAIMS: Sequence[tuple[str, str, str]] = (
    ("one more convolution at the head helps", CAPSULES, "capsnet"),
    ("Gabor responses beside the image help", "gf_capsnet2", CAPSULES),
    ("reconstructing pixels helps", "gf_capsnet2_pixels", "gf_capsnet2"),
    ("reconstruction in Gabor space helps without Gabor responses", "capsnet2_gabor", CAPSULES),
    ("reconstruction in Gabor space helps with Gabor responses", BEST, "gf_capsnet2"),
    ("reconstruction in Gabor space beats that of pixels", BEST, "gf_capsnet2_pixels"),
    ("all modifications together beat the baseline", BEST, "capsnet"),
    ("the spread loss beats cross-entropy", CAPSULES, "capsnet2_cross_entropy"),
    ("capsules beat a CNN of as many parameters", CAPSULES, CNN),
    ("capsules with cross-entropy beat a CNN of as many parameters", "capsnet2_cross_entropy", CNN),
    ("GF-CapsNet beats a CNN of as many parameters", BEST, CNN),
)
"""Claim, the variant that is to be better, and the other."""


@dataclass(frozen=True, slots=True)
class Claim:
    """A claim and what the faces say to it.

    Attributes:
        text: The claim.
        better: Variant that is to be better.
        other: Variant it is compared with.
        difference: Of the shares of hits, averaged over the seeds.
        seeds: The same for each seed.
    """

    text: str
    better: str
    other: str
    difference: PairedDifference
    seeds: tuple[float, ...]

    @property
    def answer(self) -> str:
        """Holds where the interval is above 0 and no seed says otherwise; does not hold where it is below 0."""
        if self.difference.low > 0:
            return "holds" if min(self.seeds) > 0 else "holds on average, not with every seed"
        return "does not hold: it is worse" if self.difference.high < 0 else "can't be told"

    def as_dict(self) -> dict[str, Any]:
        """Return the fields and the answer for JSON."""
        return {**asdict(self), "answer": self.answer}


def accuracy(hits: npt.NDArray[np.float64], subjects: npt.NDArray[Any]) -> dict[str, Any]:
    """Return the accuracy over all seeds with its interval over people, and each seed's.

    Args:
        hits: (seeds, N), 0 or 1.
        subjects: (N,), who the faces show.
    """
    figure = mean_with_interval(hits.mean(axis=0), "share", resampling(subjects))
    return {**asdict(figure), "seeds": hits.mean(axis=1).round(4).tolist()}


def claims(hits: Mapping[str, npt.NDArray[np.float64]], subjects: npt.NDArray[Any]) -> list[Claim]:
    """Return the claims that the trained variants allow to judge.

    Args:
        hits: Variant -> (seeds, N), the same seeds for all.
        subjects: (N,).
    """
    return [
        Claim(
            text, one, other, paired_bootstrap(hits[one].mean(axis=0), hits[other].mean(axis=0), subjects),
            tuple((hits[one] - hits[other]).mean(axis=1).round(4).tolist()),
        )
        for text, one, other in CLAIMS
        if {one, other} <= set(hits)
    ]  # fmt: skip


def loss_by_turning(
    straight: Mapping[str, npt.NDArray[np.float64]],
    turned: Mapping[str, npt.NDArray[np.float64]],
    subjects: npt.NDArray[Any],
    variant: str = CAPSULES,
) -> PairedDifference:
    """Return how much less capsules lose by a rotation than the CNN of as many parameters; above 0 is for the claim.

    Args:
        straight: Variant -> (seeds, N) on upright faces.
        turned: The same on rotated ones.
        subjects: (N,).
        variant: The capsules.
    """
    kept = {name: (turned[name] - straight[name]).mean(axis=0) for name in (variant, CNN)}
    return paired_bootstrap(kept[variant], kept[CNN], subjects)


def table(accuracies: Mapping[str, Mapping[str, Mapping[str, Any]]], columns: Sequence[str]) -> str:
    """Return a table in Markdown, a row a variant, an accuracy in percent with its interval a column.

    Args:
        accuracies: Column -> variant -> of `accuracy`.
        columns: Which, in order.
    """
    lines = ["| network | " + " | ".join(columns) + " |", "|---" * (len(columns) + 1) + "|"]
    for variant in VARIANTS:
        cells = [_percent(accuracies.get(column, {}).get(variant)) for column in columns]
        if any(cells):
            lines.append(f"| {VARIANTS[variant].title} | " + " | ".join(cells) + " |")
    return "\n".join(lines)


def _percent(found: Mapping[str, Any] | None) -> str:
    if found is None:
        return ""
    return f"{100 * found['value']:.1f} ({100 * found['low']:.1f} to {100 * found['high']:.1f})"
