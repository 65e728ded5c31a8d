"""One bad spot costs what it covers: the rest of a session is kept, and what is lost is said."""

from __future__ import annotations

import errno
import json
import os
import shutil
from pathlib import Path

import pytest

from faceapp.errors import SessionError
from faceapp.session import video_repair
from faceapp.session.annotation_faces import load_face_edits
from faceapp.session.annotation_scheme import load_scheme
from faceapp.session.annotations import Event, append_event, read_events
from faceapp.session.check import check_session
from faceapp.session.reader import read_session
from faceapp.session.writer import SessionWriter
from tests.faceapp.session.results import card, result
from tests.waiting import wait_until

ROWS = 12


def record(folder: Path, seal: bool = True) -> Path:
    """Record twelve frames; without `seal` leave what a program leaves that is killed when all is on the disk."""
    place = folder if seal else folder.with_name("running")
    writer = SessionWriter(place, source="cam", cards=[card()], settings={}, wait=True, captured=True)
    for index in range(ROWS):
        writer.put_frame(result(index).frame)
        writer.put(result(index))
    if not seal:
        wait_until(lambda: _counted(place) == ROWS, "the rows did not reach the disk")
        shutil.copytree(place, folder)
        (folder / "recording.lock").unlink()
        os.utime(folder / "session.json", (0, 0))
    writer.close()
    return folder


def _counted(folder: Path) -> int:
    return int(json.loads((folder / "session.json").read_text())["frames"]["faces"])


@pytest.mark.parametrize("cut", [0, 1, 300, -9])
def test_a_truncated_session_file_is_made_anew_from_the_table(tmp_path: Path, cut: int) -> None:
    folder = record(tmp_path / "s")
    append_event(folder, Event(0.1, 0.1, label="here"))
    path = folder / "session.json"
    before = json.loads(path.read_text())
    damaged = path.read_bytes()[:cut]
    path.write_bytes(damaged)

    told = check_session(folder, repair=False)
    assert path.read_bytes() == damaged and len(told.repairs) == 1 and "made anew" in told.repairs[0]
    found = check_session(folder)

    assert found.rows == ROWS and found.problems == []
    session = read_session(folder)
    for key in ("source", "started_utc", "models", "clock"):
        kept = session.metadata[key]
        assert kept == before[key] if key != "models" else [m["sha256"] for m in kept] == ["ab" * 32]
    assert session.metadata["state"] == "repaired" and session.metadata["frames"]["faces"] == ROWS
    assert "settings, notes and consent are lost" in session.metadata["errors"][0]
    assert (folder / "session.json.damaged").read_bytes() == damaged
    assert [event.label for event in read_events(folder)] == ["here"]
    assert check_session(folder).repairs == []


def test_a_truncated_session_file_of_a_killed_recording_is_made_anew(tmp_path: Path) -> None:
    folder = record(tmp_path / "s", seal=False)
    before = json.loads((folder / "session.json").read_text())
    (folder / "session.json").write_text('{"schema_version": 1, "sta')
    found = check_session(folder)
    assert (found.rows, found.problems) == (ROWS, [])
    assert read_session(folder).metadata["started_utc"][:19] == before["started_utc"][:19]


@pytest.mark.parametrize(
    ("old", "new"),
    [
        (b"31.500", b"31.x00"),
        (b"tiny", b"ti\xffy"),
        (b",0.", b",\x00"),
        (b"tiny", b"ti,ny"),
        (b"none", b'no"ne'),
    ],
)
def test_one_unreadable_cell_costs_its_row(tmp_path: Path, old: bytes, new: bytes) -> None:
    folder = record(tmp_path / "s", seal=False)
    path = folder / "faces.csv"
    lines = path.read_bytes().splitlines(keepends=True)
    assert old in lines[5]
    lines[5] = lines[5].replace(old, new, 1)
    path.write_bytes(b"".join(lines))

    found = check_session(folder)

    if found.rows == ROWS:  # a text may hold a quote
        assert new == b'no"ne' and found.problems == []
        return
    assert found.rows == ROWS - 1 and read_session(folder).column("frame").tolist() == [
        frame for frame in range(ROWS) if frame != 4
    ]
    assert any("1 damaged row left out, kept in faces.csv.damaged" in problem for problem in found.problems)
    assert (folder / "faces.csv.damaged").read_bytes() == lines[0] + lines[5]


@pytest.mark.parametrize(("tail", "kept"), [("", 1), ("0.12", 0)])
def test_a_last_row_without_line_end_counts_where_it_is_whole(tmp_path: Path, tail: str, kept: int) -> None:
    folder = record(tmp_path / "s", seal=False)
    path = folder / "faces.csv"
    content = path.read_bytes().rstrip(b"\n")
    path.write_bytes(content if kept else content.rpartition(b",")[0].rpartition(b",")[0] + tail.encode())
    found = check_session(folder)
    assert found.rows == ROWS - 1 + kept
    assert any("line end" in repair if kept else "incomplete last row" in repair for repair in found.repairs)


def test_a_last_mark_without_line_end_counts(tmp_path: Path) -> None:
    folder = record(tmp_path / "s")
    append_event(folder, Event(0.1, 0.1, label="here"))
    path = folder / "events.jsonl"
    path.write_text(path.read_text().rstrip("\n"))
    found = check_session(folder)
    assert found.repairs == ["events.jsonl: the last line got its line end"] and found.problems == []
    assert path.read_text().endswith("}\n") and len(read_events(folder)) == 1


def test_rows_that_a_killed_recording_had_counted_are_missed_once_and_for_ever(tmp_path: Path) -> None:
    folder = record(tmp_path / "s", seal=False)
    path = folder / "faces.csv"
    path.write_bytes(b"".join(path.read_bytes().splitlines(keepends=True)[:-3]))
    found = check_session(folder)
    assert found.problems == [f"faces.csv: 3 of {ROWS} rows that were counted are lost"]
    assert json.loads((folder / "session.json").read_text())["errors"] == found.problems
    assert check_session(folder).problems == []


@pytest.mark.parametrize("depth", [100_000])
def test_json_that_is_nested_too_deep_is_one_line(tmp_path: Path, depth: int) -> None:
    folder = record(tmp_path / "s")
    (folder / "events.jsonl").write_text("[" * depth + "\n")
    assert any("expected an event" in problem for problem in check_session(folder).problems)
    for name, read in (("face_edits.json", load_face_edits), ("annotation_scheme.json", load_scheme)):
        (folder / name).write_text("[" * depth)
        with pytest.raises(SessionError, match="nested too deep"):
            read(folder if name == "face_edits.json" else folder / name)
    (folder / "session.json").write_text("[" * depth)
    assert check_session(folder).rows == ROWS


def test_a_full_disk_while_the_video_gets_its_index_says_so(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = record(tmp_path / "s")

    def full(_part: Path, _path: Path) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(video_repair, "put_in_place", full)
    before = (folder / "video.mkv").read_bytes()
    with pytest.raises(SessionError, match=r"expected room to write it anew.*No space left"):
        video_repair.rewrite_video(folder / "video.mkv")
    assert (folder / "video.mkv").read_bytes() == before
    assert not list(folder.glob(".*part"))
