from __future__ import annotations

import numpy as np
import pytest
from scipy import stats

from tests.training.made_faces import made_faces
from tests.training.protocol_faces import classifier, with_people
from training.errors import RecipeError
from training.measuring.significance import five_by_two, mcnemar, paired_bootstrap
from training.protocols.repeated_halves import compare_five_by_two, figure_score, halvings


def test_mcnemar_exact_is_the_binomial_test() -> None:
    first = np.repeat([True, False, True], [8, 2, 50])
    second = np.repeat([False, True, True], [8, 2, 50])

    found = mcnemar(first, second)

    assert (found.first_only, found.second_only, found.kind) == (8, 2, "exact")
    assert found.p_value == pytest.approx(2 * stats.binom.cdf(2, 10, 0.5)) == pytest.approx(0.109375)


def test_mcnemar_with_continuity_correction() -> None:
    first = np.repeat([True, False], [40, 20])

    found = mcnemar(first, ~first)

    assert found.kind == "corrected"
    assert found.statistic == pytest.approx((40 - 20 - 1) ** 2 / 60)
    assert found.p_value == pytest.approx(0.0142, abs=1e-4)
    assert mcnemar(first, ~first, "exact").p_value == pytest.approx(found.p_value, rel=0.1)


@pytest.mark.parametrize("kind", ["exact", "corrected"])
def test_equal_answers_are_no_difference(kind: str) -> None:
    assert mcnemar([True, False], [True, False], kind).p_value == 1


def test_five_by_two_is_dietterichs_formula() -> None:
    differences = np.array([[0.03, 0.01], [0.02, 0.02], [0.01, 0.04], [0.0, 0.02], [0.03, 0.03]])

    found = five_by_two(differences)

    variances = [0.0002, 0, 0.00045, 0.0002, 0]
    assert found.t == pytest.approx(0.03 / np.sqrt(np.mean(variances)))
    assert found.p_value == pytest.approx(2 * stats.t.sf(found.t, 5))
    assert found.mean_difference == pytest.approx(0.021)
    assert five_by_two(np.zeros((5, 2))).p_value == 1
    assert five_by_two(np.full((5, 2), -0.1)).t == -np.inf


def test_paired_bootstrap_sees_a_difference_that_is_there_and_none_that_is_not() -> None:
    random = np.random.default_rng(1)
    hits = random.random(400) < 0.7
    better = hits | (random.random(400) < 0.3)

    found = paired_bootstrap(better, hits)
    nothing = paired_bootstrap(hits, hits)

    assert found.difference == pytest.approx(better.mean() - hits.mean())
    assert 0 < found.low < found.difference < found.high and found.p_value < 0.01
    assert (nothing.difference, nothing.p_value) == (0, 1)


def test_paired_bootstrap_draws_people_where_they_are_named() -> None:
    gaps = np.repeat(np.random.default_rng(2).normal(0.1, 1, 40), 5)

    alone = paired_bootstrap(gaps, np.zeros(200))
    people = paired_bootstrap(gaps, np.zeros(200), np.repeat(np.arange(40), 5))

    assert people.high - people.low > 1.8 * (alone.high - alone.low)


def test_lists_of_different_pictures_are_refused() -> None:
    with pytest.raises(RecipeError, match=r"\(3,\) and \(2,\)"):
        mcnemar([True] * 3, [True] * 2)
    with pytest.raises(RecipeError, match=r"\(5, 2\)"):
        five_by_two(np.zeros((2, 5)))


def test_five_halvings_compare_two_ways_of_training() -> None:
    faces = with_people(made_faces("ferplus", 64), pictures=2)
    chosen = np.arange(64)[faces.split != 2]
    pairs = halvings(faces.subject, chosen)
    assert len({tuple(pair[0].test) for pair in pairs}) == 5, "every repetition is another halving"
    assert all(sorted([*pair[0].test, *pair[1].test]) == chosen.tolist() for pair in pairs)

    found = compare_five_by_two(
        faces, chosen, classifier(faces), classifier(faces, 1e-6), figure_score("emotion_accuracy")
    )

    assert found.mean_difference > 0.2


# ensembles
