from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from pytestqt.qtbot import QtBot

from faceapp.ui.player.frame_times import FrameTimes
from faceapp.ui.player.strip import exact_clock_text
from faceapp.ui.player.time_view import TimeView
from faceapp.ui.player.transport import SPEEDS, Transport


class Clock:
    def __init__(self) -> None:
        self.now_s = 100.0

    def __call__(self) -> float:
        return self.now_s


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def view(qapp: object) -> TimeView:
    return TimeView((10.0, 70.0))


@pytest.fixture
def transport(view: TimeView, clock: Clock) -> Transport:
    transport = Transport(view, clock=clock)
    transport.frames = FrameTimes(np.arange(10.0, 70.01, 0.04))
    return transport


@pytest.mark.parametrize("speed", SPEEDS)
def test_playing_moves_at_its_speed(transport: Transport, view: TimeView, clock: Clock, speed: float) -> None:
    transport.set_speed(speed)
    transport.toggle()
    for _ in range(10):
        clock.now_s += 0.1
        transport.tick()
    assert view.position_s == pytest.approx(10.0 + speed)
    transport.pause()
    clock.now_s += 5
    transport.tick()
    assert view.position_s == pytest.approx(10.0 + speed)


def test_playing_stops_at_the_end_and_starts_again_from_there(
    transport: Transport, view: TimeView, clock: Clock
) -> None:
    view.move_to(69.9)
    transport.toggle()
    clock.now_s += 1
    transport.tick()
    assert (view.position_s, transport.playing) == (70.0, False)
    transport.toggle()
    assert (view.position_s, transport.playing) == (10.0, True)
    transport.pause()


def test_the_speed_has_steps_and_limits(transport: Transport) -> None:
    transport.change_speed(1)
    assert transport.speed == 2.0
    for _ in range(9):
        transport.change_speed(1)
    assert transport.speed == 4.0
    for _ in range(9):
        transport.change_speed(-1)
    assert transport.speed == 0.25


def test_steps_go_from_frame_to_frame_and_pause(transport: Transport, view: TimeView) -> None:
    transport.toggle()
    transport.step(1)
    assert not transport.playing
    assert view.position_s == pytest.approx(10.04)
    transport.step(-5)
    assert view.position_s == pytest.approx(10.0)
    transport.jump(10)
    assert view.position_s == pytest.approx(20.0)


MOVES = st.lists(
    st.tuples(st.sampled_from(["zoom", "scroll", "move"]), st.floats(-3, 3), st.floats(0, 100)), max_size=20
)


@given(MOVES)
def test_what_is_in_sight_stays_within_the_session(
    qapp: object, moves: list[tuple[str, float, float]]
) -> None:
    view = TimeView((10.0, 70.0))
    for what, amount, place in moves:
        if what == "zoom":
            view.zoom(2**amount, min(max(place, 10.0), 70.0))
        elif what == "scroll":
            view.scroll(amount)
        else:
            view.move_to(place)
            assert view.range_s[0] - 1e-9 <= view.position_s <= view.range_s[1] + 1e-9
        assert 10.0 - 1e-9 <= view.range_s[0] < view.range_s[1] <= 70.0 + 1e-9
        assert 10.0 <= view.position_s <= 70.0


def test_zooming_keeps_the_moment_under_the_pointer(view: TimeView) -> None:
    view.zoom(4, 25.0)
    assert view.length_s == pytest.approx(15.0)
    assert (25.0 - view.range_s[0]) / view.length_s == pytest.approx(15 / 60)
    view.show_all()
    assert view.range_s == (10.0, 70.0)


def test_the_stretch_in_sight_follows_the_position(qtbot: QtBot, view: TimeView) -> None:
    view.zoom(6, 15.0)
    with qtbot.waitSignal(view.range_changed):
        view.move_to(60.0)
    assert view.range_s[0] < 60.0 < view.range_s[1]
    before = view.range_s
    view.move_to(61.0)
    assert view.range_s == before, "it turns pages and does not creep"


@pytest.mark.parametrize(
    ("time_s", "decimals", "text"),
    [
        (0, 2, "0:00.00"),
        (59.999, 2, "1:00.00"),
        (3725.5, 1, "1:02:05.5"),
        (-1.5, 2, "-0:01.50"),
        (187, 0, "3:07"),
    ],
)
def test_times_are_written_as_clocks_do(time_s: float, decimals: int, text: str) -> None:
    assert exact_clock_text(time_s, decimals) == text
