"""Everything a report says about a model on one set."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from training.data.prepared import PreparedFaces
from training.measuring.answers import Answers, Confusion, Decoded, answers, confusions
from training.measuring.evaluation import figures, group_figures
from training.measuring.metrics import Figure
from training.measuring.report_tables import Table, figure_table, group_table
from training.measuring.resampling import RESAMPLES


@dataclass(frozen=True, slots=True, eq=False)
class MeasuredSet:
    """Figures, confusions and answers of a model on pictures of one set.

    Attributes:
        name: The set.
        figures: Figure name -> figure, groups included.
        confusions: Task -> counts.
        answers: Task -> what was said and right.
        by_subject: Whether people have several pictures, so that intervals are by person.
    """

    name: str
    figures: dict[str, Figure]
    confusions: dict[str, Confusion]
    answers: dict[str, Answers]
    by_subject: bool

    def tables(self) -> list[Table]:
        """Return the table of figures and, where there are groups, theirs."""
        groups = group_table(self.name, self.figures)
        return [figure_table(self.name, self.figures), *([groups] if groups else [])]


def measured_set(faces: PreparedFaces, positions: npt.NDArray[np.int64], said: Decoded) -> MeasuredSet:
    """Measure decoded predictions of some pictures of a set."""
    return MeasuredSet(
        name=faces.name,
        figures={**figures(faces, positions, said), **group_figures(faces, positions, said)},
        confusions=confusions(faces, positions, said),
        answers=answers(faces, positions, said),
        by_subject=len(np.unique(faces.subject[positions])) < len(positions),
    )


def intervals_text(measured: Sequence[MeasuredSet]) -> str:
    """Return in one sentence how the intervals were made."""
    people = [found.name for found in measured if found.by_subject]
    drawn = f"pictures; on {', '.join(people)} of people with all their pictures" if people else "pictures"
    return f"95% intervals: {RESAMPLES:,} bootstrap draws of {drawn}."
