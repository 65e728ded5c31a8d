"""No call of a live source holds its caller up for more than a second, whatever the camera or the network does."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import pytest

from faceapp.sources.live_capture import Capture

LONGEST_S = 1.0


@pytest.fixture(autouse=True)
def no_call_waits_longer_than_a_second(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    waits_s: list[float] = []

    def noting(call: Callable[[Capture, float], object]) -> Callable[[Capture, float], object]:
        def noted(capture: Capture, wait_s: float) -> object:
            waits_s.append(wait_s)
            return call(capture, wait_s)

        return noted

    for name in ("wait_for_first", "take", "stop"):
        monkeypatch.setattr(Capture, name, noting(getattr(Capture, name)))
    yield
    assert max(waits_s, default=0.0) <= LONGEST_S
