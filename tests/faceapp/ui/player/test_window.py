from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from PySide6.QtCore import QEvent, QPoint, QPointF, Qt
from PySide6.QtGui import QKeyEvent
from PySide6.QtWidgets import QAbstractButton, QApplication, QComboBox, QLineEdit, QSlider, QWidget
from pytestqt.qtbot import QtBot

from faceapp.session.annotation_faces import load_face_edits
from faceapp.session.annotation_scheme import SCHEME_FILE, Code, Scheme, load_scheme
from faceapp.session.annotations import Event, read_events
from faceapp.ui.player.chart import CHOSEN_FACE, EMOTIONS_TOGETHER, chart_columns
from faceapp.ui.player.compare_panel import NETWORK
from faceapp.ui.player.keys import ACTIONS, player_keys_page
from faceapp.ui.player.review import load_review
from faceapp.ui.player.window import SMALLEST, PlayerWindow
from tests.faceapp.session.results import picture
from tests.faceapp.ui.player.conftest import AWAY, FRAMES, RATE_HZ
from tests.faceapp.ui.scenes import pixels

PLAIN = Qt.KeyboardModifier.NoModifier
SHIFT, CONTROL, ALT = (
    Qt.KeyboardModifier.ShiftModifier,
    Qt.KeyboardModifier.ControlModifier,
    Qt.KeyboardModifier.AltModifier,
)


def press(
    window: PlayerWindow,
    key: Qt.Key,
    text: str = "",
    how: Qt.KeyboardModifier = PLAIN,
    to: QWidget | None = None,
) -> None:
    QApplication.sendEvent(to or window.video, QKeyEvent(QEvent.Type.KeyPress, key, how, text))


def shows_frame(window: PlayerWindow, index: int) -> bool:
    result = window.stage.result
    return result is not None and abs(result.frame.time_s - index / RATE_HZ) < 0.0006


def drag(qtbot: QtBot, widget: QWidget, start: QPointF, end: QPointF) -> None:
    qtbot.mousePress(widget, Qt.MouseButton.LeftButton, pos=start.toPoint())
    for share in (0.3, 0.7, 1.0):
        place = start + (end - start) * share
        move = _move(place)
        QApplication.sendEvent(widget, move)
    qtbot.mouseRelease(widget, Qt.MouseButton.LeftButton, pos=end.toPoint())


def _move(place: QPointF) -> QEvent:
    from PySide6.QtGui import QMouseEvent

    button = Qt.MouseButton.LeftButton
    return QMouseEvent(QEvent.Type.MouseMove, place, place, button, button, PLAIN)


def mark_of(window: PlayerWindow, author: str, label: str) -> Event:
    assert window.review is not None
    return next(e for e in window.review.annotations.events if (e.author, e.label) == (author, label))


# Picture and time


def test_the_picture_follows_the_position_with_its_faces(qtbot: QtBot, player: PlayerWindow) -> None:
    for index in (110, 20, 149, 0):
        player.view.move_to(index / RATE_HZ)
        qtbot.waitUntil(lambda index=index: shows_frame(player, index))
        image = player.stage.result.frame.image
        assert image.mean() == pytest.approx(picture(index, 160, 120).mean(), abs=1.5)
        assert len(player.stage.result.faces) == 1 + (index >= 100)


def test_frames_are_stepped_with_the_arrows(qtbot: QtBot, player: PlayerWindow) -> None:
    for _ in range(3):
        press(player, Qt.Key.Key_Right)
    qtbot.waitUntil(lambda: shows_frame(player, 3))
    press(player, Qt.Key.Key_Left)
    qtbot.waitUntil(lambda: shows_frame(player, 2))
    press(player, Qt.Key.Key_Right, how=SHIFT)
    qtbot.waitUntil(lambda: shows_frame(player, 27))
    press(player, Qt.Key.Key_End)
    qtbot.waitUntil(lambda: shows_frame(player, FRAMES - 1))
    press(player, Qt.Key.Key_Home)
    qtbot.waitUntil(lambda: shows_frame(player, 0))
    assert "frame 1" in player.bar.time.text()


def test_space_plays_and_pauses(qtbot: QtBot, player: PlayerWindow) -> None:
    player.transport.set_speed(4.0)
    press(player, Qt.Key.Key_Space, " ")
    qtbot.waitUntil(lambda: player.view.position_s > 1.0)
    assert player.bar.play.accessibleName() == "Pause"
    press(player, Qt.Key.Key_Space, " ")
    stopped_s = player.view.position_s
    qtbot.wait(60)
    assert player.view.position_s == stopped_s


def test_faces_over_the_picture_are_switched_on_and_off(qtbot: QtBot, player: PlayerWindow) -> None:
    with_faces = pixels(player.video)
    press(player, Qt.Key.Key_O, "o")
    assert player.stage.result.faces == ()
    assert (pixels(player.video) != with_faces).any()
    press(player, Qt.Key.Key_O, "o")
    np.testing.assert_array_equal(pixels(player.video), with_faces)


def test_raw_values_reach_picture_and_charts(player: PlayerWindow) -> None:
    chart = player.charts.charts[0]
    chart.show_column("age_years")
    assert player.stage.result.predictions[0].age_years == pytest.approx(31.5)
    assert chart.points[1][0, 0] == pytest.approx(31.5)
    press(player, Qt.Key.Key_V, "v")
    assert player.tools.raw.isChecked()
    assert player.stage.result.predictions[0].age_years == pytest.approx(35.0)
    assert chart.points[1][0, 0] == pytest.approx(35.0)


def test_a_click_into_a_chart_or_the_slider_seeks(qtbot: QtBot, player: PlayerWindow) -> None:
    chart = player.charts.charts[0]
    place = QPoint(round(chart.x_of(4.0)), 20)
    qtbot.mouseClick(chart, Qt.MouseButton.LeftButton, pos=place)
    assert player.view.position_s == pytest.approx(4.0, abs=0.02)
    slider = player.bar.slider
    qtbot.mouseClick(slider, Qt.MouseButton.LeftButton, pos=QPoint(slider.width() // 2, 8))
    assert player.view.position_s == pytest.approx(FRAMES / RATE_HZ / 2, abs=0.1)
    slider.setValue(1000)
    assert player.view.position_s == pytest.approx(1.0)


def test_zoom_narrows_what_charts_and_lanes_show(player: PlayerWindow) -> None:
    whole_s = player.view.length_s
    press(player, Qt.Key.Key_Plus, "+")
    assert player.view.length_s == pytest.approx(whole_s / 2)
    ticks = player.charts.ruler.ticks()
    assert ticks[0][0] >= player.view.range_s[0] and ticks[-1][0] <= player.view.range_s[1]
    press(player, Qt.Key.Key_Minus, "-")
    press(player, Qt.Key.Key_0, "0")
    assert player.view.length_s == pytest.approx(whole_s)


def test_a_time_lies_at_the_same_place_in_ruler_charts_and_lanes(qtbot: QtBot, player: PlayerWindow) -> None:
    for _ in range(5):
        player.charts.add_chart()
    QApplication.processEvents()
    area = player.charts
    places = {
        strip.mapTo(area, QPoint(round(strip.x_of(3.0)), 0)).x()
        for strip in (area.ruler, area.lanes, *area.charts)
    }
    assert len(places) == 1, "also while the charts are scrolled"


def test_charts_are_added_up_to_six_and_taken_away(player: PlayerWindow) -> None:
    names = [name for name, _ in chart_columns()]
    assert names[0] == EMOTIONS_TOGETHER and {"p_smile", "yaw_deg", "x0_px", "capture_to_result_ms"} <= set(
        names
    )
    for name in names[1:6]:
        chart = player.charts.add_chart(name)
        assert chart is not None and chart.column == name
    assert player.charts.add_chart() is None
    second = player.charts.charts[1]
    second.closed.emit()
    assert len(player.charts.charts) == 5 and second not in player.charts.charts


def test_a_chart_shows_every_column_and_any_face(player: PlayerWindow) -> None:
    chart = player.charts.charts[0]
    for name, _ in chart_columns():
        chart.show_column(name)
        assert chart.column == name
        assert len(chart.points[0]) == FRAMES - len(AWAY)
        chart.grab()
    chart.show_face(2)
    assert (chart.face, len(chart.points[0])) == (2, 50)
    chart.show_face(CHOSEN_FACE)
    assert chart.face == player.chosen_face == 1


def test_a_chart_is_drawn_where_its_values_are(player: PlayerWindow) -> None:
    chart = player.charts.charts[0]
    chart.show_column("p_happiness")
    shown = pixels(chart).astype(int)
    yellow = shown[..., 0] - shown[..., 2] > 60
    there = yellow[:, round(chart.x_of(0.5)) : round(chart.x_of(1.5))]
    assert there.any(axis=0).all(), "the line crosses every column"
    rows = np.flatnonzero(there.any(axis=1))
    assert abs(rows.mean() - (1.04 - 0.9) / 1.08 * chart.height()) < 3
    away = yellow[:, round(chart.x_of(2.1)) : round(chart.x_of(2.5))]
    assert not away.any(), "no line where the face was away"


# Marks


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


# Faces


def test_faces_are_named_merged_and_left_out_beside_the_recording(
    qtbot: QtBot, player: PlayerWindow, session: Path
) -> None:
    recorded = (session / "faces.parquet").read_bytes()
    faces = player.faces
    assert [faces.list.topLevelItem(row).text(0) for row in range(2)] == ["face 1", "face 2"]
    faces.list.topLevelItem(0).setText(0, "Grace")
    assert player.review.faces.name_of(1) == "Grace"
    assert player.charts.lanes._network_name == "network, Grace"
    faces.list.setCurrentItem(faces.list.topLevelItem(1))
    assert player.chosen_face == 2
    (into,) = faces.merge.menu().actions()
    into.trigger()
    assert player.review.persons() == (1,) and player.chosen_face == 1
    assert faces.list.topLevelItem(0).child(0).text(0) == "face 2"
    assert len(player.charts.charts[0].points[0]) == len(player.review.table)
    faces.list.setCurrentItem(faces.list.topLevelItem(0).child(0))
    faces.part.click()
    assert player.review.persons() == (1, 2)
    faces.list.setCurrentItem(faces.list.topLevelItem(0))
    faces.leave_out.click()
    assert faces.list.topLevelItem(0).text(2) == "left out"
    qtbot.waitUntil(lambda: player.stage.result.faces == ())
    assert load_review(session).faces == player.review.faces
    assert (session / "faces.parquet").read_bytes() == recorded


def test_marks_and_faces_are_undone_in_the_order_they_were_done(player: PlayerWindow, session: Path) -> None:
    review = player.review
    assert review is not None
    before, marks = review.faces, len(review.annotations.events)
    player.controls.edit_faces(before.renamed(1, "Ada"))
    assert "rename face 1 to Ada" in player.notice.text
    press(player, Qt.Key.Key_1, "1")
    player.controls.edit_faces(review.faces.merged_into(2, 1))
    assert len(review.persons()) == 1
    press(player, Qt.Key.Key_Z, how=Qt.KeyboardModifier.ControlModifier)
    assert player.notice.text == "Undone: merge face 2 into Ada"
    assert len(review.persons()) == 2 and len(review.annotations.events) == marks + 1
    press(player, Qt.Key.Key_Z, how=Qt.KeyboardModifier.ControlModifier)
    assert len(review.annotations.events) == marks and review.faces.name_of(1) == "Ada"
    press(player, Qt.Key.Key_Z, how=Qt.KeyboardModifier.ControlModifier)
    assert review.faces == before == load_face_edits(session)
    assert player.faces.list.topLevelItem(0).text(0) == "face 1"
    for _ in range(3):
        press(player, Qt.Key.Key_Y, how=Qt.KeyboardModifier.ControlModifier)
    assert load_face_edits(session) == before.renamed(1, "Ada").merged_into(2, 1)
    assert len(review.annotations.events) == marks + 1


def test_a_click_on_a_face_chooses_it(qtbot: QtBot, player: PlayerWindow) -> None:
    player.video.face_chosen.emit(2)
    assert player.chosen_face == 2
    assert player.faces.current == 2
    assert len(player.charts.charts[0].points[0]) == 50


# Comparing


def test_annotators_and_network_are_compared(player: PlayerWindow) -> None:
    compare = player.compare
    player.tabs.setCurrentWidget(compare)
    compare.first.setCurrentIndex(compare.first.findData("Ada"))
    compare.second.setCurrentIndex(compare.second.findData(NETWORK))
    assert compare.figure.text() == "κ = 1.00"
    assert "100%" in compare.words.text() and "left out" in compare.words.text()
    assert not compare.next.isEnabled() and not compare.points.isVisible()
    compare.second.setCurrentIndex(compare.second.findData("Ben"))
    assert compare.figure.text() != "κ = 1.00"
    assert "0 set by both" in compare.points.text() and "1 by the second alone" in compare.points.text()
    player.view.move_to(0.0)
    press(player, Qt.Key.Key_D, "d")
    assert player.view.position_s == pytest.approx(2.0)
    shown = [[compare.pairs.topLevelItem(row).text(column) for column in range(3)] for row in range(3)]
    assert ["happiness", "happiness", "2.0 s"] in shown and ["happiness", "–", "1.0 s"] in shown


# States


def test_a_table_without_a_video_is_shown_on_a_dark_ground(
    open_player: Callable[..., PlayerWindow], recorded_without_video: Path, tmp_path: Path
) -> None:
    import shutil

    player = open_player(Path(shutil.copytree(recorded_without_video, tmp_path / "table")))
    assert not player.stage.has_video and "Table only" in player.video._hint
    player.view.move_to(4.5)
    assert len(player.stage.result.faces) == 2
    press(player, Qt.Key.Key_Right)
    assert player.view.position_s == pytest.approx(4.52)


def test_a_killed_session_opens_is_stepped_through_and_mended(
    qtbot: QtBot, open_player: Callable[..., PlayerWindow], killed: Path, tmp_path: Path
) -> None:
    import shutil

    folder = Path(shutil.copytree(killed, tmp_path / "killed"))
    player = open_player(folder)
    assert "was not closed" in player.problem.text
    qtbot.waitUntil(lambda: len(player.transport.frames) > 100)
    press(player, Qt.Key.Key_Right)
    qtbot.waitUntil(lambda: shows_frame(player, 1))
    first = player.review
    player.problem._buttons[0].click()
    qtbot.waitUntil(lambda: player.review is not first, timeout=15000)
    assert player.review.metadata["state"] == "repaired" and player.problem.text == ""
    assert (folder / "faces.parquet").exists()


def test_a_video_that_cannot_be_read_leaves_the_table(
    qtbot: QtBot, open_player: Callable[..., PlayerWindow], session: Path
) -> None:
    (session / "video.mkv").write_bytes(b"not a video")
    player = open_player(session)
    qtbot.waitUntil(lambda: "expected a video" in player.problem.text)
    player.view.move_to(1.0)
    assert len(player.stage.result.faces) == 1


def test_what_is_no_session_is_told_in_a_banner(qtbot: QtBot, player: PlayerWindow, tmp_path: Path) -> None:
    before = player.review
    player.open_session(tmp_path)
    qtbot.waitUntil(lambda: "expected a session folder" in player.problem.text)
    assert player.review is before


def test_opening_another_session_shows_that_one(
    qtbot: QtBot, player: PlayerWindow, recorded_without_video: Path
) -> None:
    player.view.move_to(3.0)
    player.open_session(recorded_without_video)
    qtbot.waitUntil(lambda: player.review.folder == recorded_without_video)
    assert player.view.position_s == 0.0 and not player.stage.has_video


# The window as a whole


def test_every_key_leads_somewhere_and_is_explained(player: PlayerWindow) -> None:
    known = player.controls._actions()
    assert set(ACTIONS.values()) == set(known)
    page = dict(player_keys_page(Scheme((Code("yawn", "Y", shape="range"), Code("nod", "1"))).codes))
    assert page["Y"] == "begin and end “yawn”" and page["1"] == "mark “nod”" and "Space" in page
    press(player, Qt.Key.Key_Question, "?")
    assert player.sheet.isVisible()
    press(player, Qt.Key.Key_Escape)
    assert not player.sheet.isVisible()


def test_everything_is_reached_by_tab_and_has_a_name(player: PlayerWindow) -> None:
    player.charts.add_chart()
    for page in range(3):
        player.tabs.setCurrentIndex(page)
        controls = [
            each
            for kind in (QAbstractButton, QComboBox, QSlider)
            for each in player.findChildren(kind)
            if each.isVisible() and each.focusPolicy() & Qt.FocusPolicy.TabFocus
        ]
        assert len(controls) > 15
        nameless = [each for each in controls if not (each.accessibleName() or getattr(each, "text", str)())]
        assert nameless == []
    for field in (player.marks.start, player.marks.end, player.marks.note):
        assert field.accessibleName()


def test_nothing_is_cut_at_the_smallest_size(player: PlayerWindow) -> None:
    player.resize(SMALLEST)
    assert (player.width(), player.height()) == (960, 600)
    shown = [
        each
        for each in player.findChildren(QAbstractButton)
        if each.isVisible() and not isinstance(each.parent(), QLineEdit)
    ]
    right = max(each.mapTo(player, each.rect().bottomRight()).x() for each in shown)
    assert right < 960
    assert all(each.width() >= min(each.minimumSizeHint().width(), 60) for each in shown)
    assert player.video.height() >= 200 and player.charts.charts[0].height() >= 68
    below = player.charts.lanes.mapTo(player, player.charts.lanes.rect().bottomLeft()).y()
    assert below <= 600


@pytest.mark.parametrize(("name", "ground"), [("light", "#f7f7f5"), ("dark", "#15171a")])
def test_themes_reach_every_part(player: PlayerWindow, name: str, ground: str) -> None:
    player.set_theme("light" if name == "dark" else "dark")
    player.set_theme(name)
    image = player.grab().toImage()
    bottom = player.charts.mapTo(player, QPoint(4, player.charts.height() - 3))
    for place in (QPoint(3, 3), bottom):
        assert image.pixelColor(place).name() == ground


def test_annotator_and_place_are_remembered(
    open_player: Callable[..., PlayerWindow], session: Path, tmp_path: Path
) -> None:
    memory = tmp_path / "player.ini"
    first = open_player(session, memory_path=memory)
    first.controls.choose_annotator("Eve")
    first.close()
    assert open_player(session, memory_path=memory).author == "Eve"


def test_a_name_stands_in_the_chip_on_the_picture(qtbot: QtBot, player: PlayerWindow) -> None:
    review = player.review
    assert review is not None
    player.video.setFixedSize(600, 400)  # banners would make it smaller
    player.view.move_to(4.0)
    qtbot.waitUntil(lambda: player.stage.result.frame.time_s == pytest.approx(4.0))
    assert player.video.overlay.names == {}
    before = player.video.grab().toImage()
    player.controls.edit_faces(review.faces.renamed(1, "Ada"))
    assert player.video.overlay.names == {1: "Ada"}
    named = player.video.grab().toImage()
    assert named != before, "the chip says Ada and not 1"
    player.controls.edit_faces(review.faces.renamed(1, ""))
    assert player.video.overlay.names == {} and player.video.grab().toImage() == before
