from __future__ import annotations

import numpy as np
import pytest
from sklearn.metrics import balanced_accuracy_score, f1_score

from training.measuring.metrics import (
    Figure,
    confusion,
    macro_f1_of,
    macro_f1_with_interval,
    mean_with_interval,
    top_hits,
    weighted_accuracy_with_interval,
)
from training.measuring.reliability import (
    calibration_error_with_interval,
    expected_calibration_error,
    reliability_bins,
)
from training.measuring.resampling import resampling


def test_interval_of_a_share_is_near_the_binomial_one() -> None:
    figure = mean_with_interval(np.repeat([1, 0], [800, 200]))

    assert figure.value == 0.8
    half = 1.96 * np.sqrt(0.8 * 0.2 / 1000)
    assert figure.low == pytest.approx(0.8 - half, abs=0.004)
    assert figure.high == pytest.approx(0.8 + half, abs=0.004)
    assert str(figure).startswith("80.00% [77.")


def test_interval_of_nothing_is_not_a_number() -> None:
    figure = mean_with_interval([])

    assert figure.count == 0 and np.isnan(figure.value)
    assert str(figure) == "none"
    assert figure.as_dict() == {"count": 0, "unit": "share"}


def test_three_pictures_of_one_person_are_not_three_pieces_of_evidence() -> None:
    hits = np.repeat([1, 0, 1, 1, 0, 1, 1, 1, 0, 1] * 10, 3)
    people = np.repeat([f"S{number:03d}" for number in range(100)], 3)

    alone = mean_with_interval(hits)
    by_person = mean_with_interval(hits, draws=resampling(people))

    widths = [figure.high - figure.low for figure in (alone, by_person)]
    assert widths[1] / widths[0] == pytest.approx(np.sqrt(3), rel=0.1)
    assert (resampling(people).subjects, resampling(300).subjects) == (100, 300)
    assert by_person.value == alone.value and by_person.count == 300


def test_a_hundred_hits_of_a_hundred_are_not_certainty() -> None:
    hits, misses = (mean_with_interval(np.full(100, value)) for value in (1, 0))

    assert (hits.value, hits.high) == (1, 1) and hits.low == pytest.approx(0.963, abs=1e-3)
    assert (misses.value, misses.low) == (0, 0) and misses.high == pytest.approx(0.037, abs=1e-3)


def test_one_person_alone_gives_no_interval() -> None:
    figure = mean_with_interval([1, 0, 1], draws=resampling(["S010"] * 3))

    assert figure.value == pytest.approx(2 / 3) and figure.count == 3
    assert figure.interval_text() == ""


def test_draws_of_a_part_are_the_same_draws() -> None:
    draws = resampling(50)
    part = np.arange(50) < 20

    assert np.array_equal(draws.chosen(part).counts, draws.counts[:, :20])
    assert draws.chosen(part).subjects == len(draws.chosen(part)) == 20
    assert np.all(draws.counts.sum(axis=1) == 50)


def test_without_resamples_there_is_a_value_and_no_interval() -> None:
    figure = mean_with_interval([1, 0], draws=resampling(2, resamples=0))

    assert figure.value == 0.5 and figure.interval_text() == ""
    assert figure.as_dict() == {"value": 0.5, "count": 2, "unit": "share"}


def test_top_hits() -> None:
    probs = np.float32([[0.5, 0.3, 0.2], [0.5, 0.3, 0.2]])

    assert top_hits(probs, np.array([1, 2]), 2).tolist() == [True, False]


def test_weighted_accuracy_and_macro_f1_are_those_of_scikit_learn() -> None:
    random = np.random.default_rng(3)
    truth = random.choice(5, 400, p=[0.5, 0.3, 0.1, 0.06, 0.04])
    said = np.where(random.random(400) < 0.7, truth, random.integers(0, 5, 400))

    assert weighted_accuracy_with_interval(truth, said).value == pytest.approx(
        balanced_accuracy_score(truth, said)
    )
    figure = macro_f1_of(truth, said)
    assert figure.value == pytest.approx(f1_score(truth, said, average="macro"))
    assert figure.low < figure.value < figure.high
    assert macro_f1_with_interval(confusion(truth, said, 5)).value == pytest.approx(figure.value)


def test_macro_f1_weighs_classes_alike() -> None:
    truth, said = np.array([0] * 9 + [1]), np.array([0] * 10)

    figure = macro_f1_with_interval(confusion(truth, said, 3))

    assert figure.value == pytest.approx((18 / 19) / 2), "the third class is absent from the truth"
    assert 0.4 < figure.low <= figure.value <= figure.high == 1, "a resample without the rare class scores 1"


def test_calibration_error_of_certain_and_half_right_answers() -> None:
    certain = np.float32([[1, 0], [1, 0]])

    assert expected_calibration_error(certain, np.array([0, 0])) == pytest.approx(0)
    assert expected_calibration_error(certain, np.array([0, 1])) == pytest.approx(0.5)


def said_with(confidence: float, accuracy: float, count: int) -> tuple[np.ndarray, np.ndarray]:
    truth = (np.arange(count) >= accuracy * count).astype(np.int64)
    return np.tile(np.float32([confidence, 1 - confidence]), (count, 1)), truth


def test_interval_of_the_calibration_error_holds_the_error_of_noise_alone() -> None:
    random = np.random.default_rng(0)
    confidence = random.uniform(0.5, 1, 600)
    truth = (random.random(600) > confidence).astype(np.int64)
    probs = np.stack([confidence, 1 - confidence], axis=1).astype(np.float32)

    figure = calibration_error_with_interval(probs, truth)

    assert figure.low <= figure.value <= figure.high
    assert figure.value < 0.06 and figure.high < 0.09, "a raw percentile interval would start above the value"


def test_a_confidence_of_nine_tenths_that_hits_six_is_three_tenths_off() -> None:
    probs, truth = said_with(confidence=0.9, accuracy=0.6, count=500)

    figure = calibration_error_with_interval(probs, truth)
    bins = reliability_bins(probs, truth)

    assert figure.value == pytest.approx(0.3, abs=1e-6)
    assert figure.high - figure.low == pytest.approx(2 * 1.96 * np.sqrt(0.6 * 0.4 / 500), rel=0.1)
    assert bins.count.tolist() == [500]
    assert (bins.confidence[0], bins.accuracy[0]) == pytest.approx((0.9, 0.6))


def test_figures_read_in_their_unit() -> None:
    assert str(Figure(5.6, 5.35, 5.87, 1733, "years")) == "5.60 years [5.35, 5.87] (n=1733)"
    assert str(Figure(0.8321, 0.82, 0.844, 3555, "share")) == "83.21% [82.00, 84.40] (n=3555)"
