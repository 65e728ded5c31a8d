"""A film to read, and a watch over live sources: no call holds its caller up for more than a second."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from faceapp.sources.live_capture import Capture
from faceapp.sources.video_file import VideoFileSource
from tests.faceapp.sources.films import write_film

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


@pytest.fixture
def film(tmp_path: Path) -> Path:
    """60 frames at 25 a second, key frames 30 apart, pictures that refer to later ones."""
    write_film(tmp_path / "film.mp4", 60)
    return tmp_path / "film.mp4"


@pytest.fixture
def opened(film: Path):
    source = VideoFileSource(film)
    source.open()
    yield source
    source.close()
