from __future__ import annotations

import dataclasses

import numpy as np
import pytest

from engines.card import EMOTIONS
from tests.training.made_faces import made_faces
from training.measuring.answers import AGE_GROUP_NAMES, confusions
from training.measuring.evaluation import emotion_confusion, figures, group_figures
from training.measuring.resampling import RESAMPLES, resampling

ALL = np.arange(24)


def ages_off_by(years: float, deviation_years: float) -> dict[str, np.ndarray]:
    faces = made_faces("utkface", 24)
    return {
        "age_years": faces.age_years + years,
        "age_std_years": np.full(24, deviation_years, np.float32),
        "female": np.where(faces.age_years < 16, 1 - faces.female, faces.female).astype(np.float32),
    }


def test_figures_follow_the_labels_of_the_set() -> None:
    faces = made_faces("utkface", 24)

    measured = figures(faces, ALL, ages_off_by(6, 4))

    assert set(measured) == {
        "age_error",
        "age_within_5_years",
        "age_coverage_68",
        "age_coverage_95",
        "gender_accuracy",
        "gender_accuracy_16_and_over",
        "gender_calibration_error",
    }
    assert measured["age_error"].value == pytest.approx(6)
    assert measured["age_within_5_years"].value == 0
    assert (measured["age_coverage_68"].value, measured["age_coverage_95"].value) == (0, 1), (
        "4 < 6 < 1.96 x 4"
    )
    assert measured["gender_accuracy_16_and_over"].value == 1
    assert measured["gender_accuracy"].value == pytest.approx(0.75)
    assert measured["gender_calibration_error"].value == pytest.approx(0.25), "always certain, 1 in 4 wrong"


def test_groups_of_age_and_race_have_age_and_gender_figures() -> None:
    groups = group_figures(made_faces("utkface", 24), ALL, ages_off_by(4, 1))

    assert groups["gender_accuracy_3_to_9"].value == 0
    assert groups["age_error_20_to_29"].count == 3
    assert groups["age_within_5_years_20_to_29"].value == 1
    assert groups["gender_accuracy_race_0"].value == 0.5 and groups["gender_accuracy_race_4"].value == 1
    assert groups["age_error_race_4"].value == pytest.approx(4)
    assert "age_error_0_to_2" not in groups, "nobody of that age"


def test_emotion_has_recall_for_every_class_there_is() -> None:
    faces = made_faces("ferplus", 24)
    probs = faces.emotion.copy()
    probs[faces.emotion[:, 4] == 1] = np.eye(8)[5]

    measured = figures(faces, ALL, {"emotion": probs})

    recalls = {name: measured[f"emotion_recall_{name}"].value for name in EMOTIONS}
    assert recalls == {name: float(name != "anger") for name in EMOTIONS}
    assert measured["emotion_accuracy"].value == measured["emotion_weighted_accuracy"].value == 7 / 8
    assert measured["emotion_macro_f1"].value == pytest.approx((6 + 2 / 3) / 8)
    assert measured["emotion_recall_fear"].count == 3


def test_smile_is_balanced_over_its_two_classes() -> None:
    faces = made_faces("genki4k", 24)
    chosen = np.flatnonzero((faces.smile == 1) | (np.arange(24) % 8 == 0))

    measured = figures(faces, chosen, {"smile": np.full(len(chosen), 0.9, np.float32)})

    assert measured["smile_accuracy"].value == pytest.approx(12 / 15)
    assert measured["smile_balanced_accuracy"].value == pytest.approx(0.5)
    assert measured["smile_calibration_error"].value == pytest.approx(0.1)


def test_intervals_are_by_person_where_the_set_names_people() -> None:
    alone = made_faces("ckplus", 24)
    people = dataclasses.replace(alone, subject=np.repeat(["S010", "S011", "S012"], 8))
    said = {"emotion": np.where(np.arange(24)[:, None] < 8, alone.emotion, np.roll(alone.emotion, 1, axis=1))}

    by_picture, by_person = (figures(faces, ALL, said)["emotion_accuracy"] for faces in (alone, people))

    assert by_picture.value == by_person.value == pytest.approx(1 / 3)
    assert by_person.high - by_person.low > 1.5 * (by_picture.high - by_picture.low)


def test_intervals_can_be_spared() -> None:
    faces = made_faces("utkface", 24)

    for measured in (figures, group_figures):
        plain = measured(faces, ALL, ages_off_by(6, 4), intervals=False)
        full = measured(faces, ALL, ages_off_by(6, 4))
        assert {name: figure.value for name, figure in plain.items()} == {
            name: figure.value for name, figure in full.items()
        }
        assert all(np.isnan(figure.low) for figure in plain.values())
    assert len(resampling(3).counts) == RESAMPLES


def test_confusion_rows_are_the_majority_vote() -> None:
    faces = made_faces("ferplus", 8)
    said = {"emotion": np.roll(faces.emotion, 1, axis=1)}

    counts = emotion_confusion(faces, np.arange(8), said)

    assert counts is not None
    assert np.array_equal(counts, np.roll(np.eye(8, dtype=int), 1, axis=1))
    assert emotion_confusion(made_faces("genki4k", 8), np.arange(8), said) is None


def test_ages_are_confused_in_groups() -> None:
    found = confusions(made_faces("utkface", 24), ALL, ages_off_by(4.6, 1))

    assert list(found) == ["gender", "age group"]
    assert found["age group"].labels == AGE_GROUP_NAMES
    rows, columns = np.nonzero(found["age group"].counts)
    assert np.array_equal(rows, [1, 2, 3, 4, 5, 6, 7, 8]) and np.array_equal(
        columns, [2, 3, 4, 5, 6, 7, 8, 8]
    )
    assert found["gender"].counts.tolist() == [[9, 3], [3, 9]]


def test_a_set_of_age_groups_is_measured_in_its_groups() -> None:
    lows, highs = np.float32([0, 4, 8, 15]), np.float32([2, 6, 13, 20])
    group = np.arange(24) % 4
    faces = dataclasses.replace(
        made_faces("adience", 24), age_low_years=lows[group], age_high_years=highs[group]
    )
    years = np.float32([1, 7.5, 40, 2.9])[group]

    measured = figures(faces, ALL, {"age_years": years})

    assert set(measured) == {"age_group_accuracy", "age_group_one_off"}
    assert measured["age_group_accuracy"].value == pytest.approx(1 / 4), "7.5 is nearer to 8 to 13"
    assert measured["age_group_one_off"].value == pytest.approx(3 / 4)
