"""Work on many items with a few threads; results come in order and only a few are held at a time."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager
from typing import Generic, TypeVar

Item = TypeVar("Item")
Result = TypeVar("Result")


def in_order(
    items: Sequence[Item],
    open_worker: Callable[[], AbstractContextManager[Callable[[Item], Result]]],
    jobs: int,
) -> Iterator[Result]:
    """Yield the result of every item in the items' order.

    Args:
        items: What to work on.
        open_worker: Called once in each thread; gives the function that does the work there, and is closed
            there too (MediaPipe asks for that).
        jobs: Threads, at least 1.

    Raises:
        Exception: What a worker raised, in its item's turn.
    """
    shared: _Shared[Item, Result] = _Shared(items, window=16 + 4 * jobs)
    threads = [
        threading.Thread(target=shared.work, args=(open_worker,), name=f"pictures-{number}", daemon=True)
        for number in range(min(jobs, len(items)))
    ]
    for thread in threads:
        thread.start()
    try:
        for index in range(len(items)):
            yield shared.wait_for(index)
    finally:
        shared.stop()
        for thread in threads:
            thread.join()


class _Shared(Generic[Item, Result]):
    """The next item to take and the results that wait for their turn."""

    def __init__(self, items: Sequence[Item], window: int) -> None:
        self._items = items
        self._window = window
        self._taken = 0
        self._yielded = 0
        self._results: dict[int, Result] = {}
        self._failures: dict[int, Exception] = {}
        self._stopped = False
        self._changed = threading.Condition()

    def work(self, open_worker: Callable[[], AbstractContextManager[Callable[[Item], Result]]]) -> None:
        """Take items until there are none, or the reader has stopped."""
        index = self._take()
        if index is None:
            return
        try:
            with open_worker() as function:
                while index is not None:
                    result = function(self._items[index])
                    with self._changed:
                        self._results[index] = result
                        self._changed.notify_all()
                    index = self._take()
        except Exception as error:  # raised again by the thread that reads the results
            with self._changed:
                self._failures[len(self._items) - 1 if index is None else index] = error
                self._changed.notify_all()

    def wait_for(self, index: int) -> Result:
        """Return one result, waiting for it."""
        with self._changed:
            self._changed.wait_for(lambda: index in self._results or index in self._failures)
            if index in self._failures:
                raise self._failures[index]
            self._yielded = index + 1
            self._changed.notify_all()
            return self._results.pop(index)

    def stop(self) -> None:
        """Let the threads end after their present item."""
        with self._changed:
            self._stopped = True
            self._changed.notify_all()

    def _take(self) -> int | None:
        """Return the next item's index once it is near enough to what is being read; None ends the thread."""
        with self._changed:
            if self._taken >= len(self._items) or self._stopped:
                return None
            index = self._taken
            self._taken += 1
            self._changed.wait_for(lambda: self._stopped or index < self._yielded + self._window)
            return None if self._stopped else index
