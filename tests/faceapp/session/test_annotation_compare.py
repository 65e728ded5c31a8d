from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sklearn.metrics import cohen_kappa_score

from engines.card import EMOTIONS
from faceapp.session.annotation_compare import (
    annotator_labels,
    compare_labels,
    leave_out,
    match_points,
    moments_of,
    network_labels,
)
from faceapp.session.annotations import Event

MOMENTS_S = moments_of((0.0, 1.0))


def test_moments_cover_the_session_in_even_steps() -> None:
    np.testing.assert_allclose(MOMENTS_S, np.arange(11) / 10)
    assert len(moments_of((5.0, 5.0))) == 1


def test_an_annotator_says_what_his_stretches_say() -> None:
    events = [
        Event(0.2, 0.5, label="a", author="Anna"),
        Event(0.4, 0.7, label="b", author="Anna"),
        Event(0.0, 0.1, label="x", author="Ben"),
        Event(0.8, 0.9, label="c", author="Anna", face=2),
        Event(0.9, 0.9, label="point", author="Anna"),
    ]
    expected = ["", "", "a", "a", "b", "b", "b", "", "c", "", ""]
    assert annotator_labels(events, "Anna", None, MOMENTS_S) == expected
    assert annotator_labels(events, "Anna", 1, MOMENTS_S)[8] == ""


def test_the_network_holds_its_last_row_and_abstains_without_one() -> None:
    emotions = np.full((3, 8), 0.1)
    emotions[0, 1], emotions[2, 4] = 0.5, 0.5
    emotions[1] = np.nan
    labels = network_labels(np.array([0.1, 0.3, 0.5]), emotions, MOMENTS_S, hold_s=0.25)
    happy, angry = EMOTIONS[1], EMOTIONS[4]
    assert labels == [None, happy, happy, None, None, angry, angry, angry, None, None, None]
    assert network_labels(np.empty(0), np.empty((0, 8)), MOMENTS_S, 1.0) == [None] * 11


def test_excluded_stretches_are_left_out_and_counted() -> None:
    labels = ["a"] * 11
    kept = leave_out(
        labels, [Event(0.2, 0.4, kind="exclude"), Event(0.5, 0.9, kind="exclude", face=2)], 1, MOMENTS_S
    )
    assert kept == ["a", "a", None, None, *["a"] * 7]
    result = compare_labels(labels, kept)
    assert (result.moments, result.left_out, result.agreement) == (9, 2, 1.0)
    assert math.isnan(result.kappa), "one label alone agrees by chance"


LABELS = st.lists(st.tuples(st.sampled_from("abc"), st.sampled_from("abc")), min_size=2, max_size=60)


@given(LABELS)
def test_kappa_is_scikit_learns(pairs: list[tuple[str, str]]) -> None:
    first, second = [a for a, _ in pairs], [b for _, b in pairs]
    result = compare_labels(first, second)
    if len({*first, *second}) > 1:
        assert result.kappa == pytest.approx(cohen_kappa_score(first, second), abs=1e-9, nan_ok=True)
    assert sum(count for _, count in result.pairs) == result.moments == len(pairs)


def test_nothing_to_compare_is_said() -> None:
    result = compare_labels([None, "a"], ["a", None])
    assert (result.moments, result.left_out) == (0, 2)
    assert math.isnan(result.agreement) and math.isnan(result.kappa)


def test_points_are_paired_once_nearest_first() -> None:
    def point(time_s: float, author: str, label: str = "nod") -> Event:
        return Event(time_s, time_s, label=label, author=author)

    events = [
        *(point(time_s, "Anna") for time_s in (1.0, 1.2, 5.0)),
        *(point(time_s, "Ben") for time_s in (1.25, 5.6)),
        point(1.0, "Ben", "other"),
    ]
    match = match_points(events, "Anna", "Ben")
    assert (match.both, match.first_only, match.second_only) == (1, 2, 2)
    assert match.mean_offset_s == pytest.approx(0.05)
    assert math.isnan(match_points([], "Anna", "Ben").mean_offset_s)
