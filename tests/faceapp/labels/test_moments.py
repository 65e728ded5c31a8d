"""Which moments marks stand for, and which marks are refused in one line."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from faceapp.errors import SessionError
from faceapp.labels.judging import require_enough
from faceapp.labels.moments import AWAY_S, Moment, blocks_of, session_moments
from faceapp.labels.teaching import teach_label
from faceapp.session.annotations import Event, append_event
from faceapp.session.reader import Session, read_session
from faceapp.session.writer import SessionWriter
from faceapp.settings.label_names import check_list, check_name, column_name, label_list
from tests.faceapp.session.results import result


def recorded(folder: Path, *events: Event, faces: int = 1, gap: range = range(0)) -> Session:
    """Forty seconds of two frames a second, with marks."""
    writer = SessionWriter(
        folder, source="test", cards=[], settings={}, wait=True, video=False, time_origin_s=0.0
    )
    for index in range(80):
        writer.put(result(index, time_s=index / 2, faces=0 if index in gap else faces))
    writer.close()
    for event in events:
        append_event(folder, event)
    return read_session(folder)


def test_points_and_ranges_become_moments_of_their_face(tmp_path: Path):
    session = recorded(
        tmp_path / "s", Event(5.0, 5.0, label="bored"), Event(10.0, 16.0, label="bored", face=1)
    )
    moments = [moment for moment in session_moments(session, 0, "bored", None) if moment.shows]
    assert [moment.time_s for moment in moments] == pytest.approx([5.0, 11.0, 13.0, 15.0], abs=0.3)
    assert {moment.face for moment in moments} == {1}
    times_s = session.column("time_s")
    assert [times_s[row] for row in moments[0].rows] == [5.0]


def test_everything_else_keeps_away_from_the_marks_and_from_what_is_left_out(tmp_path: Path):
    session = recorded(
        tmp_path / "s", Event(5.0, 8.0, label="bored"), Event(20.0, 30.0, kind="exclude", label="noise")
    )
    times_s = np.array([m.time_s for m in session_moments(session, 0, "bored", None) if not m.shows])
    assert len(times_s) >= 30
    assert not ((times_s > 5.0 - AWAY_S) & (times_s < 8.0 + AWAY_S)).any()
    assert not ((times_s >= 20.0) & (times_s <= 30.0)).any()


def test_a_contrast_takes_only_its_marks(tmp_path: Path):
    session = recorded(tmp_path / "s", Event(5.0, 5.0, label="bored"), Event(20.0, 20.0, label="keen"))
    assert [(m.time_s, m.shows) for m in session_moments(session, 0, "bored", "keen")] == [
        (5.0, True),
        (20.0, False),
    ]


@pytest.mark.parametrize(
    ("events", "contrast", "faces", "words"),
    [
        (
            [Event(5, 7, label="bored", face=1), Event(6, 8, label="bored", face=2)],
            None,
            2,
            "on one face at a time",
        ),
        ([Event(5, 7, label="bored")], None, 2, "found 2 faces there"),
        ([Event(5, 7, label="bored"), Event(6, 8, label="keen")], "keen", 1, "one label at a time"),
        (
            [Event(5, 7, label="bored"), Event(300, 301, label="bored")],
            None,
            1,
            "expected a time within the session",
        ),
        ([Event(5, 5, label="bored", face=9)], None, 1, "expected a face that can be read"),
    ],
)
def test_marks_that_make_no_sense_are_refused(
    tmp_path: Path, events: list[Event], contrast: str | None, faces: int, words: str
):
    session = recorded(tmp_path / "s", *events, faces=faces)
    with pytest.raises(SessionError, match=words) as caught:
        session_moments(session, 0, "bored", contrast)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("start", [900.0, 38.0])
def test_a_mark_outside_the_session_is_refused_in_one_line(
    tmp_path: Path, caplog: pytest.LogCaptureFixture, start: float
):
    folder = recorded(tmp_path / "s", *(Event(at, at, label="bored") for at in range(1, 38, 6))).folder
    append_event(folder, Event(start, 900.0, label="bored"))
    with pytest.raises(SessionError) as caught:
        teach_label([folder], "bored")
    assert "line 8: annotation (bored): expected a time within the session" in str(caught.value)
    assert str(caught.value).endswith("correct the time"), "nothing is left out or cut: nothing is taught"
    assert caplog.text == "", "told once"


def test_marks_all_in_one_stretch_are_refused_before_a_video_is_read(tmp_path: Path):
    events = (Event(at / 2, at / 2, label="bored") for at in range(2, 18, 2))
    folder = recorded(tmp_path / "without a video", *events).folder
    with pytest.raises(
        SessionError, match="expected them in at least two stretches of 10 s, found all in one"
    ):
        teach_label([folder], "bored")


def test_a_mark_while_no_face_was_there_is_refused(tmp_path: Path):
    session = recorded(tmp_path / "s", Event(10.0, 10.0, label="bored"), gap=range(15, 26))
    with pytest.raises(SessionError, match=r"'bored' at 10.000 s, found none"):
        session_moments(session, 0, "bored", None)


@pytest.mark.parametrize(
    ("shown", "other", "words"),
    [(0, 9, "of 'bored', found none"), (2, 9, "of 'bored', found 2"), (9, 0, "of anything else, found none")],
)
def test_one_class_or_two_examples_are_too_few(shown: int, other: int, words: str):
    with pytest.raises(SessionError, match=words):
        require_enough(np.array([True] * shown + [False] * other), "bored", None)


def test_a_session_without_video_is_refused(tmp_path: Path):
    events = [Event(float(at), float(at), label="bored") for at in range(2, 38, 5)]
    recorded(tmp_path / "s", *events)
    with pytest.raises(SessionError, match="expected a video to learn from"):
        teach_label([tmp_path / "s"], "bored")


def test_names():
    assert check_name("  looks bored ") == "looks bored"
    assert column_name("Looks-bored") == "label_looks_bored"
    assert label_list("bored, talking,,bored") == ("bored", "talking")
    assert label_list(None) == ()
    for name in ("", "../x", "a/b", "=1+1", "a\nb", "x" * 40, " _a"):
        with pytest.raises(SessionError, match="expected a name of 1 to 39 letters"):
            check_name(name)
    with pytest.raises(ValueError, match="different names"):
        check_list("looks bored, looks-bored")


def test_blocks_are_of_one_session_and_ten_seconds():
    moments = [Moment(s, 1, (0,), t, True) for s, t in ((0, 1.0), (0, 9.9), (0, 10.1), (1, 1.0))]
    assert blocks_of(moments).tolist() == [0, 0, 1, 2]
