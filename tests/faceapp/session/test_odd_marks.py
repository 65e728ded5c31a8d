"""Marks as other people and programs make them: where exports and imports went wrong."""

from __future__ import annotations

import json
import shutil
from datetime import datetime
from pathlib import Path
from xml.etree import ElementTree

import pytest

from faceapp.errors import SessionError
from faceapp.session.annotation_faces import FaceEdits, save_face_edits
from faceapp.session.annotation_import import import_events, read_table_events
from faceapp.session.annotations import Event, append_event, mark_text
from faceapp.session.face_rows import safe_text
from tests.faceapp.session.exported import written

DATA = Path(__file__).resolve().parents[2] / "data"
ODD = "a\x00b\x0bc\x1fd\ud800e￾f"


@pytest.fixture
def copy(session: Path, tmp_path: Path) -> Path:
    return shutil.copytree(session, tmp_path / "copy")


def test_start_and_stop_rows_of_boris_are_stretches() -> None:
    path = DATA / "boris_v8_tabular_events.csv"
    events = import_events(path, "me", (0.0, 60.0), [])
    assert [(event.label, event.start, event.end) for event in events] == [
        ("happiness", 5.355, 12.105),
        ("sadness", 13.0, 15.5),
        ("blink", 16.0, 16.0),
    ]


def test_a_table_of_boris_6_tells_about_the_observation_first() -> None:
    table = (
        "Observation id,test\n\nMedia file(s)\nPlayer #1,a.mp4\n\nTime,Media file path,Subject,Behavior,Comment,Status\n"
        "1.5,a.mp4,A,smile,,START\n1.7,a.mp4,B,smile,,START\n2.0,a.mp4,A,smile,late,STOP\n3,a.mp4,B,smile,,STOP\n"
        "4,a.mp4,A,blink,,POINT\n"
    )
    events = read_table_events(table.encode(), "b.csv")
    assert [(event.label, event.start, event.end, event.note) for event in events] == [
        ("smile", 1.5, 2.0, "late"),
        ("smile", 1.7, 3.0, ""),
        ("blink", 4.0, 4.0, ""),
    ]


@pytest.mark.parametrize(
    ("rows", "words"),
    [
        ("1,smile,START\n", "line 2: expected STOP of 'smile' after it, found none"),
        ("1,smile,STOP\n", "line 2: expected START of 'smile' before, found STOP alone"),
        ("1,smile,START\n2,smile,START\n", "line 3: expected STOP of 'smile' first, found another START"),
        ("1,smile,BEGIN\n", "line 2: expected START, STOP or POINT, found 'BEGIN'"),
    ],
)
def test_rows_that_do_not_pair_are_one_line(rows: str, words: str) -> None:
    with pytest.raises(SessionError, match=words):
        read_table_events(f"time,behavior,behavior type\n{rows}".encode(), "b.csv")


@pytest.mark.parametrize(
    ("header", "row"),
    [
        ("Begin Time - ss.msec\tEnd Time - ss.msec\tAnnotation", "1.250\t2.500\tnod"),
        ("Begin Time - hh:mm:ss.ms\tDuration - ss.msec\tAnnotation", "00:00:01.250\t1.25\tnod"),
    ],
)
def test_tables_of_elan_are_read(header: str, row: str) -> None:
    (event,) = read_table_events(f"{header}\n{row}\n".encode(), "e.txt")
    assert (event.start, event.end, event.label) == (1.25, 2.5, "nod")


def test_a_stretch_with_a_note_says_what_starts() -> None:
    event = Event(1, 2, label="stretch", note="note", face=2)
    assert mark_text(event, "_start") == "stretch_start: note [face 2]"


def test_odd_characters_break_neither_elan_nor_captions(copy: Path, tmp_path: Path) -> None:
    append_event(copy, Event(0.3, 0.4, label=ODD.replace("\ud800", ""), note="x\x0by", author="c\x02d"))
    (elan,) = written(copy, "elan", tmp_path / "out")
    texts = [node.text or "" for node in ElementTree.parse(elan).iter("ANNOTATION_VALUE")]
    assert "a b c d" in " ".join(texts)
    (captions,) = written(copy, "webvtt", tmp_path / "out")
    text = captions.read_text(encoding="utf-8")
    assert "a b c d" in text and not any(ord(letter) < 32 and letter != "\n" for letter in text)


def test_marks_of_a_table_with_a_vertical_tab_are_exported(copy: Path, tmp_path: Path) -> None:
    for event in import_events(DATA / "mark_with_vertical_tab.csv", "me", (0.0, 2.0), []):
        append_event(copy, event)
    (elan,) = written(copy, "elan", tmp_path / "out")
    assert any("smile" in (node.text or "") for node in ElementTree.parse(elan).iter("ANNOTATION_VALUE"))


def test_two_faces_of_one_name_have_two_tiers(copy: Path, tmp_path: Path) -> None:
    save_face_edits(copy, FaceEdits(names={1: "Ann", 2: "Ann"}))
    (elan,) = written(copy, "elan", tmp_path / "out")
    tiers = [tier.get("TIER_ID") for tier in ElementTree.parse(elan).iter("TIER")]
    assert {"Ann (face 1)", "Ann (face 2)"} <= set(tiers) and len(tiers) == len(set(tiers))


@pytest.mark.parametrize("at_s", [0.0, 0.013, 0.0199, 0.0201, 0.987, 1.5])
def test_a_moment_that_is_no_frame_stands_once_in_the_detailed_log(
    copy: Path, tmp_path: Path, at_s: float
) -> None:
    append_event(copy, Event(at_s, at_s, label="here"))
    for path in written(copy, "facereader", tmp_path / "out"):
        rows = [line.split("\t") for line in path.read_text(encoding="utf-8").splitlines()]
        header = next(number for number, row in enumerate(rows) if "Event Marker" in row)
        column = rows[header].index("Event Marker")
        times = [row[0] for row in rows[header + 1 :] if "here" in row[column]]
        assert len(times) == 1
        clock = datetime.strptime(times[0], "%H:%M:%S.%f")
        assert abs(clock.second + clock.microsecond / 1e6 - at_s) <= 0.0205


@pytest.mark.parametrize("microsecond", [0, 1, 99_999, 123_456, 500_000, 999_999])
def test_edf_is_read_by_another_reader_at_every_start(copy: Path, tmp_path: Path, microsecond: int) -> None:
    pyedflib = pytest.importorskip("pyedflib")
    path = copy / "session.json"
    metadata = json.loads(path.read_text())
    metadata["started_utc"] = f"2026-12-01T10:20:30.{microsecond:06d}Z"
    path.write_text(json.dumps(metadata))
    append_event(copy, Event(0.777, 0.777, label="here"))
    (edf,) = written(copy, "edf", tmp_path / "out")
    with pyedflib.EdfReader(str(edf)) as reader:
        onsets, _, texts = reader.readAnnotations()
        start = reader.getStartdatetime()
        labels, rate = reader.getSignalLabels(), reader.getSampleFrequency(0)
        values = reader.readSignal(labels.index("f1 p_happiness"))
    early_s = microsecond / 1e6
    assert start == datetime(2026, 12, 1, 10, 20, 30)
    at_s = next(onset for onset, text in zip(onsets, texts, strict=True) if text.startswith("here"))
    assert at_s == pytest.approx(0.777 + early_s, abs=1e-4)
    seen = (values > -0.5).nonzero()[0]
    assert abs(seen[0] / rate - early_s) <= 1 / rate, "the first face is where the session begins"


@pytest.mark.parametrize(
    "text",
    ["=1", "＝1", "＋1", "－1", "＠x", "\u00a0=1", "\u2003＝1", "\ufeff=1", "\u200b=1", " \u00a0 @x", "−1"],
)
def test_what_a_spreadsheet_would_run_gets_an_apostrophe(text: str) -> None:
    assert safe_text(text).startswith("'")


@pytest.mark.parametrize("text", ["plain", "1+1", "a=b", "größer", "", "\u00a0plain"])
def test_other_texts_stay(text: str) -> None:
    assert safe_text(text) == text
