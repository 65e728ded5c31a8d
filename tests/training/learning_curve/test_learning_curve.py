"""What limits a training: nested shares, gains per doubling, the power law, and a study that goes on."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from tests.training.made_faces import made_faces
from training.errors import RecipeError
from training.studies.learning_curve.faces import hash_order, seen_by_all, with_share
from training.studies.learning_curve.gains import fitted, gains_per_doubling, with_interval
from training.studies.learning_curve.plan import Cell, Plan


def people_of(faces, count: int):
    """Give the faces to so many people, in turns."""
    subject = np.array([f"person {index % count}" for index in range(len(faces.split))])
    return replace(faces, subject=subject, split=np.zeros(len(subject), faces.split.dtype))


def test_shares_are_nested_and_of_whole_people():
    faces = people_of(made_faces("ferplus", 48), 12)
    kept = {share: set(with_share(faces, share).where("train").tolist()) for share in (0.25, 0.5, 1.0)}
    assert kept[0.25] < kept[0.5] < kept[1.0] == set(range(48))
    for positions in kept.values():
        inside = {faces.subject[index] for index in positions}
        outside = {faces.subject[index] for index in set(range(48)) - positions}
        assert not inside & outside
    assert len(kept[0.25]) == 12 and len(kept[0.5]) == 24
    assert set(seen_by_all(faces, 0.25, 5).tolist()) <= kept[0.25]


def test_the_order_does_not_depend_on_the_order_of_the_rows():
    faces = people_of(made_faces("ferplus", 24), 8)
    turned = replace(faces, subject=faces.subject[::-1].copy())
    people = [list(dict.fromkeys(one.subject[hash_order(one)[0]].tolist())) for one in (faces, turned)]
    assert people[0] == people[1]


def test_gain_per_doubling_of_errors_on_a_line():
    generator = np.random.default_rng(1)
    hard = generator.random(400).astype(np.float32)
    errors = [[hard - 0.1 * step] for step in range(3)]
    gain = with_interval(gains_per_doubling((100, 200, 400), errors), np.arange(400).astype(str))
    assert gain.difference == pytest.approx(0.1, abs=1e-6)
    assert gain.faces_low <= 0.1 + 1e-6 and gain.faces_high >= 0.1 - 1e-6


def test_a_power_law_is_found_again_and_needs_four_points():
    amounts = np.array([250, 500, 1000, 2000.0])
    law = fitted(amounts, (0.2 + 0.3 * (amounts / 2000) ** -0.5).tolist())
    assert law.floor == pytest.approx(0.2, abs=1e-3) and law.exponent == pytest.approx(0.5, abs=0.02)
    assert law.at(4) == pytest.approx(0.35, abs=1e-3)
    with pytest.raises(RecipeError, match="expected 4 numbers of faces or more, found 3"):
        fitted(amounts[:3], [0.5, 0.4, 0.3])


def test_a_plan_has_every_training_once():
    plan = Plan(larger=("net=bknet",), corner=True, seeds=(1, 2))
    cells = plan.cells()
    assert len(cells) == len(set(cells)) == 2 * 7
    assert plan.steps_of(Cell(1.0, 0.5)) == 750 and Cell(0.25, 1.0).name == "faces_0.25_steps_1_seed_1"


@pytest.mark.parametrize(
    "wrong", [{"shares": (0.5,)}, {"lengths": (2.0,)}, {"steps": 0}, {"shares": (0.0, 1.0)}]
)
def test_a_plan_that_makes_no_sense_is_refused(wrong: dict[str, object]):
    with pytest.raises(RecipeError, match="expected"):
        Plan(**wrong)  # type: ignore[arg-type]
