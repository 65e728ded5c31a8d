from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import pytest

from faceapp.sources.ordered_pictures import in_order


class Workers:
    """Notes in which threads workers were opened, used and closed."""

    def __init__(self, function: Callable[[int], int]) -> None:
        self.function = function
        self.opened: list[int] = []
        self.used: list[int] = []
        self.closed: list[int] = []

    @contextmanager
    def open(self) -> Iterator[Callable[[int], int]]:
        self.opened.append(threading.get_ident())
        try:
            yield self._work
        finally:
            self.closed.append(threading.get_ident())

    def _work(self, item: int) -> int:
        self.used.append(threading.get_ident())
        return self.function(item)


@pytest.mark.parametrize("jobs", [1, 3, 8])
@pytest.mark.parametrize("count", [0, 1, 2, 200])
def test_results_come_in_order_and_workers_stay_in_their_threads(jobs: int, count: int):
    workers = Workers(lambda item: item * item)
    assert list(in_order(range(count), workers.open, jobs)) == [item * item for item in range(count)]
    assert sorted(workers.opened) == sorted(workers.closed)
    assert len(set(workers.opened)) == len(workers.opened) <= min(jobs, count)
    assert set(workers.used) <= set(workers.opened)


def test_a_failure_is_raised_in_its_turn():
    def fail_at_five(item: int) -> int:
        if item == 5:
            raise ValueError("five")
        return item

    results = in_order(range(20), Workers(fail_at_five).open, 3)
    seen = [next(results) for _ in range(5)]
    assert seen == [0, 1, 2, 3, 4]
    with pytest.raises(ValueError, match="five"):
        next(results)


def test_only_a_window_of_results_is_worked_ahead():
    workers = Workers(lambda item: item)
    results = in_order(range(1000), workers.open, 2)
    assert next(results) == 0
    assert next(results) == 1
    results.close()
    assert len(workers.used) <= 2 + 16 + 4 * 2 + 2
    assert sorted(workers.opened) == sorted(workers.closed)
