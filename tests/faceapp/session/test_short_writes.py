"""Marks on a disk that fills up: all of a mark is stored, or none of it and an error."""

from __future__ import annotations

import errno
import os
from pathlib import Path

import pytest

from faceapp.errors import SessionError
from faceapp.session import annotations
from faceapp.session.annotations import EVENTS_FILE, Event, append_changes, read_events


def mark(number: int) -> dict[str, Event | None]:
    return {
        f"m{number}": Event(
            float(number), float(number), label=f"mark {number}", author="live", id=f"m{number}"
        )
    }


def test_short_writes_are_gone_on_with(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write = os.write
    monkeypatch.setattr(annotations.os, "write", lambda handle, content: write(handle, bytes(content)[:7]))
    for number in range(3):
        append_changes(tmp_path, mark(number))
    assert [event.label for event in read_events(tmp_path)] == ["mark 0", "mark 1", "mark 2"]


def test_a_mark_that_the_disk_refuses_half_way_leaves_no_trace(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    append_changes(tmp_path, mark(0))
    before = (tmp_path / EVENTS_FILE).read_bytes()
    write, calls = os.write, []

    def refuse(handle: int, content: bytes) -> int:
        calls.append(content)
        if len(calls) > 1:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        return write(handle, bytes(content)[:10])

    monkeypatch.setattr(annotations.os, "write", refuse)
    with pytest.raises(SessionError):
        append_changes(tmp_path, mark(1))
    assert (tmp_path / EVENTS_FILE).read_bytes() == before
    monkeypatch.undo()
    append_changes(tmp_path, mark(2))
    assert [event.label for event in read_events(tmp_path)] == ["mark 0", "mark 2"]


@pytest.mark.skipif(not hasattr(os, "O_NOFOLLOW"), reason="links that can be refused are POSIX's")
def test_a_journal_that_is_a_link_is_refused(tmp_path: Path) -> None:
    outside = tmp_path / "outside.txt"
    outside.write_text("theirs\n")
    session = tmp_path / "session"
    session.mkdir()
    (session / EVENTS_FILE).symlink_to(outside)
    with pytest.raises(SessionError):
        append_changes(session, mark(1))
    assert outside.read_text() == "theirs\n"
