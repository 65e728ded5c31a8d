from __future__ import annotations

from pathlib import Path

import pytest

from faceapp.errors import SessionError
from faceapp.session.annotation_import import import_events, seconds_of
from faceapp.session.annotations import Event
from faceapp.session.exports.elan import write_elan
from faceapp.session.segments import Segment

SPAN_S = (0.0, 100.0)
FACES = frozenset(range(1, 8))

EAF = """<?xml version="1.0" encoding="UTF-8"?>
<ANNOTATION_DOCUMENT AUTHOR="" DATE="2026-01-01T00:00:00+00:00" FORMAT="3.0" VERSION="3.0">
<HEADER MEDIA_FILE="" TIME_UNITS="milliseconds"/>
<TIME_ORDER>
<TIME_SLOT TIME_SLOT_ID="ts1" TIME_VALUE="1000"/><TIME_SLOT TIME_SLOT_ID="ts2"/>
<TIME_SLOT TIME_SLOT_ID="ts3" TIME_VALUE="4000"/><TIME_SLOT TIME_SLOT_ID="ts4" TIME_VALUE="4001"/>
</TIME_ORDER>
<TIER TIER_ID="mood" ANNOTATOR="Anna" LINGUISTIC_TYPE_REF="default-lt">
<ANNOTATION><ALIGNABLE_ANNOTATION ANNOTATION_ID="a1" TIME_SLOT_REF1="ts1" TIME_SLOT_REF2="ts2">
<ANNOTATION_VALUE>calm</ANNOTATION_VALUE></ALIGNABLE_ANNOTATION></ANNOTATION>
<ANNOTATION><ALIGNABLE_ANNOTATION ANNOTATION_ID="a2" TIME_SLOT_REF1="ts3" TIME_SLOT_REF2="ts4">
<ANNOTATION_VALUE>blink</ANNOTATION_VALUE></ALIGNABLE_ANNOTATION></ANNOTATION>
</TIER>
<TIER TIER_ID="words" LINGUISTIC_TYPE_REF="child" PARENT_REF="mood">
<ANNOTATION><REF_ANNOTATION ANNOTATION_ID="a4" ANNOTATION_REF="a3">
<ANNOTATION_VALUE>of a child's child</ANNOTATION_VALUE></REF_ANNOTATION></ANNOTATION>
<ANNOTATION><REF_ANNOTATION ANNOTATION_ID="a3" ANNOTATION_REF="a1">
<ANNOTATION_VALUE>hello &amp; welcome</ANNOTATION_VALUE></REF_ANNOTATION></ANNOTATION>
</TIER>
<TIER TIER_ID="exclude 2"><ANNOTATION>
<ALIGNABLE_ANNOTATION ANNOTATION_ID="a5" TIME_SLOT_REF1="ts1" TIME_SLOT_REF2="ts3"/></ANNOTATION></TIER>
</ANNOTATION_DOCUMENT>
"""


def read(
    tmp_path: Path, name: str, text: str | bytes, span_s: tuple[float, float] = SPAN_S
) -> tuple[Event, ...]:
    path = tmp_path / name
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    return import_events(path, "Eve", span_s, FACES)


def test_a_table_with_every_column(tmp_path: Path) -> None:
    text = "Start,End,Label,Face,Note,Author,Kind\n1.5,2,smile,face 2,a note,Ben,\n3,,,all,,,exclude\n\n"
    assert read(tmp_path, "a.csv", text) == (
        Event(1.5, 2, label="smile", face=2, note="a note", author="Ben"),
        Event(3, 3, kind="exclude", author="Eve"),
    )


def test_kinds_are_known_in_capitals_too(tmp_path: Path) -> None:
    text = "start,end,kind\n1,2,Exclude\n3,4,NOTE\n5,6,Trial\n"
    assert [event.kind for event in read(tmp_path, "a.csv", text)] == ["exclude", "note", "Trial"]


def test_bids_events_and_other_separators(tmp_path: Path) -> None:
    bids = "onset\tduration\ttrial_type\n1\t2.5\tfilm\n4\tn/a\tbeep\n5\t0\tbeep\n"
    assert [(e.start, e.end, e.label) for e in read(tmp_path, "events.tsv", bids)] == [
        (1, 3.5, "film"),
        (4, 4, "beep"),
        (5, 5, "beep"),
    ]
    german = "\ufeffstart;end;label\n0:01,5;0:00:02,25;Lächeln\n"
    assert read(tmp_path, "a.csv", german) == (Event(1.5, 2.25, label="Lächeln", author="Eve"),)


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("", "expected a first line with start"),
        ("a,b\n1,2\n", "expected a first line with start .* found 'a, b'"),
        ("start,label\n", "expected annotations, found none"),
        ("start,label\n1,a\nx,b\n", "line 3: expected a start in seconds, found 'x'"),
        ("start,label\nnan,b\n", "line 2: event.start: expected seconds, found nan"),
        ("start,end\n2,1\n", "line 2: event: expected an end not before its start"),
        ("start,duration\n2,-1\n", "line 2: event: expected an end not before its start"),
        ("start,face\n2,Anna\n", "line 2: expected the id of a face, found 'Anna'"),
        ("start,face\n2,99999999999999999999\n", "line 2: expected the id of a face, found '9999"),
        ("start,face\n2,-1\n", "line 2: expected the id of a face, found '-1'"),
        ('start,label\n1,"a\n2,b\n', "line 3: expected a table, found unexpected end of data"),
        ("start\n101\n102\n", r"within the session.*found 101.000 s.*\(and 1 more\)"),
        (b"\xff\xfe1\x002\x00", "expected text in UTF-8"),
        ("start\0,label\n", "found a binary file"),
        ('start,label\n1,"' + "x" * 140_000 + '"\n', "expected a table, found field larger"),
    ],
)
def test_a_table_that_cannot_be_read_is_one_line(tmp_path: Path, text: str | bytes, problem: str) -> None:
    with pytest.raises(SessionError, match=problem) as caught:
        read(tmp_path, "marks.csv", text)
    assert "\n" not in str(caught.value) and "marks.csv" in str(caught.value)


def test_elan_tiers_become_authors_and_references_take_their_parents_times(tmp_path: Path) -> None:
    assert read(tmp_path, "a.eaf", EAF) == (
        Event(1.0, 2.5, label="calm", author="Anna"),
        Event(4.0, 4.0, label="blink", author="Anna"),
        Event(1.0, 2.5, label="of a child's child", author="words"),
        Event(1.0, 2.5, label="hello & welcome", author="words"),
        Event(1.0, 4.0, kind="exclude", author="Eve"),
    )


def test_what_the_program_exports_comes_back(tmp_path: Path) -> None:
    events = [Event(1, 2, label="a <b>"), Event(3, 3, label="c"), Event(5, 9, kind="exclude", label="noise")]
    write_elan(tmp_path / "a.eaf", [Segment(2, 0.0, 4.0, "happiness", 0.9)], events, None)
    found = import_events(tmp_path / "a.eaf", "", SPAN_S, FACES)
    assert found == (Event(0, 4, label="happiness", face=2), *events)


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        (EAF[:700], "found damaged XML"),
        ("no xml", "found damaged XML"),
        (b"", "found damaged XML"),
        ("<html/>", "expected an ELAN document, found <html>"),
        (EAF.replace('TIME_VALUE="1000"', 'TIME_VALUE="soon"'), "a time slot without a number"),
        (
            EAF.replace('TIME_SLOT_REF1="ts3"', 'TIME_SLOT_REF1="ts9"'),
            "annotation 'a2' without its time slots",
        ),
        (EAF.replace('ANNOTATION_REF="a1"', 'ANNOTATION_REF="a4"'), "that refers to none"),
        (
            EAF.replace("</TIER>", "<ANNOTATION><OTHER/></ANNOTATION></TIER>", 1),
            "found <OTHER> where an annotation belongs",
        ),
        (EAF.replace("milliseconds", "PAL-frames"), "times in PAL-frames"),
        (EAF.replace('TIME_VALUE="1000"', 'TIME_VALUE="9000"'), "expected an end not before its start"),
        (
            '<!DOCTYPE a [<!ENTITY b "c">]><ANNOTATION_DOCUMENT>&b;</ANNOTATION_DOCUMENT>',
            "found a document type",
        ),
        (EAF.replace('encoding="UTF-8"', 'encoding="klingon"'), "found damaged XML"),
    ],
)
def test_a_damaged_elan_file_is_one_line(tmp_path: Path, text: str | bytes, problem: str) -> None:
    with pytest.raises(SessionError, match=problem) as caught:
        read(tmp_path, "film.eaf", text)
    assert "\n" not in str(caught.value) and "film.eaf" in str(caught.value)


def test_an_elan_mark_outside_the_session_is_refused(tmp_path: Path) -> None:
    with pytest.raises(SessionError, match=r"film.eaf: annotation \(blink\): expected a time within"):
        read(tmp_path, "film.eaf", EAF, (0.0, 3.9))


def test_a_mark_of_a_face_that_the_session_lacks_is_refused(tmp_path: Path) -> None:
    expected = r"a.csv: annotation \(smile\) at 2.000 s: expected a face of the session \(1, 2, .*, 7\), found 9; correct"
    with pytest.raises(SessionError, match=expected):
        read(tmp_path, "a.csv", "start,label,face\n1,frown,2\n2,smile,9\n")
    (tmp_path / "b.csv").write_text("start,face\n1,30\n2,31\n")
    with pytest.raises(SessionError, match=r"\(10, .*, 17, ...\), found 30; .* \(and 1 more\)"):
        import_events(tmp_path / "b.csv", "Eve", SPAN_S, range(10, 20))


def test_a_missing_and_an_enormous_file_are_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(SessionError, match="expected a file of annotations"):
        import_events(tmp_path / "none.csv", "Eve", SPAN_S, FACES)
    monkeypatch.setattr("faceapp.session.annotation_import.LARGEST_BYTES", 10)
    with pytest.raises(SessionError, match="expected at most"):
        read(tmp_path, "a.csv", "start,label\n1,a\n")


@pytest.mark.parametrize(
    ("text", "seconds"), [("2.5", 2.5), ("1:02,5", 62.5), ("1:00:00.25", 3600.25), ("-1", -1)]
)
def test_times_as_people_write_them(text: str, seconds: float) -> None:
    assert seconds_of(text) == seconds


@pytest.mark.parametrize("text", ["", "1:2:3:4", "1:-2", "soon"])
def test_what_is_no_time(text: str) -> None:
    with pytest.raises(ValueError, match=r"."):
        seconds_of(text)
