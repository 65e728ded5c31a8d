from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from faceapp.settings import Settings

STORED = Settings(sessions_dir=Path("mine"), smoothing=0.2)


def test_what_was_given_for_once_is_not_stored_and_a_change_is() -> None:
    start = replace(STORED, sessions_dir=Path("once"), occlusion="mask")
    now = replace(start, smoothing=0.7)
    assert now.changed_since(start, STORED) == replace(STORED, smoothing=0.7)
    assert start.changed_since(start, STORED) == STORED
    chosen = replace(start, sessions_dir=Path("other"))
    assert chosen.changed_since(start, STORED).sessions_dir == Path("other")
