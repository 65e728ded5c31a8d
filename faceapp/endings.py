"""How the program is asked to end: a closed terminal, a logout or a stopped service is as good as Ctrl-C."""

from __future__ import annotations

import signal
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from typing import Any

_SIGNALS = tuple(
    getattr(signal, name) for name in ("SIGINT", "SIGTERM", "SIGHUP", "SIGBREAK") if hasattr(signal, name)
)


@contextmanager
def ended_like_ctrl_c(end: Callable[[], None] | None = None) -> Iterator[None]:
    """Treat all requests to end alike within the block; what was ignored from outside (`nohup`) stays ignored.

    Args:
        end: What a request does; None raises KeyboardInterrupt in the main thread.
    """
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    before = {number: signal.getsignal(number) for number in _SIGNALS}
    caught = [number for number, handler in before.items() if handler is not signal.SIG_IGN]
    try:
        for number in caught:
            signal.signal(number, signal.default_int_handler if end is None else partial(_call, end))
        yield
    finally:
        for number in caught:
            signal.signal(number, before[number])


@contextmanager
def requests_held_back() -> Iterator[None]:
    """Let requests to end wait until the block is over, so that what it opens is known to those who close it."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    asked: list[int] = []
    before = {number: signal.getsignal(number) for number in _SIGNALS}
    caught = {number: handler for number, handler in before.items() if callable(handler)}
    for number in caught:
        signal.signal(number, lambda number, _frame: asked.append(number))
    try:
        yield
    finally:
        for number, handler in caught.items():
            signal.signal(number, handler)
    for number in asked[:1]:
        caught[signal.Signals(number)](number, None)


def _call(end: Callable[[], None], *_: Any) -> None:
    end()
