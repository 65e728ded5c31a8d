"""The hand-over between two threads: a few items at most, the newest wins or the giver waits."""

from __future__ import annotations

import threading
from collections import deque
from typing import Generic, TypeVar

Item = TypeVar("Item")


class Slot(Generic[Item]):
    """Holds up to `capacity` items between one giving and one taking thread.

    Args:
        capacity: Items held at most.
        wait: True: `put` waits for room, so nothing is lost (files). False: the oldest item gives way to the
            newest, so delay never grows (live).
    """

    def __init__(self, capacity: int = 1, *, wait: bool = False) -> None:
        self._items: deque[Item] = deque()
        self._capacity = capacity
        self._wait = wait
        self._closed = False
        self._changed = threading.Condition()

    def put(self, item: Item) -> int:
        """Give one item; return how many were lost for it (the item itself where the slot is closed)."""
        with self._changed:
            while self._wait and len(self._items) >= self._capacity and not self._closed:
                self._changed.wait()
            if self._closed:
                return 1
            lost = 0
            while len(self._items) >= self._capacity:
                self._items.popleft()
                lost += 1
            self._items.append(item)
            self._changed.notify()
        return lost

    def put_last(self, item: Item) -> None:
        """Give an item that pushes nothing out and waits for nothing, such as the mark of an end."""
        with self._changed:
            if not self._closed:
                self._items.append(item)
                self._changed.notify()

    def take(self, timeout_s: float | None = None) -> Item | None:
        """Return the oldest item, waiting for one; None after the timeout, or once closed and empty."""
        with self._changed:
            if not self._items and not self._closed and timeout_s != 0:
                self._changed.wait_for(lambda: self._items or self._closed, timeout_s)
            if not self._items:
                return None
            item = self._items.popleft()
            self._changed.notify()
        return item

    def take_newest(self) -> Item | None:
        """Return the newest item at once and forget older ones; None where there is none."""
        with self._changed:
            if not self._items:
                return None
            item = self._items.pop()
            self._items.clear()
            self._changed.notify()
        return item

    def clear(self) -> list[Item]:
        """Take out everything at once and return it."""
        with self._changed:
            items = list(self._items)
            self._items.clear()
            self._changed.notify()
        return items

    def close(self) -> None:
        """Wake both threads for good: nothing more is accepted, what lies inside may still be taken."""
        with self._changed:
            self._closed = True
            self._changed.notify_all()
