"""People are in recordings: only their owner may read them, unless they are meant to be shared."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from faceapp.session.annotations import Event, append_event
from faceapp.session.check import check_session
from faceapp.session.new_folder import new_session_folder
from faceapp.session.writer import SessionWriter
from tests.faceapp.session.results import card, result

pytestmark = pytest.mark.skipif(os.name == "nt", reason="Windows keeps folders of people apart by itself")


@pytest.fixture
def usual_rights() -> Iterator[None]:
    before = os.umask(0o022)
    yield
    os.umask(before)


@pytest.mark.usefixtures("usual_rights")
@pytest.mark.parametrize(("shared", "of_folder", "of_files"), [(False, 0o700, 0o600), (True, 0o755, 0o644)])
def test_every_file_has_the_rights_that_were_asked_for(
    tmp_path: Path, shared: bool, of_folder: int, of_files: int
) -> None:
    folder = new_session_folder(tmp_path, "s", shared)
    writer = SessionWriter(folder, source="t", cards=[card()], settings={}, video=True, wait=True)
    for index in range(5):
        writer.put_frame(result(index).frame)
        writer.put(result(index))
    writer.close()
    append_event(folder, Event(0.0, 0.0))
    check_session(folder)

    assert folder.stat().st_mode & 0o777 == of_folder
    rights = {path.name: path.stat().st_mode & 0o777 for path in folder.iterdir()}
    assert set(rights) == {"session.json", "faces.parquet", "frames.parquet", "video.mkv", "events.jsonl"}
    assert set(rights.values()) == {of_files}, rights
