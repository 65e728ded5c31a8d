"""Charts, ruler and zoom."""

from __future__ import annotations

import numpy as np
import pytest
from PySide6.QtCore import QPoint, Qt
from PySide6.QtWidgets import QApplication
from pytestqt.qtbot import QtBot

from faceapp.ui.player.chart import CHOSEN_FACE, EMOTIONS_TOGETHER, chart_columns
from faceapp.ui.player.window import PlayerWindow
from tests.faceapp.ui.player.conftest import AWAY, FRAMES, RATE_HZ
from tests.faceapp.ui.player.hands import press
from tests.faceapp.ui.scenes import pixels


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
