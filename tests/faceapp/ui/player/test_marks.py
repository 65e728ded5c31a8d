"""Marks: set with keys, moved, retyped, undone."""

from __future__ import annotations

from pathlib import Path

import pytest
from PySide6.QtCore import QPointF, Qt
from PySide6.QtWidgets import QWidget
from pytestqt.qtbot import QtBot

from faceapp.session.annotations import Event, read_events
from faceapp.ui.player.window import PlayerWindow
from tests.faceapp.ui.player.hands import ALT, CONTROL, SHIFT, drag, mark_of, press


def test_keys_of_the_scheme_set_marks_at_the_position(player: PlayerWindow, session: Path) -> None:
    player.view.move_to(1.5)
    press(player, Qt.Key.Key_3, "3")
    press(player, Qt.Key.Key_W, "w")
    player.view.move_to(2.5)
    press(player, Qt.Key.Key_W, "w")
    own = [event for event in read_events(session) if event.author == "annotator 1"]
    assert own == [
        Event(1.5, 1.5, label="3", author="annotator 1"),
        Event(1.5, 2.5, label="stretch", author="annotator 1"),
    ]
    assert player.charts.lanes._lanes == ("Ada", "Ben", "annotator 1")
    assert not player.controls.press("", "Q")


def test_marks_are_about_the_chosen_face_when_wanted(player: PlayerWindow) -> None:
    press(player, Qt.Key.Key_A, "a")
    assert player.tools.about.text() == "About face 1"
    press(player, Qt.Key.Key_1, "1")
    assert mark_of(player, "annotator 1", "1").face == 1
    press(player, Qt.Key.Key_A, "a")
    press(player, Qt.Key.Key_2, "2")
    assert mark_of(player, "annotator 1", "2").face is None


def test_a_note_lands_where_its_key_was_pressed(player: PlayerWindow) -> None:
    player.view.move_to(2.0)
    press(player, Qt.Key.Key_N, "n")
    (dialog,) = (each for each in player.findChildren(QWidget) if each.windowTitle() == "Note")
    player.view.move_to(4.0)
    dialog.setTextValue("  light on  ")
    dialog.accept()
    note = mark_of(player, "annotator 1", "note")
    assert (note.start, note.note, note.kind) == (2.0, "light on", "note")


def test_undo_and_redo_reach_the_file(player: PlayerWindow, session: Path) -> None:
    before = read_events(session)
    press(player, Qt.Key.Key_1, "1")
    assert len(read_events(session)) == len(before) + 1
    press(player, Qt.Key.Key_Z, "z", CONTROL)
    assert read_events(session) == before
    assert "Undone: add 1" in player.notice.text
    press(player, Qt.Key.Key_Z, "z", CONTROL | SHIFT)
    assert len(read_events(session)) == len(before) + 1


def test_own_marks_are_dragged_by_body_and_ends(qtbot: QtBot, player: PlayerWindow, session: Path) -> None:
    player.controls.choose_annotator("Ada")
    lanes = player.charts.lanes
    place = lanes.place_of(mark_of(player, "Ada", "happiness"))
    drag(
        qtbot,
        lanes,
        QPointF(place.right() - 2, place.center().y()),
        QPointF(lanes.x_of(2.0), place.center().y()),
    )
    assert mark_of(player, "Ada", "happiness").end == pytest.approx(2.0, abs=0.03)
    place = lanes.place_of(mark_of(player, "Ada", "happiness"))
    by_px = lanes.x_of(1.0) - lanes.x_of(0.0)
    drag(qtbot, lanes, place.center(), place.center() + QPointF(by_px, 0))
    moved = mark_of(player, "Ada", "happiness")
    assert (moved.start, moved.end) == pytest.approx((1.0, 3.0), abs=0.05)
    drag(qtbot, lanes, lanes.place_of(moved).center(), QPointF(lanes.width() + 500, 10))
    last = mark_of(player, "Ada", "happiness")
    assert last.end == pytest.approx(player.view.span_s[1]), "it stays within the session"
    assert last.end - last.start == pytest.approx(moved.end - moved.start)
    assert next(e for e in read_events(session) if e.id == last.id) == last


def test_marks_of_others_stay_as_they_are(qtbot: QtBot, player: PlayerWindow, session: Path) -> None:
    before = read_events(session)
    lanes = player.charts.lanes
    place = lanes.place_of(mark_of(player, "Ben", "happiness"))
    drag(qtbot, lanes, place.center(), place.center() + QPointF(40, 0))
    assert "This lane is Ben's" in player.notice.text
    press(player, Qt.Key.Key_Delete)
    assert "is Ben's" in player.notice.text
    player.marks.changed.emit(player.chosen_mark, {"label": "other"})
    assert read_events(session) == before
    assert not player.marks._form.isEnabled()


def test_a_mark_is_retyped_and_removed(qtbot: QtBot, player: PlayerWindow, session: Path) -> None:
    player.controls.choose_annotator("Ben")
    lanes = player.charts.lanes
    nod = mark_of(player, "Ben", "nod")
    qtbot.mouseClick(lanes, Qt.MouseButton.LeftButton, pos=lanes.place_of(nod).center().toPoint())
    assert player.chosen_mark == nod.id and player.tabs.currentWidget() is player.marks
    press(player, Qt.Key.Key_Return)
    assert player.focusWidget() is player.marks.label
    player.marks.label.setCurrentText("shake")
    player.marks.label.lineEdit().editingFinished.emit()
    player.marks.start.setText("0:01.5")
    player.marks.start.editingFinished.emit()
    player.marks.note.setText("twice")
    player.marks.note.editingFinished.emit()
    player.marks.face.setCurrentIndex(player.marks.face.findData(2))
    player.marks.face.activated.emit(0)
    shake = next(e for e in read_events(session) if e.id == nod.id)
    assert shake == Event(1.5, 1.5, label="shake", face=2, note="twice", author="Ben")
    press(player, Qt.Key.Key_Right, how=ALT)
    assert mark_of(player, "Ben", "shake").start == pytest.approx(1.52)
    for _ in range(20):
        press(player, Qt.Key.Key_Right, how=ALT)
        assert mark_of(player, "Ben", "shake").is_point, "a sum of times is not quite the time of a frame"
    press(player, Qt.Key.Key_Delete)
    assert nod.id not in {event.id for event in read_events(session)}
    assert player.notice.text.startswith("Done: remove shake")


@pytest.mark.parametrize(
    ("text", "problem"),
    [("soon", "expected a time like"), ("-1", "within the session"), ("0:05.9", "not before its start")],
)
def test_a_time_that_makes_no_sense_is_told_and_taken_back(
    player: PlayerWindow, text: str, problem: str
) -> None:
    player.controls.choose_annotator("Ada")
    player.controls.choose_mark(mark_of(player, "Ada", "happiness").id)
    player.marks.start.setText(text)
    player.marks.start.editingFinished.emit()
    assert problem in player.problem.text
    assert player.marks.start.text() == "0:00.000"
