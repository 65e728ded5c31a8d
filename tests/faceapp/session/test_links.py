"""A session from anybody: links under the names of its files lead nowhere."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from faceapp.errors import SessionError
from faceapp.session.annotations import Event, append_event
from faceapp.session.check import check_session
from faceapp.session.export import export_session
from faceapp.session.own_files import open_own
from faceapp.session.reader import read_session
from faceapp.session.writer import SessionWriter
from tests.faceapp.session.results import card, result

pytestmark = pytest.mark.skipif(os.name == "nt", reason="making links takes rights that users lack there")

NAMES = (
    *(
        "session.json",
        "events.jsonl",
        "faces.csv",
        "frames.csv",
        "faces.parquet",
        "frames.parquet",
        "video.mkv",
    ),
    *("recording.lock", "scheme.json", ".faces.parquet.1.part", "session.json.damaged", "anything.txt"),
)


@pytest.fixture
def session(tmp_path: Path) -> Path:
    writer = SessionWriter(tmp_path / "s", source="test", cards=[card()], settings={}, wait=True)
    for index in range(5):
        writer.put(result(index))
    return writer.close()


@pytest.mark.parametrize("name", NAMES)
def test_a_link_among_the_files_is_named_and_what_it_leads_to_stays(session: Path, name: str) -> None:
    outside = session.parent / "outside"
    path = session / name
    content = path.read_bytes() if path.exists() else b"half a line"
    outside.write_bytes(content)
    path.unlink(missing_ok=True)
    path.symlink_to(outside)
    for touch in (check_session, read_session, export_session):
        with pytest.raises(SessionError, match="expected a session's own files, found the link") as caught:
            touch(session)
        assert repr(name) in str(caught.value) and "\n" not in str(caught.value)
    assert outside.read_bytes() == content and path.is_symlink()


def test_a_linked_journal_takes_no_mark(session: Path) -> None:
    outside = session.parent / "outside"
    outside.write_text("half a line")
    (session / "events.jsonl").unlink()
    (session / "events.jsonl").symlink_to(outside)
    with pytest.raises(SessionError, match="expected a folder that can be written"):
        append_event(session, Event(0.0, 0.0))
    assert outside.read_text() == "half a line"


def test_a_linked_folder_of_exports_is_refused(session: Path) -> None:
    (session.parent / "outside").mkdir()
    (session / "export").symlink_to(session.parent / "outside")
    with pytest.raises(SessionError, match="found the link 'export'"):
        export_session(session, ["csv"])
    assert not list((session.parent / "outside").iterdir())


def test_a_link_inside_the_folder_of_exports_is_replaced_or_refused(session: Path) -> None:
    outside = session.parent / "outside"
    outside.mkdir()
    (outside / "faces.csv").write_text("mine")
    (session / "export").mkdir()
    (session / "export" / "faces.csv").symlink_to(outside / "faces.csv")
    (session / "export" / "bids").symlink_to(outside)
    export_session(session, ["csv"])
    assert (outside / "faces.csv").read_text() == "mine"
    with pytest.raises(SessionError, match="leads elsewhere"):
        export_session(session, ["bids"])
    assert sorted(path.name for path in outside.iterdir()) == ["faces.csv"]


def test_an_own_file_is_opened_and_a_link_is_not(tmp_path: Path) -> None:
    with open_own(tmp_path / "own", "xb") as stream:
        stream.write(b"1")
    assert (tmp_path / "own").stat().st_mode & 0o777 == 0o600
    (tmp_path / "link").symlink_to(tmp_path / "own")
    for mode in ("rb", "r+b", "ab"):
        with pytest.raises(OSError):
            open_own(tmp_path / "link", mode)
