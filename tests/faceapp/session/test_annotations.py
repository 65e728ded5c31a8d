from __future__ import annotations

import json
import math
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from faceapp.errors import SessionError
from faceapp.session.annotation_edits import Annotations
from faceapp.session.annotation_scheme import (
    DEFAULT_SCHEME,
    RESERVED_KEYS,
    SCHEME_FILE,
    Code,
    Scheme,
    load_scheme,
    save_scheme,
    session_scheme,
)
from faceapp.session.annotations import (
    EVENTS_FILE,
    Event,
    append_changes,
    append_event,
    read_events,
    read_lines,
)

SPAN_S = (0.0, 60.0)
TALK = Code("talk", "T", "#3BB2D0", "range")
NOD = Code("nod", "1", "#F2B701")


@pytest.fixture
def annotations(tmp_path: Path) -> Annotations:
    return Annotations(tmp_path, span_s=SPAN_S)


def test_the_journal_replaces_and_removes_by_id_and_rewrites_nothing(tmp_path: Path) -> None:
    kept = append_event(tmp_path, Event(1, 2, label="a", author="Anna"))
    gone = append_event(tmp_path, Event(3, 3, label="b", author="Ben"))
    written = (tmp_path / EVENTS_FILE).read_bytes()
    append_changes(tmp_path, {kept.id: Event(1, 5, label="c", author="Anna"), gone.id: None})
    assert read_events(tmp_path) == (Event(1, 5, label="c", author="Anna"),)
    assert read_events(tmp_path)[0].id == kept.id
    assert (tmp_path / EVENTS_FILE).read_bytes().startswith(written)
    assert all("saved_utc" in json.loads(line) for line in (tmp_path / EVENTS_FILE).read_text().splitlines())


def test_lines_of_old_sessions_without_id_can_be_changed(tmp_path: Path) -> None:
    (tmp_path / EVENTS_FILE).write_text('{"start": 1, "end": 1, "label": "1"}\n{"start": 2, "end": 2}\n')
    annotations = Annotations(tmp_path, read_events(tmp_path), SPAN_S)
    annotations.remove(annotations.events[0].id)
    assert [event.start for event in read_events(tmp_path)] == [2]


def test_a_half_line_of_a_killed_program_does_not_spoil_the_next(tmp_path: Path) -> None:
    append_event(tmp_path, Event(1, 1, label="a"))
    with (tmp_path / EVENTS_FILE).open("a") as stream:
        stream.write('{"start": 2, "en')
    append_event(tmp_path, Event(3, 3, label="c"))
    assert [event.label for event in read_events(tmp_path)] == ["a", "c"]


@pytest.mark.parametrize(
    "line",
    ["[1]", "3", '{"start": 1}', '{"start": 1, "end": 2, "more": 3}', "null", "\x00", "[" * 100_000],
)
def test_a_line_that_is_no_event_is_named_and_the_others_stay(tmp_path: Path, line: str) -> None:
    (tmp_path / EVENTS_FILE).write_text(f'{{"start": 1, "end": 1}}\n{line}\n{{"start": 2, "end": 2}}\n')
    assert [event.start for event in read_events(tmp_path)] == [1, 2]
    (problem,) = [found.problem for found in read_lines(tmp_path).values() if found.problem]
    assert problem.startswith("events.jsonl, line 2: expected an event") and "\n" not in problem


def test_a_whole_last_line_counts_without_its_end(tmp_path: Path) -> None:
    (tmp_path / EVENTS_FILE).write_text('{"start": 1, "end": 1, "label": "a"}')
    assert [event.label for event in read_events(tmp_path)] == ["a"]
    append_event(tmp_path, Event(3, 3, label="c"))
    assert [event.label for event in read_events(tmp_path)] == ["a", "c"]


def test_a_journal_that_cannot_be_written_changes_nothing(tmp_path: Path) -> None:
    annotations = Annotations(tmp_path / "missing", span_s=SPAN_S)
    with pytest.raises(SessionError, match="expected a folder that can be written"):
        annotations.add(Event(1, 1))
    assert annotations.events == () and annotations.undo_text == ""


@pytest.mark.parametrize(("start", "end"), [(-1, 2), (59, 60.001), (61, 61)])
def test_a_mark_outside_the_session_is_refused_with_one_line(
    annotations: Annotations, tmp_path: Path, start: float, end: float
) -> None:
    with pytest.raises(SessionError, match=r"within the session, 0\.000 to 60\.000 s") as caught:
        annotations.add(Event(start, end, label="late"))
    assert "\n" not in str(caught.value)
    inside = annotations.add(Event(5, 6))
    with pytest.raises(SessionError, match="within the session"):
        annotations.change(inside.id, start=start, end=end)
    assert read_events(tmp_path) == (Event(5, 6),)


def test_several_are_added_all_or_none(annotations: Annotations) -> None:
    with pytest.raises(SessionError):
        annotations.add_all([Event(1, 1), Event(99, 99)], "import")
    assert annotations.events == ()
    annotations.add_all([Event(2, 2), Event(1, 1)], "import 2 marks")
    assert [event.start for event in annotations.events] == [1, 2]
    assert annotations.undo() == "import 2 marks"
    assert annotations.events == ()


def test_a_range_code_begins_and_ends_for_each_author_and_face(
    annotations: Annotations, tmp_path: Path
) -> None:
    annotations.press(TALK, 1.0, "Anna")
    annotations.press(TALK, 2.0, "Ben", face=3)
    assert read_events(tmp_path)[0].is_point, "a kill now leaves the start"
    assert [event.start for event in annotations.running("Anna")] == [1.0]
    annotations.press(TALK, 4.0, "Anna")
    annotations.press(NOD, 4.5, "Anna", note="twice")
    annotations.press(TALK, 0.5, "Ben", face=3)
    assert annotations.running("Anna") == annotations.running("Ben") == ()
    assert read_events(tmp_path) == (
        Event(0.5, 2.0, label="talk", face=3, author="Ben"),
        Event(1.0, 4.0, label="talk", author="Anna"),
        Event(4.5, 4.5, label="nod", note="twice", author="Anna"),
    )
    assert annotations.authors == ("Anna", "Ben")


def test_what_runs_at_the_end_is_ended(annotations: Annotations) -> None:
    annotations.press(TALK, 1.0, "Anna")
    annotations.end_all(9.0)
    assert annotations.events == (Event(1.0, 9.0, label="talk", author="Anna"),)
    assert annotations.running("Anna") == ()


def test_undoing_the_start_of_a_range_forgets_that_it_runs(annotations: Annotations) -> None:
    annotations.press(TALK, 1.0, "Anna")
    annotations.undo()
    assert annotations.running("Anna") == ()
    assert annotations.press(TALK, 2.0, "Anna").start == 2.0


def test_marks_of_one_time_keep_their_order_when_a_removal_is_undone(annotations: Annotations) -> None:
    first, second = (annotations.add(Event(1, 2, label=label)) for label in ("one", "two"))
    annotations.remove(first.id)
    annotations.undo()
    assert annotations.events == (first, second)


def test_a_stretch_whose_end_is_undone_or_refused_runs_on(annotations: Annotations) -> None:
    begun = annotations.press(TALK, 1.0, "Anna")
    annotations.press(TALK, 4.0, "Anna")
    assert annotations.running("Anna") == ()
    annotations.undo()
    assert annotations.running("Anna") == (begun,)
    annotations.redo()
    assert annotations.running("Anna") == ()
    annotations.undo()
    with pytest.raises(SessionError, match="within the session"):
        annotations.press(TALK, 61.0, "Anna")
    assert annotations.press(TALK, 6.0, "Anna") == Event(1.0, 6.0, label="talk", author="Anna")
    assert len(annotations.events) == 1


def test_a_new_step_forgets_what_was_undone(annotations: Annotations) -> None:
    annotations.add(Event(1, 1))
    annotations.undo()
    assert annotations.redo_text
    annotations.add(Event(2, 2))
    assert annotations.redo_text == "" and annotations.redo() == ""
    assert [event.start for event in annotations.events] == [2]


STEPS = st.lists(
    st.tuples(st.sampled_from(["add", "change", "remove", "undo", "redo"]), st.integers(0, 59)), max_size=30
)


@given(STEPS)
def test_undo_and_redo_lead_back_and_the_journal_always_agrees(steps: list[tuple[str, int]]) -> None:
    stored: dict[str, Event | None] = {}
    annotations = Annotations(Path("unused"), span_s=SPAN_S, write=stored.update)
    states = [annotations.events]
    place = 0
    for action, number in steps:
        known = annotations.events
        if action == "undo":
            moved = bool(annotations.undo())
            place -= moved
        elif action == "redo":
            moved = bool(annotations.redo())
            place += moved
        else:
            if action == "add" or not known:
                annotations.add(Event(number, number + 1, label=action))
            elif action == "remove":
                annotations.remove(known[number % len(known)].id)
            else:
                event = known[number % len(known)]
                annotations.change(event.id, label=event.label + "x")
            place += 1
            states[place:] = [annotations.events]
        assert annotations.events == states[place]
        kept = sorted(
            (event for event in stored.values() if event), key=lambda event: (event.start, event.label)
        )
        assert kept == sorted(annotations.events, key=lambda event: (event.start, event.label))
    while annotations.undo():
        pass
    assert annotations.events == ()


def test_a_scheme_is_saved_loaded_and_copied_into_the_session(tmp_path: Path) -> None:
    scheme = Scheme((TALK, NOD, Code("leave out", "X", kind="exclude", shape="range")))
    user = tmp_path / "config" / SCHEME_FILE
    assert load_scheme(user) is DEFAULT_SCHEME
    save_scheme(user, scheme)
    assert load_scheme(user) == scheme
    folder = tmp_path / "session"
    folder.mkdir()
    assert session_scheme(folder, user) == scheme
    save_scheme(folder / SCHEME_FILE, Scheme((NOD,)))
    assert session_scheme(folder, user).codes == (NOD,)
    assert scheme.of_key("t") is TALK and scheme.of_key("Q") is None
    assert scheme.colour_of("nod") == "#F2B701" and scheme.colour_of("unknown") == "#9AA0A6"


def test_the_default_scheme_marks_with_the_digits(tmp_path: Path) -> None:
    assert all(DEFAULT_SCHEME.of_key(str(digit)).shape == "point" for digit in range(1, 10))
    assert DEFAULT_SCHEME.of_key("X").kind == "exclude"


@pytest.mark.parametrize(
    ("values", "text"),
    [
        ({"label": " "}, "expected a label"),
        ({"label": "a" * 61}, "expected a label"),
        ({"label": "a", "key": "ab"}, "expected a key from 1 to 9 or A to Z"),
        ({"label": "a", "key": "0"}, "expected a key from 1 to 9 or A to Z"),
        *(({"label": "a", "key": key}, "which the window uses") for key in RESERVED_KEYS),
        ({"label": "a", "colour": "red"}, "expected a colour like"),
        ({"label": "a", "shape": "circle"}, "expected a shape of point, range"),
        ({"label": "a", "kind": "other"}, "expected a kind of marker"),
    ],
)
def test_a_code_that_makes_no_sense_is_refused(values: dict[str, str], text: str) -> None:
    with pytest.raises(SessionError, match=text):
        Code(**values)


@pytest.mark.parametrize("codes", [(NOD, NOD), (NOD, Code("other", "1")), (TALK, Code("talk", "2"))])
def test_labels_and_keys_are_used_once(codes: tuple[Code, ...]) -> None:
    with pytest.raises(SessionError, match="once, found"):
        Scheme(codes)


@pytest.mark.parametrize(
    "text",
    ["", "[]", '{"codes": 3}', '{"codes": [3]}', '{"codes": [{"name": "a"}]}', '{"codes": [{"label": ""}]}'],
)
def test_a_damaged_scheme_is_one_line(tmp_path: Path, text: str) -> None:
    (tmp_path / SCHEME_FILE).write_text(text)
    with pytest.raises(SessionError, match=SCHEME_FILE) as caught:
        session_scheme(tmp_path)
    assert "\n" not in str(caught.value)


def test_an_open_end_takes_everything_after_the_start(tmp_path: Path) -> None:
    annotations = Annotations(tmp_path)
    assert annotations.span_s == (0.0, math.inf)
    annotations.add(Event(1e6, 1e6))
    with pytest.raises(SessionError):
        annotations.add(Event(-0.1, 1))
