"""Rare classes drawn more often."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest

from tests.training.made_faces import made_faces
from training.data.sampling import NO_CLASS, age_bins, emotion_classes, picture_weights, sampling_weights
from training.errors import RecipeError

CLASSES = np.array([0] * 9 + [3])


@pytest.mark.parametrize(("balance", "rare"), [("natural", 0.1), ("square_root", 0.25), ("balanced", 0.5)])
def test_a_rare_class_is_drawn_more_often(balance: str, rare: float) -> None:
    weights = sampling_weights(CLASSES, balance)

    assert weights.sum() == pytest.approx(1)
    assert weights[-1] == pytest.approx(rare)
    assert np.ptp(weights[:9]) == 0


def test_pictures_without_a_class_keep_their_share() -> None:
    weights = sampling_weights(np.array([0, 0, 0, 1, NO_CLASS]), "balanced")

    assert weights[-1] == pytest.approx(0.2)
    assert weights[3] == pytest.approx(0.4) and weights.sum() == pytest.approx(1)


def test_no_picture_and_no_class_are_no_error() -> None:
    assert sampling_weights(np.empty(0, np.int64), "balanced").size == 0
    assert sampling_weights(np.full(4, NO_CLASS), "balanced").tolist() == [0.25] * 4


def test_classes_are_majorities_and_decades() -> None:
    emotional, aged = made_faces("ferplus"), made_faces("utkface")
    positions = np.arange(10)

    assert emotion_classes(emotional, positions).tolist() == [0, 1, 2, 3, 4, 5, 6, 7, 0, 1]
    assert emotion_classes(aged, positions).tolist() == [NO_CLASS] * 10
    assert age_bins(aged, positions).tolist() == [0, 1, 2, 3, 4, 5, 6, 7, 0, 1]
    assert age_bins(aged, positions, years=20)[3] == 1
    assert age_bins(emotional, positions).tolist() == [NO_CLASS] * 10


def test_of_an_age_group_the_middle_counts() -> None:
    faces = made_faces("ferplus", count=3)
    low, high = np.float32([25, np.nan, 60]), np.float32([32, np.nan, 100])
    faces = dataclasses.replace(faces, age_low_years=low, age_high_years=high)

    assert age_bins(faces, np.arange(3)).tolist() == [2, NO_CLASS, 8]


def test_weights_follow_the_label_that_is_asked_for() -> None:
    faces = made_faces("utkface", count=24)
    positions = faces.where("train")[:5]

    assert picture_weights(faces, positions, "age", "balanced") == pytest.approx(np.full(5, 0.2))
    assert picture_weights(faces, positions, "emotion", "balanced") == pytest.approx(np.full(5, 0.2))


@pytest.mark.parametrize(("label", "balance"), [("gender", "balanced"), ("age", "even")])
def test_unknown_choices_are_refused(label: str, balance: str) -> None:
    with pytest.raises(RecipeError, match="expected one of"):
        picture_weights(made_faces("utkface"), np.arange(3), label, balance)
