from __future__ import annotations

import itertools
import math

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from faceapp.tracking.assignment import optimal_assignment

costs = st.one_of(st.just(math.inf), st.floats(0, 10))


@st.composite
def problems(draw: st.DrawFn) -> tuple[list[list[float]], list[float]]:
    rows, columns = draw(st.integers(0, 4)), draw(st.integers(0, 4))
    table = [[draw(costs) for _ in range(columns)] for _ in range(rows)]
    return table, [draw(st.floats(0.1, 5)) for _ in range(rows)]


def total(table: list[list[float]], leave: list[float], given_columns: list[int | None]) -> float:
    return sum(
        leave[row] if column is None else table[row][column] for row, column in enumerate(given_columns)
    )


@settings(deadline=None)
@given(problems())
def test_is_as_cheap_as_the_best_of_all_choices(problem: tuple[list[list[float]], list[float]]) -> None:
    table, leave = problem
    columns = len(table[0]) if table else 0
    found = optimal_assignment(table, leave)
    taken = [column for column in found if column is not None]
    assert len(set(taken)) == len(taken)
    choices = itertools.permutations([*range(columns), *[None] * len(table)], len(table))
    assert total(table, leave, found) == pytest.approx(
        min(total(table, leave, list(choice)) for choice in choices)
    )


def test_a_column_dearer_than_leaving_is_not_given() -> None:
    assert optimal_assignment([[2.0]], [1.0]) == [None]
    assert optimal_assignment([[0.5]], [1.0]) == [0]


def test_gives_up_the_cheapest_pair_where_the_sum_gains() -> None:
    assert optimal_assignment([[1.0, 2.0], [1.1, 9.0]], [10.0, 10.0]) == [1, 0]
