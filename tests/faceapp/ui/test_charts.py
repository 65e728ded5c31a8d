from __future__ import annotations

import numpy as np
import pytest
from pytestqt.qtbot import QtBot

from engines.card import EMOTIONS
from faceapp.ui.charts import Timeline
from faceapp.ui.history import History
from faceapp.ui.theme import DARK, EMOTION_QCOLOURS, LIGHT
from tests.faceapp.ui.scenes import make_result, make_track


@pytest.fixture
def timeline(qtbot: QtBot) -> Timeline:
    shown = Timeline(DARK)
    qtbot.addWidget(shown)
    shown.resize(900, 160)
    return shown


@pytest.fixture
def history(astronaut_landmarks: np.ndarray) -> History:
    kept = History()
    image = np.zeros((64, 64, 3), np.uint8)
    for step in range(600):
        time_s = step / 30
        faces = () if 8 <= time_s < 10 else (make_track(astronaut_landmarks, 1),)
        kept.add(make_result(image, faces, time_s))
        if step == 150:
            kept.flag("3")
    return kept


def test_there_is_a_line_an_emotion_in_its_colour(timeline: Timeline, history: History) -> None:
    timeline.show_history(history, 1)
    picture = timeline._lines.draw(900, 120, 2.0).astype(int)
    assert timeline._lines.values.shape[1] == len(EMOTIONS)
    for colour in EMOTION_QCOLOURS[:3]:  # the others lie upon each other
        wanted = np.array([colour.red(), colour.green(), colour.blue()])
        assert (np.abs(picture - wanted).max(axis=2) < 12).sum() > 60, colour.name()


def test_a_gap_stays_a_gap(timeline: Timeline, history: History) -> None:
    timeline.show_history(history, 1)
    picture = timeline._lines.draw(900, 120, 2.0).astype(int)
    columns = ((np.array([8.3, 9.7]) - history.now_s + 30) / 30 * 900).astype(int)
    between = picture[:, columns[0] : columns[1]]
    assert (np.ptp(between, axis=1) == 0).all(), "only the grid runs through the gap"
    assert (np.ptp(picture[:, columns[1] + 60 :], axis=1) > 0).any()


def test_lines_stand_at_their_times_and_heights(timeline: Timeline) -> None:
    times_s, values = np.array([-20.0, -10.0]), np.full((2, 8), np.nan)
    values[:] = np.linspace(0.1, 0.8, 8)
    timeline._lines.set_lines(times_s, values)
    picture = timeline._lines.draw(3000, 1180, 1.0).astype(int)
    happiness = EMOTION_QCOLOURS[1]
    wanted = np.array([happiness.red(), happiness.green(), happiness.blue()])
    rows, columns = np.nonzero(np.abs(picture - wanted).max(axis=2) < 12)
    assert (columns.min(), columns.max()) == pytest.approx((1000, 2000), abs=4)
    assert rows.mean() == pytest.approx((1.09 - 0.2) * 1000, abs=4)


def test_flags_stand_where_they_were_set(timeline: Timeline, history: History) -> None:
    timeline.show_history(history, 1)
    (flag,) = (line for line in timeline._flags if line.isVisible())
    assert flag.value() == pytest.approx(5.0 - history.now_s)
    assert flag.label.format == " 3 "
    history.clear()
    timeline.show_history(history, 1)
    assert not any(line.isVisible() for line in timeline._flags)


def test_an_unknown_face_clears_the_lines(timeline: Timeline, history: History) -> None:
    timeline.show_history(history, 1)
    timeline.show_history(history, 5)
    assert timeline._lines.times_s.size == 0
    picture = timeline._lines.draw(900, 120, 2.0)
    assert (np.ptp(picture, axis=1) == 0).all()


def test_theme_changes_keep_the_emotions_colours(timeline: Timeline, history: History) -> None:
    timeline.show_history(history, 1)
    timeline.set_theme(LIGHT)
    timeline.show_history(history, 1)
    assert "#{:02X}{:02X}{:02X}".format(*timeline._lines.draw(900, 120, 2.0)[1, 1]) == LIGHT.background
    assert sum(line.isVisible() for line in timeline._flags) == 1
