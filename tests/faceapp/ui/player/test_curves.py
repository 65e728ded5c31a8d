from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from faceapp.ui.player.curves import thin, value_range, with_gaps


def wave(count: int, rate_hz: float = 30.0) -> tuple[np.ndarray, np.ndarray]:
    times_s = np.arange(count) / rate_hz
    return times_s, np.stack([np.sin(times_s), np.cos(times_s * 3)], axis=1)


@given(st.integers(2, 4000), st.integers(1, 300), st.integers(0, 10_000))
def test_the_extremes_of_a_stretch_stay_however_few_points_are_drawn(
    count: int, columns: int, seed: int
) -> None:
    times_s, values = wave(count)
    spike = np.random.default_rng(seed).integers(count)
    values[spike, 0] = 5.0
    range_s = (float(times_s[0]), float(times_s[-1]))
    thinned_s, thinned = thin(times_s, values, range_s, columns, gap_s=0.5)
    assert len(thinned_s) <= 4 * columns + 6
    assert (np.diff(thinned_s) >= 0).all()
    np.testing.assert_allclose(np.nanmax(thinned, axis=0), values.max(axis=0))
    np.testing.assert_allclose(np.nanmin(thinned, axis=0), values.min(axis=0))
    near = thinned_s[np.nanargmax(thinned[:, 0])]
    assert abs(near - times_s[spike]) <= (range_s[1] - range_s[0]) / columns + 1e-9


def test_few_points_are_left_as_they_are_with_one_beyond_each_edge() -> None:
    times_s, values = wave(300)
    thinned_s, thinned = thin(times_s, values, (2.0, 3.0), 500, gap_s=0.5)
    np.testing.assert_array_equal(thinned_s, times_s[59:92])
    np.testing.assert_array_equal(thinned, values[59:92])


@pytest.mark.parametrize("columns", [20, 2000])
def test_a_gap_stays_a_gap(columns: int) -> None:
    times_s, values = wave(900)
    there = (times_s < 10) | (times_s > 20)
    thinned_s, thinned = thin(times_s[there], values[there], (0.0, 30.0), columns, gap_s=0.5)
    empty = np.isnan(thinned[:, 0])
    assert empty.any()
    assert ((thinned_s[empty] > 9.0) & (thinned_s[empty] < 20)).all()


def test_abstention_is_a_gap_and_does_not_swallow_its_neighbours() -> None:
    times_s, values = wave(3000)
    values[1000:1500] = np.nan
    values[7] = np.nan
    thinned_s, thinned = thin(times_s, values, (0.0, 100.0), 100, gap_s=0.5)
    empty = np.isnan(thinned[:, 0])
    assert empty.sum() >= 20
    assert thinned_s[empty].min() > 32 and thinned_s[empty].max() < 51, "one row of many is no gap"


def test_gaps_are_marked_between_the_rows() -> None:
    times_s, values = with_gaps(np.array([0.0, 0.1, 2.0]), np.ones((3, 1)), 0.5)
    assert times_s[1] < times_s[2] < times_s[3]
    assert np.isnan(values[2, 0]) and np.isfinite(values[[0, 1, 3], 0]).all()


def test_the_scale_holds_all_values() -> None:
    assert value_range(np.array([[np.nan], [3.0], [7.0]])) == pytest.approx((2.76, 7.24))
    low, high = value_range(np.array([[5.0]]))
    assert low < 5 < high
    assert value_range(np.full((3, 1), np.nan)) == (0.0, 1.0)
