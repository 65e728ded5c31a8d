from __future__ import annotations

import math
import random
from functools import partial

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from faceapp.tracking.identity import HOLD_S, LONGEST_STEP_S, IdentityKeeper
from tests.faceapp.tracking.meshes import face_mesh

tenths = partial(st.builds, lambda tenth: tenth / 10)
"""Places that differ do so by what pixels can tell: meshes that are equal to rounding have no order."""
places = st.lists(
    st.tuples(*(tenths(st.integers(*ends)) for ends in ((0, 12000), (0, 7000), (400, 1600)))),
    min_size=1,
    max_size=8,
)


@settings(deadline=None, max_examples=20)
@given(places, st.randoms(use_true_random=False), st.floats(-20, 20), st.floats(-20, 20))
def test_order_of_the_meshes_never_changes_ids(
    found: list[tuple[float, float, float]], chance: random.Random, step_x: float, step_y: float
) -> None:
    assume(len(set(found)) == len(found))
    frames = [[face_mesh(x + k * step_x, y + k * step_y, size) for x, y, size in found] for k in range(4)]
    plain, shuffled = IdentityKeeper(), IdentityKeeper()
    for index, meshes in enumerate(frames):
        expected = plain.update(index / 30, meshes)
        order = chance.sample(range(len(meshes)), len(meshes))
        ids = shuffled.update(index / 30, [meshes[position] for position in order])
        assert [ids[order.index(position)] for position in range(len(meshes))] == list(expected)


@settings(deadline=None, max_examples=20)
@given(
    lost_s=st.floats(0.05, HOLD_S),
    velocity=st.tuples(st.floats(-150, 150), st.floats(-150, 150)),
    size_px=st.floats(50, 200),
)
def test_a_face_lost_for_up_to_half_a_second_keeps_its_id(
    lost_s: float, velocity: tuple[float, float], size_px: float
) -> None:
    keeper = IdentityKeeper()
    for index in range(10):
        time_s = index / 30
        keeper.update(time_s, [face_mesh(500 + velocity[0] * time_s, 400 + velocity[1] * time_s, size_px)])
    keeper.update(time_s + lost_s / 2, [])
    time_s += lost_s
    assert keeper.update(
        time_s, [face_mesh(500 + velocity[0] * time_s, 400 + velocity[1] * time_s, size_px)]
    ) == (1,)


def test_a_face_lost_for_longer_comes_back_as_another() -> None:
    keeper = IdentityKeeper()
    assert keeper.update(0.0, [face_mesh()]) == (1,)
    keeper.update(0.3, [])
    assert keeper.update(HOLD_S + 0.02, [face_mesh()]) == (2,)


def test_a_face_in_two_frames_a_second_apart_is_one() -> None:
    keeper = IdentityKeeper()
    assert keeper.update(0.0, [face_mesh()]) == (1,)
    assert keeper.update(1.0, [face_mesh(330)]) == (1,)
    assert keeper.update(1.0 + LONGEST_STEP_S + 0.1, [face_mesh(330)]) == (2,)


@settings(deadline=None, max_examples=20)
@given(
    apart_y=st.floats(-60, 60),
    speed=st.floats(120, 600),
    size_ratio=st.floats(0.7, 1.4),
    frames_per_s=st.sampled_from([10, 15, 30, 60]),
)
def test_two_faces_that_cross_keep_their_ids(
    apart_y: float, speed: float, size_ratio: float, frames_per_s: int
) -> None:
    keeper = IdentityKeeper()
    duration_s = 500 / speed
    ids = (1, 2)
    for index in range(min(int(duration_s * frames_per_s), 120)):
        time_s = index / frames_per_s
        left = face_mesh(250 + speed * time_s, 300, 100)
        right = face_mesh(750 - speed * time_s, 300 + apart_y, 100 * size_ratio)
        ids = keeper.update(time_s, [left, right])
        assert ids == (1, 2)


def test_two_faces_keep_their_ids_when_one_is_hidden_while_they_cross() -> None:
    keeper = IdentityKeeper()
    for index in range(90):
        time_s = index / 30
        left, right = face_mesh(200 + 200 * time_s, 300), face_mesh(800 - 200 * time_s, 320)
        hidden = abs(600 - 400 * time_s) < 70  # right behind left, for a third of a second
        ids = keeper.update(time_s, [left] if hidden else [left, right])
        assert ids == ((1,) if hidden else (1, 2))


def test_ids_are_never_given_twice() -> None:
    keeper = IdentityKeeper()
    given_ids = []
    for index in range(20):
        given_ids.extend(keeper.update(index * 6.0, [face_mesh(100), face_mesh(500)]))
        if index % 5 == 0:
            keeper.reset()
    assert given_ids == list(range(1, 41))


def test_expects_a_face_where_its_motion_carries_it() -> None:
    keeper = IdentityKeeper()
    for index in range(10):
        keeper.update(index / 30, [face_mesh(100 + 10 * index, 200)])
    ahead = keeper.expected(10 / 30)[1].centre[0] - keeper.expected(9 / 30)[1].centre[0]
    assert ahead == pytest.approx(10, abs=1)
    coasted = keeper.expected(9 / 30 + HOLD_S)[1].centre[0] - keeper.expected(9 / 30)[1].centre[0]
    assert coasted == pytest.approx(300 * HOLD_S * (1 - math.exp(-1)), rel=0.05)


def test_a_find_far_from_every_face_is_a_new_face() -> None:
    keeper = IdentityKeeper()
    keeper.update(0.0, [face_mesh(100, 200, 80)])
    assert keeper.update(0.033, [face_mesh(600, 200, 80)]) == (2,)


def test_two_meshes_on_one_place_get_two_ids() -> None:
    keeper = IdentityKeeper()
    assert sorted(keeper.update(0.0, [face_mesh(), face_mesh()])) == [1, 2]
