from __future__ import annotations

import itertools
import math

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from faceapp.ui.steady import EASE_S, UNSEEN, EasedValues, SteadyLabel, SteadyNumber


def test_label_ignores_a_short_lead() -> None:
    label = SteadyLabel(margin=0.1, hold_s=0.2)
    assert label.update(np.array([0.7, 0.3]), 0.0) == 0
    assert label.update(np.array([0.2, 0.8]), 0.1) == 0
    assert label.update(np.array([0.7, 0.3]), 0.2) == 0
    assert label.update(np.array([0.2, 0.8]), 0.35) == 0, "the wait starts anew"


def test_label_changes_after_a_lasting_lead() -> None:
    label = SteadyLabel(margin=0.1, hold_s=0.2)
    label.update(np.array([0.7, 0.3]), 0.0)
    label.update(np.array([0.2, 0.8]), 0.1)
    assert label.update(np.array([0.2, 0.8]), 0.31) == 1


def test_label_never_changes_for_a_small_lead() -> None:
    label = SteadyLabel(margin=0.1, hold_s=0.2)
    label.update(np.array([0.7, 0.3]), 0.0)
    assert {label.update(np.array([0.46, 0.54]), 0.1 * step) for step in range(1, 50)} == {0}


def test_label_says_nothing_without_a_value_and_takes_the_next_at_once() -> None:
    label = SteadyLabel()
    label.update(np.array([0.9, 0.1]), 0.0)
    assert label.update(np.array([np.nan, np.nan]), 0.1) is None
    assert label.update(np.array([0.1, 0.9]), 0.2) == 1


def test_number_waits_and_ignores_small_changes() -> None:
    number = SteadyNumber(step=1.0, hold_s=0.3)
    assert number.update(34.4, 0.0) == 34.0
    assert number.update(36.0, 0.1) == 34.0, "too soon"
    assert number.update(34.7, 1.0) == 34.0, "too little"
    assert number.update(34.8, 2.0) == 35.0
    assert math.isnan(number.update(math.nan, 2.1))
    assert number.update(50.2, 2.11) == 50.0, "appears at once"


@given(st.lists(st.floats(0, 1), min_size=2, max_size=60))
def test_number_changes_at_most_every_hold(values: list[float]) -> None:
    number = SteadyNumber(step=0.01, hold_s=0.3)
    shown = [number.update(value, 0.033 * step) for step, value in enumerate(values)]
    changes = [0.033 * step for step in range(1, len(shown)) if shown[step] != shown[step - 1]]
    assert all(later - sooner >= 0.3 for sooner, later in itertools.pairwise(changes))


@given(st.floats(0, 1), st.floats(0, 1), st.floats(0, 0.2))
def test_eased_value_stays_between_its_ends_and_arrives(start: float, end: float, after_s: float) -> None:
    eased = EasedValues(1)
    eased.aim(np.array([start]), 0.0)
    eased.aim(np.array([end]), 1.0)
    value = float(eased.at(1.0 + after_s)[0])
    assert min(start, end) - UNSEEN <= value <= max(start, end) + UNSEEN, (
        "a step that nobody sees is not taken"
    )
    if after_s >= EASE_S:
        assert abs(value - end) <= UNSEEN
        assert eased.settled(1.0 + after_s)


def test_eased_value_goes_on_from_where_it_is() -> None:
    eased = EasedValues(1)
    eased.aim(np.array([0.0]), 0.0)
    eased.aim(np.array([1.0]), 1.0)
    halfway = float(eased.at(1.03)[0])
    eased.aim(np.array([0.0]), 1.03)
    assert 0.0 < halfway < 1.0
    assert float(eased.at(1.03)[0]) == halfway


def test_a_change_that_nobody_sees_moves_nothing() -> None:
    eased = EasedValues(1)
    assert eased.aim(np.array([0.5]), 0.0)
    assert not eased.aim(np.array([0.501]), 1.0)
    assert eased.aim(np.array([0.51]), 1.0)


def test_eased_value_takes_no_value_for_zero() -> None:
    eased = EasedValues(2)
    eased.aim(np.array([np.nan, 0.5]), 0.0)
    assert eased.at(1.0).tolist() == [0.0, 0.5]
