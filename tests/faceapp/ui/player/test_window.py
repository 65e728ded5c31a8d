"""The window as a whole: sessions in every state, keys, sizes, themes, what is remembered."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from PySide6.QtCore import QPoint, Qt
from PySide6.QtWidgets import QAbstractButton, QComboBox, QLineEdit, QSlider
from pytestqt.qtbot import QtBot

from faceapp.session.annotation_scheme import Code, Scheme
from faceapp.ui.player.keys import ACTIONS, player_keys_page
from faceapp.ui.player.window import SMALLEST, PlayerWindow
from tests.faceapp.ui.player.hands import press, shows_frame


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
    qtbot.waitUntil(lambda: player.review is not first)
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
