from __future__ import annotations

import numpy as np
import pytest

from tests.training.made_faces import made_faces
from training.evaluation import emotion_confusion, figures, group_figures
from training.metrics import (
    confusion,
    expected_calibration_error,
    macro_f1_with_interval,
    mean_with_interval,
    top_hits,
)


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


def test_top_hits() -> None:
    probs = np.float32([[0.5, 0.3, 0.2], [0.5, 0.3, 0.2]])

    assert top_hits(probs, np.array([1, 2]), 2).tolist() == [True, False]


def test_calibration_error_of_certain_and_half_right_answers() -> None:
    certain = np.float32([[1, 0], [1, 0]])

    assert expected_calibration_error(certain, np.array([0, 0])) == pytest.approx(0)
    assert expected_calibration_error(certain, np.array([0, 1])) == pytest.approx(0.5)


def test_macro_f1_weighs_classes_alike() -> None:
    truth, said = np.array([0] * 9 + [1]), np.array([0] * 10)

    figure = macro_f1_with_interval(confusion(truth, said, 3))

    assert figure.value == pytest.approx((18 / 19) / 2), "the third class is absent from the truth"
    assert 0.4 < figure.low <= figure.value <= figure.high == 1, "a resample without the rare class scores 1"


def test_figures_follow_the_labels_of_the_set() -> None:
    faces = made_faces("utkface", 24)
    positions = np.arange(24)
    said = {
        "age_years": faces.age_years + 6,
        "female": np.where(faces.age_years < 16, 1 - faces.female, faces.female),
    }

    measured = figures(faces, positions, said)

    assert set(measured) == {
        "age_error",
        "age_within_5_years",
        "gender_accuracy",
        "gender_accuracy_16_and_over",
    }
    assert measured["age_error"].value == pytest.approx(6)
    assert measured["age_within_5_years"].value == 0
    assert measured["gender_accuracy_16_and_over"].value == 1
    assert measured["gender_accuracy"].value == pytest.approx(0.75)
    groups = group_figures(faces, positions, said)
    assert groups["gender_accuracy_3_to_9"].value == 0
    assert groups["age_error_20_to_29"].count == 3


def test_confusion_rows_are_the_majority_vote() -> None:
    faces = made_faces("ferplus", 8)
    said = {"emotion": np.roll(faces.emotion, 1, axis=1)}

    counts = emotion_confusion(faces, np.arange(8), said)

    assert counts is not None
    assert np.array_equal(counts, np.roll(np.eye(8, dtype=int), 1, axis=1))
    assert emotion_confusion(made_faces("genki4k", 8), np.arange(8), said) is None
