from __future__ import annotations

import json
from pathlib import Path

import pyarrow
import pytest
from pyarrow import parquet

from faceapp.errors import SessionError
from faceapp.session.annotations import Event, append_event, read_events
from faceapp.session.check import check_session
from faceapp.session.reader import read_session
from faceapp.session.writer import SessionWriter
from tests.faceapp.session.results import card, result


@pytest.fixture
def session(tmp_path: Path) -> Path:
    writer = SessionWriter(tmp_path / "s", source="test", cards=[card()], settings={}, wait=True)
    for index in range(10):
        writer.put(result(index))
    return writer.close()


def edit(session: Path, **values: object) -> None:
    path = session / "session.json"
    path.write_text(json.dumps({**json.loads(path.read_text()), **values}))


def test_a_sound_session_has_nothing_to_repair(session: Path):
    found = check_session(session)
    assert (found.repairs, found.problems, found.rows, found.frames_in_video) == ([], [], 10, 10)


def test_a_damaged_table_is_a_problem_and_stays(session: Path):
    path = session / "faces.parquet"
    path.write_bytes(path.read_bytes()[:200])
    found = check_session(session)
    assert len(found.problems) == 1 and "expected a sealed table" in found.problems[0]
    assert path.stat().st_size == 200
    with pytest.raises(SessionError, match="sealed table"):
        read_session(session)


def test_a_missing_or_shortened_video_is_a_problem(session: Path):
    path = session / "video.mkv"
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])
    assert any("video.mkv" in problem for problem in check_session(session).problems)
    path.unlink()
    assert any("found none" in problem for problem in check_session(session).problems)


def test_rows_that_do_not_match_the_counts_are_a_problem(session: Path):
    metadata = json.loads((session / "session.json").read_text())
    edit(session, frames={**metadata["frames"], "faces": 11})
    assert check_session(session).problems == ["faces.parquet: expected 11 rows, found 10; restore it"]


def test_times_that_go_back_are_told_and_kept(session: Path):
    path = session / "faces.parquet"
    table = parquet.read_table(path)
    times_s = table.column("time_s").to_numpy().copy()
    times_s[4] = times_s[1]
    column = table.schema.get_field_index("time_s")
    parquet.write_table(table.set_column(column, table.schema.field(column), pyarrow.array(times_s)), path)

    found = check_session(session)

    assert len(found.problems) == 2 and "expected times that rise" in found.problems[0]
    assert "in row 5 after" in found.problems[0] and found.rows == 10
    assert "expected the file that was sealed" in found.problems[1]


def test_a_csv_beside_its_sealed_table_is_removed(session: Path):
    (session / "faces.csv").write_text("frame\n")
    assert any("removed" in repair for repair in check_session(session).repairs)
    assert not (session / "faces.csv").exists()
    assert read_session(session).table.num_rows == 10


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ('{"schema_version": 2}', "expected schema_version 1, found 2"),
        ('{"schema_version": 1}', "expected a state"),
    ],
)
def test_a_broken_session_file_is_one_line(session: Path, text: str, message: str):
    (session / "session.json").write_text(text)
    with pytest.raises(SessionError, match=message) as caught:
        check_session(session)
    assert "\n" not in str(caught.value)


def test_a_folder_without_session_is_one_line(tmp_path: Path):
    with pytest.raises(SessionError, match=r"found no session\.json"):
        check_session(tmp_path)


@pytest.mark.parametrize("name", ["../outside.mkv", "/etc/passwd"])
def test_files_outside_the_folder_are_refused(session: Path, name: str):
    edit(session, video={"file": name})
    with pytest.raises(SessionError, match="inside the session folder"):
        read_session(session)
    assert any("inside the session folder" in problem for problem in check_session(session).problems)


def test_events_come_back_ordered_and_a_wrong_line_is_named(session: Path):
    late, early = Event(0.2, 0.3, label="späť"), Event(0.1, 0.1, kind="exclude", face=2, author="A")
    append_event(session, late)
    append_event(session, early)
    assert read_events(session) == (early, late)
    assert check_session(session).problems == []
    with (session / "events.jsonl").open("a") as stream:
        stream.write('{"start": 5}\n')
    assert "line 3" in check_session(session).problems[0]


@pytest.mark.parametrize(
    "values",
    [{"start": 2.0, "end": 1.0}, {"start": float("nan"), "end": 1.0}, {"start": 0, "end": 1, "face": "1"}],
)
def test_an_event_that_makes_no_sense_is_refused(values: dict[str, object]):
    with pytest.raises(SessionError, match="event"):
        Event(**values)


def test_a_program_killed_before_its_first_frame_leaves_a_session_that_can_be_repaired(tmp_path: Path):
    import os
    import shutil

    writer = SessionWriter(tmp_path / "s", source="test", cards=[], settings={})
    killed = shutil.copytree(tmp_path / "s", tmp_path / "killed")
    writer.close()
    os.utime(
        killed / "session.json", (2e9 + 2e9, 2e9 + 2e9)
    )  # a clock in the future must not make it wait for ever
    found = check_session(killed)
    assert (found.problems, found.rows, found.frames_in_video) == ([], 0, None)
    assert read_session(killed).metadata["state"] == "repaired"


@pytest.mark.parametrize("name", ["faces.parquet", "frames.parquet", "video.mkv"])
def test_a_flipped_bit_anywhere_in_a_sealed_file_is_told(tmp_path: Path, name: str) -> None:
    writer = SessionWriter(tmp_path / "s", source="t", cards=[card()], settings={}, wait=True, captured=True)
    for index in range(10):
        writer.put_frame(result(index).frame)
        writer.put(result(index))
    path = writer.close() / name
    whole = path.read_bytes()
    for place in range(0, len(whole), max(1, len(whole) // 40)):
        content = bytearray(whole)
        content[place] ^= 1 << (place % 8)
        path.write_bytes(content)
        assert any(name in problem for problem in check_session(path.parent).problems), place
    path.write_bytes(whole)
    assert check_session(path.parent).problems == []


def test_a_sealed_file_that_is_gone_or_foreign_is_told(tmp_path: Path) -> None:
    folders = []
    for number, count in enumerate((10, 12)):
        writer = SessionWriter(
            tmp_path / str(number), source="t", cards=[card()], settings={}, wait=True, captured=True
        )
        for index in range(count):
            writer.put_frame(result(index).frame)
            writer.put(result(index))
        folders.append(writer.close())
    frames = folders[0] / "frames.parquet"
    frames.write_bytes((folders[1] / "frames.parquet").read_bytes())
    assert any(
        "frames.parquet: expected the file that was sealed" in p for p in check_session(folders[0]).problems
    )
    frames.unlink()
    assert any(
        "frames.parquet: expected the file that was sealed, found none" in p
        for p in check_session(folders[0]).problems
    )


def test_a_repair_hides_no_loss(session: Path) -> None:
    metadata = json.loads((session / "session.json").read_text())
    edit(session, frames={**metadata["frames"], "faces": 11})
    (session / ".faces.parquet.1.part").write_bytes(b"half")
    found = check_session(session)
    assert any("expected 11 rows, found 10" in problem for problem in found.problems)
    assert json.loads((session / "session.json").read_text())["frames"]["faces"] == 11
