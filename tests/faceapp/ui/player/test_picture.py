"""Picture and time: seeking, stepping, playing, what lies over the picture."""

from __future__ import annotations

import numpy as np
import pytest
from PySide6.QtCore import Qt
from pytestqt.qtbot import QtBot

from faceapp.ui.player.window import PlayerWindow
from tests.faceapp.session.results import picture
from tests.faceapp.ui.player.conftest import FRAMES, RATE_HZ
from tests.faceapp.ui.player.hands import SHIFT, press, shows_frame
from tests.faceapp.ui.scenes import pixels


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
