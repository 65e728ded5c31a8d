"""Faces named, merged and left out; annotators and network compared."""

from __future__ import annotations

from pathlib import Path

import pytest
from PySide6.QtCore import Qt
from pytestqt.qtbot import QtBot

from faceapp.session.annotation_faces import load_face_edits
from faceapp.ui.player.compare_panel import NETWORK
from faceapp.ui.player.review import load_review
from faceapp.ui.player.window import PlayerWindow
from tests.faceapp.ui.player.hands import press


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
    (chart, *_) = player.charts.charts
    assert player.chosen_face == 1 and len(chart.points[0]) == 0 and player.charts.lanes._network_name == ""
    assert [chart._face.itemText(place) for place in range(chart._face.count())] == ["chosen face", "face 2"]
    faces.leave_out.click()
    assert len(chart.points[0]) > 0, "taken back in"
    faces.leave_out.click()
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


def test_annotators_and_network_are_compared(player: PlayerWindow) -> None:
    compare = player.compare
    player.tabs.setCurrentWidget(compare)
    compare.first.setCurrentIndex(compare.first.findData("Ada"))
    compare.second.setCurrentIndex(compare.second.findData(NETWORK))
    assert compare.figure.text() == "κ = 1.00"
    assert "100%" in compare.words.text() and "left out: excluded, or without" in compare.words.text()
    assert not compare.next.isEnabled() and not compare.points.isVisible()
    compare.second.setCurrentIndex(compare.second.findData("Ben"))
    assert compare.figure.text() != "κ = 1.00"
    assert "network" not in compare.words.text()
    assert "0 set by both" in compare.points.text() and "1 by the second alone" in compare.points.text()
    player.view.move_to(0.0)
    press(player, Qt.Key.Key_D, "d")
    assert player.view.position_s == pytest.approx(2.0)
    shown = [[compare.pairs.topLevelItem(row).text(column) for column in range(3)] for row in range(3)]
    assert ["happiness", "happiness", "2.0 s"] in shown and ["happiness", "–", "1.0 s"] in shown
