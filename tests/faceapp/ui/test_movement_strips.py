from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from pytestqt.qtbot import QtBot

from engines.second_opinion import Opinion
from faceapp.tracking.action_units import MEASURED_UNITS
from faceapp.types import FrameResult
from faceapp.ui.face_card import FaceCard
from faceapp.ui.movement_strips import NOT_MEASURED, MovementHistory, MovementStrips
from faceapp.ui.player.chart import chart_columns
from faceapp.ui.readout import OPINION_S, Readout, Readouts
from faceapp.ui.theme import theme_named
from faceapp.ui.window import MainWindow
from tests.faceapp.ui.fakes import FakePipeline
from tests.faceapp.ui.scenes import make_prediction, make_track, pixels

UNITS = len(MEASURED_UNITS)
AU12 = [unit.code for unit in MEASURED_UNITS].index(12)
FEAR = Opinion("fear", "surprise", (5, -12))


def at(result: FrameResult, time_s: float, **changes: object) -> FrameResult:
    told = tuple(replace(each, **changes) for each in result.predictions)
    return replace(result, frame=replace(result.frame, time_s=time_s), predictions=told)


def moves(value: float = 0.0, smile: float | None = None) -> np.ndarray:
    found = np.full(UNITS, value, dtype=np.float32)
    found[AU12] = value if smile is None else smile
    return found


def test_history_keeps_the_newest_of_each_quarter_second_for_half_a_minute(result: FrameResult) -> None:
    history = MovementHistory()
    for step in range(200):
        history.add(at(result, step * 0.25, movements=moves(smile=step)))
    history.add(at(result, 49.8, movements=moves(smile=777)))
    strips = history.strips(1)
    assert strips is not None
    np.testing.assert_array_equal(strips[AU12], [*range(80, 199), 777])
    history.add(at(result, 60.0, movements=None))  # no longer measured: what was known moves away
    later = history.strips(1)
    assert later is not None
    np.testing.assert_array_equal(later[AU12, :5], range(121, 126))
    assert np.isnan(later[AU12, -30:]).all()
    history.add(at(result, 1.0, movements=moves(1.0)))  # an earlier time starts afresh
    assert np.isfinite(history.strips(1)).sum() == UNITS  # type: ignore[arg-type]
    assert history.strips(2) is None
    assert history.strips(None) is None


def test_a_strong_movement_is_bright_and_a_hidden_one_says_so(qtbot: QtBot, result: FrameResult) -> None:
    strips = MovementStrips(theme_named("dark"))
    qtbot.addWidget(strips)
    strips.resize(900, 300)
    assert strips.spoken() == NOT_MEASURED
    empty = pixels(strips)
    strips.history.add(at(result, 1.0, movements=moves(0.0)))
    strips.show_history(1)
    calm = pixels(strips)
    assert strips.spoken() == "no strong movement"
    for step in range(120):
        strips.history.add(at(result, 1.0 + step * 0.25, movements=moves(0.0, smile=5.0)))
    strips.show_history(1)
    smiling = pixels(strips)
    assert strips.spoken() == "AU12 lip corner puller 5.0"
    assert (calm != empty).any()
    assert int((smiling > 200).sum()) > int((calm > 200).sum()) + 1000
    strips.set_theme(theme_named("light"))
    assert (pixels(strips) != smiling).any()


def test_a_second_opinion_is_marked_told_and_stays_a_moment(
    qtbot: QtBot, astronaut_landmarks: np.ndarray
) -> None:
    readout, track = Readout(1), make_track(astronaut_landmarks, 1)
    card = FaceCard(readout, theme_named("dark"))
    qtbot.addWidget(card)
    card.set_shape(1.0, compact=False)
    card.resize(320, card.height())

    def show(time_s: float, opinion: Opinion | None) -> np.ndarray:
        readout.update(track, make_prediction(1, 0.0, second_opinion=opinion), time_s)
        card.show_readout(readout, chosen=False)
        return pixels(card)

    before = show(0.0, None)
    assert (card.toolTip(), readout.opinion_text) == ("", "")
    marked = show(0.1, FEAR)
    assert readout.opinion_text == "rather fear"
    assert card.toolTip() == "movements: rather fear (AU5, no AU12)"
    assert "movements: rather fear" in readout.spoken()
    assert (marked != before).any()
    show(0.1 + OPINION_S * 0.9, None)
    assert readout.opinion_text == "rather fear"
    show(0.2 + OPINION_S, None)
    assert (card.toolTip(), readout.opinion_text) == ("", "")
    shown = readout.emotion_word
    show(5.0, Opinion(shown, shown, ()))
    assert (readout.opinion_text, readout.opinion_tip) == ("agrees", f"movements: also {shown}")


def test_readouts_pass_the_opinion_on(result: FrameResult) -> None:
    readouts = Readouts()
    readouts.update(at(result, 1.0, second_opinion=FEAR))
    assert [each.opinion for each in readouts] == [FEAR]


def test_the_player_offers_a_chart_of_every_unit() -> None:
    columns = dict(chart_columns())
    assert columns["au12"] == "AU12 lip corner puller"
    assert sum(name.startswith("au") for name in columns) == UNITS
    assert "second_opinion" not in columns


@pytest.fixture
def window(live_window: MainWindow) -> MainWindow:
    return live_window


def test_the_menu_and_the_form_switch_it_in_what_runs(window: MainWindow, pipeline: FakePipeline) -> None:
    menu = window.toolbar.menu_button.menu()
    menu.aboutToShow.emit()
    action = next(each for each in menu.actions() if each.text() == "Second opinion from movements")
    assert not action.isChecked()
    action.trigger()
    assert window.settings.second_opinion
    assert pipeline.calls[-1] == ("second_opinion", True)
    window.controls.change("second_opinion", False)
    menu.aboutToShow.emit()
    assert not action.isChecked()
    window.form.changed.emit("movements", True)
    assert window.settings.movements
    assert pipeline.calls[-2:] == [("second_opinion", False), ("movements", True)]


def test_the_panel_comes_to_the_front_when_asked_for(qtbot: QtBot, window: MainWindow) -> None:
    qtbot.waitUntil(lambda: not window.timeline.visibleRegion().isEmpty())
    window.movements_dock.toggleViewAction().trigger()
    qtbot.waitUntil(lambda: not window.movements.visibleRegion().isEmpty())
    assert window.timeline.visibleRegion().isEmpty(), "both share one place"
    window.movements_dock.toggleViewAction().trigger()
    qtbot.waitUntil(lambda: not window.timeline.visibleRegion().isEmpty())


def test_the_panel_shows_the_chosen_face(window: MainWindow, result: FrameResult) -> None:
    window.movements_dock.show()
    window.show_result(at(result, 1.0, movements=moves(0.0, smile=3.0)))
    window.show_timeline()
    assert window.movements.spoken() == "AU12 lip corner puller 3.0"
    window.forget()
    assert window.movements.spoken() == NOT_MEASURED
