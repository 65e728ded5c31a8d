from __future__ import annotations

import json
import os
from pathlib import Path

import pytest

from faceapp.batch.halves import put_away
from faceapp.session.about import About
from faceapp.session.annotations import EVENTS_FILE, Event, append_event
from faceapp.session.writer import SessionWriter
from tests.faceapp.session.results import card, result


def half(folder: Path, *, close: bool = True) -> SessionWriter:
    writer = SessionWriter(folder, source="t", cards=[card()], settings={}, wait=True)
    for index in range(3):
        writer.put(result(index))
    if close:
        writer.close()
    return writer


def test_what_an_analysis_alone_left_is_removed(tmp_path: Path) -> None:
    half(tmp_path / "s")
    put_away(tmp_path / "s", About())
    assert not list(tmp_path.iterdir())


def test_a_half_session_with_marks_is_moved_aside_and_named(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    half(tmp_path / "s")
    append_event(tmp_path / "s", Event(0.0, 0.0, label="mine"))
    put_away(tmp_path / "s", About())
    assert "mine" in (tmp_path / "s (half)" / EVENTS_FILE).read_text()
    assert "it is now s (half)" in caplog.text


@pytest.mark.parametrize("key", ["notes", "participant"])
def test_a_half_session_with_a_note_is_moved_aside(tmp_path: Path, key: str) -> None:
    half(tmp_path / "s")
    path = tmp_path / "s" / "session.json"
    path.write_text(json.dumps({**json.loads(path.read_text()), key: "mine"}))
    put_away(tmp_path / "s", About())
    assert json.loads((tmp_path / "s (half)" / "session.json").read_text())[key] == "mine"


@pytest.mark.parametrize("name", ["faces.json", "notes.txt", "export"])
def test_a_half_session_with_other_files_is_moved_aside(tmp_path: Path, name: str) -> None:
    half(tmp_path / "s")
    (tmp_path / "s (half)").mkdir()
    (tmp_path / "s" / name).mkdir() if name == "export" else (tmp_path / "s" / name).write_text("{}")
    put_away(tmp_path / "s", About())
    assert (tmp_path / "s (half) 2" / name).exists()


@pytest.mark.skipif(os.name == "nt", reason="folders in use can't be removed there anyway")
def test_a_session_that_is_being_recorded_is_left_alone(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    writer = half(tmp_path / "s", close=False)
    put_away(tmp_path / "s", About())
    assert (tmp_path / "s" / "session.json").is_file() and "records into" in caplog.text
    writer.close()


@pytest.mark.skipif(not hasattr(os, "symlink"), reason="links of POSIX")
def test_a_link_is_not_followed(tmp_path: Path) -> None:
    half(tmp_path / "elsewhere")
    (tmp_path / "s").symlink_to(tmp_path / "elsewhere")
    put_away(tmp_path / "s", About())
    assert (tmp_path / "elsewhere" / "session.json").is_file()
