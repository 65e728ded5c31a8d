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
    assert len(timeline._curves) == len(EMOTIONS)
    for curve, colour in zip(timeline._curves, EMOTION_QCOLOURS, strict=True):
        assert curve.opts["pen"].color() == colour
        times_s, values = curve.getData()
        assert times_s.min() > -30.1 and times_s.max() <= 0
        assert np.nanmax(values) <= 1


def test_a_gap_stays_a_gap(timeline: Timeline, history: History) -> None:
    timeline.show_history(history, 1)
    times_s, values = timeline._curves[0].getData()
    seconds = times_s + history.now_s
    assert np.isnan(values[(seconds > 8.2) & (seconds < 9.8)]).all()
    assert timeline._curves[0].opts["connect"] == "finite"


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
    assert all(curve.getData()[0] is None for curve in timeline._curves)


def test_theme_changes_keep_the_emotions_colours(timeline: Timeline, history: History) -> None:
    timeline.show_history(history, 1)
    timeline.set_theme(LIGHT)
    timeline.show_history(history, 1)
    assert [curve.opts["pen"].color() for curve in timeline._curves] == list(EMOTION_QCOLOURS)
    assert sum(line.isVisible() for line in timeline._flags) == 1
