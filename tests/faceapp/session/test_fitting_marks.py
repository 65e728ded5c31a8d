from __future__ import annotations

import json
from pathlib import Path

import pytest

from faceapp.__main__ import main
from faceapp.session.annotations import EVENTS_FILE, Event, append_changes, append_event, read_events
from faceapp.session.check import check_session
from faceapp.session.export import export_session
from faceapp.session.figures import session_figures
from faceapp.session.fitting_marks import FittingMarks, fitting_marks, session_span_s
from faceapp.session.reader import read_session
from faceapp.session.report import write_report
from faceapp.session.writer import SessionWriter
from faceapp.ui.player.review import load_review
from tests.faceapp.session.results import result

BY_HAND = (
    {"start": 0.5, "end": 0.75, "label": "fits"},
    {"start": 0.75, "end": 0.5, "label": "backwards"},
    {"start": 1.5, "end": 9.0, "label": "too long"},
    {"start": 20.0, "end": 20.0, "label": "far away"},
    {"start": -3.0, "end": 0.25, "label": "too early"},
    {"start": 1.9, "end": 2.04, "label": "last picture"},
)
CUT = [("too early", 0.0, 0.25), ("fits", 0.5, 0.75), ("too long", 1.5, 1.96), ("last picture", 1.9, 2.04)]
PROBLEMS = [
    "events.jsonl, line 2: event: expected an end not before its start, found 0.75 to 0.5; it is left out, correct the line",
    "events.jsonl, line 3: annotation (too long): expected a time within the session, 0.000 to 1.960 s, "
    "found 1.500 to 9.000 s; correct the time; until then it is cut there",
    "events.jsonl, line 4: annotation (far away): expected a time within the session, 0.000 to 1.960 s, "
    "found 20.000 s; correct the time; it is left out",
    "events.jsonl, line 5: annotation (too early): expected a time within the session, 0.000 to 1.960 s, "
    "found -3.000 to 0.250 s; correct the time; until then it is cut there",
]


@pytest.fixture
def session(tmp_path: Path) -> Path:
    """Two seconds at 25 frames a second, with marks that somebody has typed."""
    writer = SessionWriter(tmp_path / "s", source="test", cards=[], settings={}, video=False, wait=True)
    for index in range(50):
        writer.put(result(index))
    folder = writer.close()
    (folder / EVENTS_FILE).write_text("".join(json.dumps(event) + "\n" for event in BY_HAND))
    return folder


def told(events: tuple[Event, ...]) -> list[tuple[str, float, float]]:
    return [(event.label, event.start, event.end) for event in events]


def test_the_check_names_every_such_mark_and_changes_nothing(session: Path, capfd) -> None:
    before = (session / EVENTS_FILE).read_bytes()
    found = check_session(session)
    assert found.problems == PROBLEMS and found.repairs == []
    assert (session / EVENTS_FILE).read_bytes() == before, "kept, never deleted"
    assert main(["session", "check", str(session)]) == 2
    assert "line 4: annotation (far away)" in capfd.readouterr().err


def test_a_reader_cuts_or_leaves_out_and_says_so(session: Path, caplog) -> None:
    opened = read_session(session)
    assert told(opened.events) == CUT
    assert list(opened.problems) == PROBLEMS
    assert [line.split(": ", 1)[1] for line in caplog.messages] == PROBLEMS


def test_figures_and_reports_use_the_cut_marks(session: Path, tmp_path: Path) -> None:
    seconds = {figures.label: figures.seconds for figures in session_figures(read_session(session))}
    assert {"too long", "fits", "too early"} <= set(seconds) and "backwards" not in seconds
    assert seconds["too long"] == pytest.approx(0.4), "from 1.52 s to 1.92 s, not 7.5 s"
    page = write_report(session, tmp_path / "r.html").read_text()
    assert "line 2: event: expected an end not before its start" in page
    (csv,) = [path for path in export_session(session, ["csv"], tmp_path / "csv") if "events" in path.name]
    assert "far away" not in csv.read_text() and "too long" in csv.read_text()


def test_the_player_shows_the_cut_marks_and_tells_the_first(session: Path) -> None:
    review = load_review(session)
    assert told(review.annotations.events) == CUT
    assert review.problem.startswith(PROBLEMS[0])
    assert review.problem.endswith("3 more like this: see `faceapp session check`.")
    (cut,) = (event for event in review.annotations.events if event.label == "too long")
    review.annotations.change(cut.id, end=1.8)
    assert [event.end for event in read_events(session) if event.label == "too long"] == [1.8]
    assert len(check_session(session).problems) == 3, "corrected by a later line of the journal"


def test_a_corrected_or_removed_mark_is_no_problem_any_more(session: Path) -> None:
    append_changes(
        session, {"line-2": Event(0.5, 0.75, label="turned"), "line-3": None, "line-4": None, "line-5": None}
    )
    assert check_session(session).problems == []
    assert [event.label for event in read_session(session).events] == ["fits", "turned", "last picture"]


def test_the_lost_second_of_a_killed_program_is_not_told(session: Path) -> None:
    (session / EVENTS_FILE).write_text("")
    append_event(session, Event(2.5, 2.5, label="set in the lost second"))
    metadata = json.loads((session / "session.json").read_text())
    assert len(check_session(session).problems) == 1
    (session / "session.json").write_text(json.dumps({**metadata, "state": "repaired"}))
    assert check_session(session).problems == []
    assert told(read_session(session).events) == [("set in the lost second", 1.96, 1.96)]


def test_the_end_is_open_while_it_is_recorded(tmp_path: Path) -> None:
    append_event(tmp_path, Event(5.0, 6.0, label="now"))
    assert told(fitting_marks(tmp_path, {"state": "recording"}, lambda: (0.0, 4.2)).events) == [
        ("now", 5.0, 6.0)
    ]


def test_a_session_without_marks_asks_for_no_times(tmp_path: Path) -> None:
    def never() -> tuple[float, float]:
        raise AssertionError("the tables need not be read")

    assert fitting_marks(tmp_path, {"state": "closed"}, never) == FittingMarks(())


def test_the_span_takes_the_earliest_and_latest_time_known() -> None:
    assert session_span_s({"first_time_s": 0.2, "last_time_s": 3.0}, [0.1, 2.0], [0.0, 3.5]) == (0.0, 3.5)
    assert session_span_s({"first_time_s": None, "last_time_s": None}, [], []) == (0.0, 0.0)
