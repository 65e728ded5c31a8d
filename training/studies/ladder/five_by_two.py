"""Dietterich's 5x2 test of two students, each trained ten times on faces that their teacher never saw.

The teacher knows the training faces whole, so halves are made of the validation faces: five times two, no person in both, each
half once for training and once for measuring.
"""

from __future__ import annotations

import json
from dataclasses import asdict
from pathlib import Path

import numpy as np

from training.blocks.multi_task import MultiTaskNet
from training.errors import RecipeError
from training.measuring.significance import FiveByTwo, five_by_two
from training.protocols.folds import Fold
from training.protocols.repeated_halves import halvings
from training.studies.ladder.faces import Faces, LadderFaces, chooses
from training.studies.ladder.results import face_scores
from training.studies.ladder.rows import ROWS, STUDENTS, Ladder
from training.studies.ladder.settings import Settings

FOLDER = "five_by_two"
_SEED = 1


def compare_students(
    settings: Settings, faces: Faces, net: MultiTaskNet, out: Path, rows: tuple[str, str]
) -> FiveByTwo:
    """Train both students on each half and test the difference of their scores on the other (Dietterich 1998, section 3.5).

    Args:
        settings: Of the ladder.
        faces: That the teacher was not trained on.
        net: The teacher.
        out: The ladder's folder; students in `FOLDER` below it are not trained again, and the result is written there.
        rows: Two keys of `training.studies.ladder.rows.STUDENTS`.

    Returns:
        The test; its difference is a share of hits, or years of error taken away, above 0 where the first is better.

    Raises:
        RecipeError: A row is no student, or the folder holds students of other settings.
        DatasetError: There is one person only.
    """
    for row in rows:
        if row not in STUDENTS:
            raise RecipeError(f"--five-by-two: expected two of {', '.join(STUDENTS)}, found {row!r}")

    def difference(fold: Fold) -> float:
        cut = _cut(faces, fold)
        ladder = Ladder(settings, cut, net, out / FOLDER / fold.name)
        first, second = (
            face_scores(settings.task, ladder.outcome(row, _SEED).said, cut.measured).mean() for row in rows
        )
        return float(first - second)

    everyone = np.arange(len(faces))
    found = five_by_two([[difference(fold) for fold in pair] for pair in halvings(faces.subject, everyone)])
    content = {"settings": asdict(settings), "rows": rows, "faces": len(faces), **asdict(found)}
    (out / FOLDER / f"{rows[0]}-{rows[1]}.json").write_text(json.dumps(content, indent=1) + "\n")
    return found


def told(found: FiveByTwo, settings: Settings, rows: tuple[str, str]) -> str:
    """Return a comparison in words."""
    scale, unit = (1, "years") if settings.task == "age" else (100, "points")
    return (
        f"{ROWS[rows[0]]} better than {ROWS[rows[1]]} by {scale * found.mean_difference:+.2f} {unit} on average of ten trainings "
        f"each; 5x2 cv t {found.t:.2f}, p {found.p_value:.3f}"
    )


def _cut(faces: Faces, fold: Fold) -> LadderFaces:
    """Return a fold's faces; a tenth of its training people choose, as in the ladder."""
    choosing = chooses(faces.subject[fold.train])
    return LadderFaces(
        training=faces.at(fold.train[~choosing]),
        choosing=faces.at(fold.train[choosing]),
        measured=faces.at(fold.test),
    )
