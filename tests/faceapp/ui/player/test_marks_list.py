"""Marks together: from one to the next, their list, annotators, import, scheme."""

from __future__ import annotations

from pathlib import Path

import pytest
from PySide6.QtCore import Qt

from faceapp.session.annotation_scheme import SCHEME_FILE, Code, load_scheme
from faceapp.session.annotations import read_events
from faceapp.ui.player.window import PlayerWindow
from tests.faceapp.ui.player.hands import CONTROL, mark_of, press


def test_commas_go_from_mark_to_mark(player: PlayerWindow) -> None:
    seen = []
    for _ in range(3):
        press(player, Qt.Key.Key_Period, ".")
        seen.append(player.view.position_s)
    assert seen == [1.0, 3.0, 4.0]
    press(player, Qt.Key.Key_Comma, ",")
    assert player.view.position_s == 3.0
    assert player.chosen_mark == mark_of(player, "Ada", "neutral").id


def test_the_list_of_marks_chooses_and_seeks(player: PlayerWindow) -> None:
    player.tabs.setCurrentWidget(player.marks)
    table, view = player.marks.table, player.marks.view
    row = next(row for row, event in enumerate(table.events) if event.label == "nod")
    view.selectRow(row)
    assert player.view.position_s == 1.0
    cells = [table.data(table.index(row, column)) for column in range(table.columnCount())]
    assert cells == ["0:01.00", "", "nod", "all", "Ben", ""]
    view.setFocus()
    press(player, Qt.Key.Key_5, "5", to=view)
    assert mark_of(player, "annotator 1", "5").start == 1.0, "keys mark also while the list has the keyboard"


def test_the_list_shows_the_chosen_mark_when_its_panel_comes_to_the_front(player: PlayerWindow) -> None:
    player.tabs.setCurrentWidget(player.faces)
    press(player, Qt.Key.Key_Home)
    for _ in range(40):
        press(player, Qt.Key.Key_1, "1")
    press(player, Qt.Key.Key_End)
    press(player, Qt.Key.Key_2, "2")
    player.tabs.setCurrentWidget(player.marks)
    view = player.marks.view
    row = player.marks.table.row_of(player.chosen_mark)
    assert row == view.model().rowCount() - 1
    assert view.viewport().rect().contains(view.visualRect(view.model().index(row, 0)))


def test_an_annotator_can_hide_what_others_did(player: PlayerWindow) -> None:
    press(player, Qt.Key.Key_1, "1")
    player.tools.only_own.click()
    assert {event.author for event in player.visible_marks()} == {"annotator 1"}
    assert player.charts.lanes._lanes == ("annotator 1",)
    player.tools.only_own.click()
    assert {event.author for event in player.visible_marks()} == {"Ada", "Ben", "annotator 1"}


def test_a_new_annotator_is_typed(player: PlayerWindow) -> None:
    name = player.tools.annotator.lineEdit()
    name.setText("Eve")
    name.editingFinished.emit()
    assert player.author == "Eve" and "Eve" in player.charts.lanes._lanes
    name.setText("  ")
    name.editingFinished.emit()
    assert player.author == "Eve" and name.text() == "Eve"


def test_marks_are_imported_as_one_step_or_not_at_all(
    player: PlayerWindow, session: Path, tmp_path: Path
) -> None:
    before = read_events(session)
    (tmp_path / "bad.csv").write_text("start,label\n1,a\n99,b\n")
    player.controls.import_file(tmp_path / "bad.csv")
    assert "bad.csv: annotation (b): expected a time within the session" in player.problem.text
    assert read_events(session) == before
    (tmp_path / "good.csv").write_text("start,end,label,author\n1,2,a,Eve\n3,3,b,\n")
    player.controls.import_file(tmp_path / "good.csv")
    assert {event.author for event in read_events(session)} == {"Ada", "Ben", "Eve", "annotator 1"}
    press(player, Qt.Key.Key_Z, "z", CONTROL)
    assert read_events(session) == before


def test_a_session_that_cannot_be_written_keeps_its_marks_and_says_so(
    player: PlayerWindow, session: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = player.review.annotations.events
    (session / "events.jsonl").unlink()
    (session / "events.jsonl").mkdir()
    press(player, Qt.Key.Key_1, "1")
    assert "expected a folder that can be written" in player.problem.text
    assert player.review.annotations.events == before


def test_the_scheme_is_changed_in_the_session_and_for_new_recordings(
    player: PlayerWindow, session: Path
) -> None:
    form = player.controls.show_scheme()
    form.add(Code("yawn", "Y", "#112233", "range"))
    form.also_new.setChecked(True)
    form.save()
    assert load_scheme(session / SCHEME_FILE).of_key("Y").label == "yawn"
    assert load_scheme(player.controls.user_scheme) == player.review.scheme
    press(player, Qt.Key.Key_Y, "y")
    assert mark_of(player, "annotator 1", "yawn").is_point, "it runs"
