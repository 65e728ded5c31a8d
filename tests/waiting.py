"""Waits for other threads and programs: as long as a busy machine needs, no longer than the thing itself takes."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import TypeVar

PATIENCE_S = 60.0
"""What has not happened by then never will; far more than the busiest machine needs."""
PROMPT_S = 20.0
"""A call that waits for something stuck takes `PATIENCE_S`; one that does not is back by then on any machine."""

Found = TypeVar("Found")


def wait_until(condition: Callable[[], Found], missing: str = "it did not happen") -> Found:
    """Look until there is something, and return it.

    Args:
        condition: Gives what is waited for, or something false while it is not there.
        missing: What to say when it never comes.

    Raises:
        AssertionError: If it has not come within `PATIENCE_S`.
    """
    until_s = time.monotonic() + PATIENCE_S
    while not (found := condition()):
        assert time.monotonic() < until_s, f"{missing} within {PATIENCE_S:.0f} s"
        time.sleep(0.005)
    return found
