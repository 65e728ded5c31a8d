from __future__ import annotations

import numpy as np
import pytest

from faceapp.ui.history import SPAN_S, STEP_S, History
from tests.faceapp.ui.scenes import make_prediction, make_result, make_track, no_reading


@pytest.fixture
def add(astronaut: np.ndarray, astronaut_landmarks: np.ndarray):
    """Adds one result at a time, of a face with an emotion, of one that is not readable, or of nobody."""
    track = make_track(astronaut_landmarks, 1)

    def one(history: History, time_s: float, what: str = "face") -> None:
        faces = () if what == "nobody" else (track,)
        prediction = no_reading(1) if what == "unreadable" else make_prediction(1, time_s)
        history.add(make_result(astronaut, faces, time_s, (prediction,) if faces else ()))

    return one


def test_lines_scroll_by_time_and_hold_half_a_minute(add) -> None:
    history = History()
    for step in range(0, 1400):
        add(history, step / 30)
    found = history.lines(1)
    assert found is not None
    times_s, values = found
    assert times_s[0] == pytest.approx(-SPAN_S, abs=STEP_S)
    assert -STEP_S < times_s[-1] <= 0
    assert np.isfinite(values).all()
    assert values.sum(axis=1) == pytest.approx(1.0, abs=1e-5)


@pytest.mark.parametrize("what", ["nobody", "unreadable"])
def test_a_time_without_value_is_a_gap(add, what: str) -> None:
    history = History()
    for step in range(300):
        time_s = step / 30
        add(history, time_s, what if 4.0 <= time_s < 6.0 else "face")
    found = history.lines(1)
    assert found is not None
    times_s, values = found
    seconds = times_s + history.now_s
    gap = (seconds > 4.2) & (seconds < 5.8)
    before = (seconds > 0.2) & (seconds < 3.8)
    assert gap.any() and np.isnan(values[gap]).all()
    assert np.isfinite(values[before]).all()


@pytest.mark.parametrize("rate_hz", [7.0, 3.0, 1.2])
def test_a_slow_source_leaves_no_gaps(add, rate_hz: float) -> None:
    history = History()
    for step in range(20):
        add(history, step / rate_hz)
    found = history.lines(1)
    assert found is not None
    seconds = found[0] + history.now_s
    drawn = found[1][(seconds > 0.2) & (seconds < history.now_s - 0.2)]
    assert drawn.sum(axis=1) == pytest.approx(1.0, abs=1e-5)


def test_a_source_that_stops_for_long_leaves_a_gap(add) -> None:
    history = History()
    for time_s in (1.0, 1.1, 2.9, 3.0):
        add(history, time_s)
    found = history.lines(1)
    assert found is not None
    seconds = found[0] + history.now_s
    assert np.isnan(found[1][(seconds > 1.3) & (seconds < 2.7)]).all()


def test_a_face_that_was_away_longer_than_the_window_has_no_old_values(add) -> None:
    history = History()
    add(history, 1.0)
    add(history, 100.0)
    found = history.lines(1)
    assert found is not None
    assert np.isfinite(found[1][:, 0]).sum() == 1


def test_an_unknown_face_has_no_lines(add) -> None:
    history = History()
    add(history, 1.0)
    assert history.lines(2) is None
    assert history.lines(None) is None


def test_flags_stand_at_the_newest_result_and_a_jump_back_clears_all(add) -> None:
    history = History()
    add(history, 3.0)
    assert history.flag("5").time_s == 3.0
    add(history, 4.0)
    assert [(flag.time_s, flag.label) for flag in history.flags] == [(3.0, "5")]
    add(history, 0.5)
    assert not history.flags
    assert history.now_s == 0.5


def test_memory_is_bounded(astronaut: np.ndarray, astronaut_landmarks: np.ndarray) -> None:
    history = History()
    for number in range(1, 60):
        history.add(make_result(astronaut, (make_track(astronaut_landmarks, number),), float(number)))
    assert history.lines(1) is None
    assert history.lines(59) is not None


@pytest.mark.parametrize("what", ["nobody", "unreadable"])
def test_even_a_short_abstention_is_a_gap_and_no_average_takes_it_in(add, what: str) -> None:
    history = History()
    for step in range(100):
        time_s = step / 30
        add(history, time_s, what if 2.0 <= time_s < 2.09 else "face")
    found = history.lines(1)
    assert found is not None
    seconds = found[0] + history.now_s
    gap = np.isnan(found[1][:, 0]) & (seconds > 0.1) & (seconds < 3.2)
    assert seconds[gap] == pytest.approx([2.05], abs=0.06)
    assert found[1][~np.isnan(found[1][:, 0])].sum(axis=1) == pytest.approx(1.0, abs=1e-5)
