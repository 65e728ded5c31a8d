from __future__ import annotations

from tests.fuzz.sessions import run


def test_damaged_sessions_are_read_or_refused_in_one_line() -> None:
    assert run(60) == []
