"""Two students compared by Dietterich's test: no person on both sides, as by hand, and never trained twice."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from tests.training.ladder_parts import TINY, tiny_faces, tiny_net
from training.errors import RecipeError
from training.measuring.significance import five_by_two
from training.protocols.repeated_halves import halvings
from training.studies.ladder import rows as ladder_rows
from training.studies.ladder.five_by_two import compare_students, told

ROWS = ("finetuned", "finetuned_longer")


def test_ten_trainings_each_are_compared_and_kept(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    faces, net = tiny_faces(count=1600).measured, tiny_net()
    asked = []
    train = ladder_rows.train_student

    def counted(start, method, training, *others):  # type: ignore[no-untyped-def]
        asked.append(set(training.subject))
        return train(start, method, training, *others)

    monkeypatch.setattr(ladder_rows, "train_student", counted)
    found = compare_students(TINY, faces, net, tmp_path, ROWS)

    differences = []
    for pair, people in zip(
        halvings(faces.subject, np.arange(len(faces))), np.array(asked).reshape(5, 2, 2), strict=True
    ):
        for fold, (one, longer) in zip(pair, people, strict=True):
            tested = faces.at(fold.test)
            assert one == longer and one.isdisjoint(tested.subject), "no one who is measured is trained on"
            scores = []
            for row in ROWS:
                path = tmp_path / "five_by_two" / fold.name / "seed_1" / row / "outcome.npz"
                with np.load(path) as arrays:
                    scores.append((arrays["said"] == tested.labels).mean())
            differences.append(scores[0] - scores[1])
    assert found == five_by_two(np.reshape(differences, (5, 2)))
    kept = json.loads((tmp_path / "five_by_two" / "finetuned-finetuned_longer.json").read_text())
    assert kept["p_value"] == found.p_value and kept["faces"] == len(faces)

    monkeypatch.setattr(ladder_rows, "train_student", lambda *_: pytest.fail("trained again"))
    assert compare_students(TINY, faces, net, tmp_path, ROWS) == found
    assert f"p {found.p_value:.3f}" in told(found, TINY, ROWS)


def test_only_students_are_trained_ten_times(tmp_path: Path) -> None:
    with pytest.raises(RecipeError, match=r"expected two of finetuned, .* found 'combination'"):
        compare_students(TINY, tiny_faces().measured, tiny_net(), tmp_path, ("hint", "combination"))


def test_a_part_of_the_faces_has_all_of_each() -> None:
    faces = tiny_faces().training
    some = faces.at(np.array([3, 0]))
    for name in ("chips", "labels", "votes", "subject"):
        np.testing.assert_array_equal(getattr(some, name), getattr(faces, name)[[3, 0]])
    assert some.spec == faces.spec
