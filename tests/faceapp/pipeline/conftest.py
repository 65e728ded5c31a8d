"""Every pipeline ends its threads, however long they need on a busy machine."""

from __future__ import annotations

import threading
from collections.abc import Iterator

import pytest

from faceapp.pipeline import pipeline
from tests.waiting import PATIENCE_S, wait_until


@pytest.fixture(autouse=True)
def no_thread_is_left(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.setattr(pipeline, "STOP_S", PATIENCE_S)
    before = set(threading.enumerate())
    yield
    wait_until(lambda: not set(threading.enumerate()) - before, "the threads did not end")
