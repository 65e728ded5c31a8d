"""Three readings side by side: the closer one stands out, for what it says and not for who it is."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pytest
from pytestqt.qtbot import QtBot

from engines.card import EMOTIONS
from faceapp.analysis.comparison import PICTURE_PX, Comparison
from faceapp.types import FrameResult
from faceapp.ui.closeness import MEMORY_S, Closeness, ShownEmotions
from faceapp.ui.comparison_view import NOTHING_HIDDEN, TOO_LITTLE, WAITING, ComparisonView
from faceapp.ui.theme import DARK, EMOTION_COLOURS, LIGHT, Theme
from faceapp.ui.window import MainWindow
from tests.faceapp.ui.fakes import FakePipeline
from tests.faceapp.ui.scenes import make_prediction, make_result, make_track, no_reading, pixels


def emotion(**shares: float) -> np.ndarray:
    return np.array([shares.get(name, 0.0) for name in EMOTIONS], np.float32)


def make_comparison(**changes: object) -> Comparison:
    """The full-face network is lost on the hidden face, the headset network is not."""
    picture = np.full((PICTURE_PX, PICTURE_PX, 3), 90, np.uint8)
    clean = make_prediction(
        1, emotion=emotion(happiness=0.9, neutral=0.1), age_years=34.0, smile=0.9, female=0.9
    )
    lost = replace(clean, emotion=emotion(anger=0.6, happiness=0.4), age_years=50.0, smile=0.4, female=0.9)
    found = replace(
        clean,
        emotion=emotion(happiness=0.8, neutral=0.2),
        age_years=37.0,
        smile=0.8,
        model="multitask-headset",
    )
    fields = {
        "track_id": 1,
        "occlusion": "headset",
        "clean_picture": picture,
        "hidden_picture": picture // 3,
        "full_on_clean": clean,
        "full_on_hidden": lost,
        "specialised": found,
    }
    return Comparison(**{**fields, **changes})  # type: ignore[arg-type]


def swapped() -> Comparison:
    """The specialised network is the one that is lost."""
    usual = make_comparison()
    return make_comparison(full_on_hidden=usual.specialised, specialised=usual.full_on_hidden)


@pytest.fixture
def view(qtbot: QtBot) -> ComparisonView:
    made = ComparisonView(DARK)
    qtbot.addWidget(made)
    made.resize(960, 530)
    made.show()
    return made


def test_the_closer_reading_is_found_measure_by_measure() -> None:
    closeness = Closeness()
    closeness.update(make_comparison(), 0.0)
    found = [closeness.closer(measure) for measure in ("emotion", "age", "gender", "smile")]
    assert found == ["specialised", "specialised", None, "specialised"], "both say the same of the gender"
    assert (closeness.winner, closeness.count("specialised"), closeness.count("full")) == (
        "specialised",
        3,
        0,
    )
    closeness.clear()
    closeness.update(swapped(), 0.0)
    assert (closeness.winner, closeness.count("full")) == ("full", 3), "nobody wins by name"


def test_a_moment_does_not_change_the_winner_but_seconds_do() -> None:
    closeness = Closeness()
    closeness.update(make_comparison(), 0.0)
    closeness.update(swapped(), 0.1)
    assert closeness.winner == "specialised"
    for step in range(1, 60):
        closeness.update(swapped(), 0.1 + step * MEMORY_S / 20)
    assert closeness.winner == "full"


def test_a_missing_head_or_network_decides_nothing() -> None:
    usual, nan = make_comparison(), float("nan")
    assert usual.specialised is not None
    ageless = replace(usual.specialised, age_years=nan, smile=nan, emotion=emotion() * nan)
    closeness = Closeness()
    closeness.update(make_comparison(specialised=ageless), 0.0)
    assert closeness.winner is None and closeness.closer("age") is None
    closeness.update(make_comparison(specialised=None), 0.1)
    assert closeness.winner is None and closeness.closer("emotion") is None


def test_all_columns_show_the_same_emotions_and_keep_them() -> None:
    def names(**shares: float) -> list[str]:
        said = replace(make_comparison().full_on_clean, emotion=emotion(**shares))
        same = make_comparison(full_on_clean=said, full_on_hidden=said, specialised=said)
        return [EMOTIONS[index] for index in shown.update(same)]

    shown = ShownEmotions()
    assert [EMOTIONS[index] for index in shown.update(make_comparison())] == ["neutral", "happiness", "anger"]
    assert names(happiness=0.5, neutral=0.3, fear=0.15, anger=0.05) == ["neutral", "happiness", "fear"]
    narrow = names(happiness=0.5, neutral=0.3, fear=0.08, anger=0.12)
    assert narrow == ["neutral", "happiness", "fear"], "a narrow lead changes nothing"
    assert names(happiness=0.5, neutral=0.3, fear=0.05, anger=0.15) == ["neutral", "happiness", "anger"]


@pytest.mark.parametrize("theme", [DARK, LIGHT], ids=["dark", "light"])
def test_the_winning_column_stands_out(qtbot: QtBot, view: ComparisonView, theme: Theme) -> None:
    view.set_theme(theme)
    text = np.array([int(theme.text[start : start + 2], 16) for start in (1, 3, 5)])

    def stands_out(column: int) -> bool:
        shot = pixels(view)
        assert shot.shape == (530, 960, 3)
        feet = shot[480:].reshape(50, 3, 320, 3)
        counts = (feet == text).all(axis=3).sum(axis=(0, 2))
        return counts.argmax() == column and counts.max() > 10 * np.sort(counts)[1]

    for comparison, winner in ((make_comparison(), 2), (swapped(), 1)):
        view.clear()
        view.show_comparison(comparison, 1.0)
        qtbot.waitUntil(lambda winner=winner: stands_out(winner))


def test_pictures_and_bars_are_each_columns_own(qtbot: QtBot, view: ComparisonView) -> None:
    view.show_comparison(make_comparison(), 1.0)
    anger = np.array([int(EMOTION_COLOURS["anger"][start : start + 2], 16) for start in (1, 3, 5)])

    def columns() -> list[np.ndarray]:
        return [pixels(view)[:, start : start + 320] for start in (0, 320, 640)]

    def red_is_in_the_second() -> bool:
        reds = [(np.abs(column.astype(int) - anger).max(axis=2) < 40).sum() for column in columns()]
        return reds[1] > 300 and reds[1] > 20 * max(reds[0], reds[2])

    qtbot.waitUntil(red_is_in_the_second)
    assert [(column == 90).all(axis=2).sum() > 5000 for column in columns()] == [True, False, False]
    assert [(column == 30).all(axis=2).sum() > 5000 for column in columns()] == [False, True, True]


def test_readings_are_told_to_screen_readers(view: ComparisonView) -> None:
    view.show_comparison(make_comparison(), 1.0)
    first, second, third = view.accessibleDescription().split(". ")
    assert first.startswith("Whole face, full-face network: happiness 0.90, age 34 ± 6")
    assert (
        second.startswith("Face behind a headset, full-face network: anger 0.60")
        and "closer in none" in second
    )
    assert third.startswith("Face behind a headset, headset network: happiness 0.80")
    assert third.endswith("closer in 3 of 3")


def test_what_a_tick_means_is_said_where_it_may_differ_from_the_numbers(view: ComparisonView) -> None:
    assert f"averaged over the last {MEMORY_S:g} s" in view.toolTip()


def test_a_missing_network_is_said_and_nobody_wins(qtbot: QtBot, view: ComparisonView) -> None:
    view.show_comparison(make_comparison(specialised=None, occlusion="mask"), 1.0)
    qtbot.wait(20)
    assert (
        "No mask network is in use: the model Automatic takes multitask-mask" in view.accessibleDescription()
    )
    assert "closer" not in view.accessibleDescription()


def test_another_face_starts_afresh(view: ComparisonView) -> None:
    view.show_comparison(make_comparison(), 1.0)
    view.show_comparison(replace(swapped(), track_id=2), 1.1)
    assert view.closeness.winner == "full"


def test_the_key_hides_a_face_compares_it_and_gives_the_panels_back(
    qtbot: QtBot, live_window: MainWindow, pipeline: FakePipeline, result: FrameResult
) -> None:
    window = live_window
    pipeline.waiting = [result]
    qtbot.waitUntil(lambda: window.centre.shows_picture)
    panels = [window.faces_dock.isVisible(), window.timeline_dock.isVisible()]
    assert panels == [True, True] and not window.live.side_by_side.wanted
    window.controls.act("compare", "v")
    assert window.live.side_by_side.wanted and window.live.hiding.what == "headset"
    assert window.centre.comparison.isVisible() and not window.centre.video.isVisible()
    assert not window.faces_dock.isVisible() and not window.timeline_dock.isVisible()
    window.live.side_by_side.newest = (1, (make_comparison(),))
    pipeline.waiting = [result]
    qtbot.waitUntil(lambda: "headset network" in window.centre.comparison.accessibleDescription())
    window.controls.act("back", "")
    assert window.centre.video.isVisible() and not window.live.side_by_side.wanted
    assert [window.faces_dock.isVisible(), window.timeline_dock.isVisible()] == panels
    assert window.live.hiding.what == "none", "it was drawn for the comparison alone"


def visible_panels(window: MainWindow) -> list[bool]:
    return [part.isVisible() for part in (window.toolbar, window.faces_dock, window.timeline_dock)]


@pytest.mark.parametrize("order", [("compare", "audience"), ("audience", "compare")])
@pytest.mark.parametrize("back", [("compare", "audience"), ("audience", "compare")])
def test_full_screen_and_comparison_go_together_in_any_order(
    qtbot: QtBot, live_window: MainWindow, order: tuple[str, str], back: tuple[str, str]
) -> None:
    window = live_window
    qtbot.wait(20)
    sizes = [dock.size().toTuple() for dock in (window.faces_dock, window.timeline_dock)]
    for action in order:
        window.controls.act(action, "")
    assert visible_panels(window) == [False, False, False] and window.isFullScreen()
    window.controls.act(back[0], "")
    assert visible_panels(window) == ([False, True, False] if back[0] == "compare" else [True, False, False])
    window.controls.act(back[1], "")
    assert visible_panels(window) == [True, True, True]
    qtbot.waitUntil(
        lambda: [dock.size().toTuple() for dock in (window.faces_dock, window.timeline_dock)] == sizes
    )


def test_the_chosen_face_is_the_one_compared(
    live_window: MainWindow, result: FrameResult, monkeypatch: pytest.MonkeyPatch
) -> None:
    window = live_window
    window.comparing.toggle()
    window.live.side_by_side.newest = (1, (make_comparison(), replace(make_comparison(), track_id=4)))
    window.comparing.show_newest(1.0)
    assert window.centre.comparison.comparison is not None
    assert window.centre.comparison.comparison.track_id == 1
    monkeypatch.setattr(MainWindow, "chosen_id", 4)
    window.comparing.show_newest(1.1)
    assert window.centre.comparison.comparison.track_id == 4


def test_an_unread_face_and_an_empty_picture_are_not_compared(
    live_window: MainWindow, result: FrameResult, astronaut_landmarks: np.ndarray
) -> None:
    window, wish = live_window, live_window.live.side_by_side
    view, hints = window.centre.comparison, []
    window.comparing.toggle()
    view.set_hint = hints.append  # type: ignore[method-assign]
    window.show_result(result)
    wish.newest = (1, (make_comparison(),))
    window.comparing.show_newest(1.0)
    assert view.comparison is not None
    face = make_track(astronaut_landmarks, 1, occlusion="hidden")
    window.show_result(make_result(result.frame.image, (face,), 1.1, (no_reading(1),)))
    assert view.comparison is None and hints == [TOO_LITTLE]
    window.show_result(make_result(result.frame.image, (make_track(astronaut_landmarks, 1),), 1.2))
    assert view.comparison is not None
    wish.newest = (2, ())
    window.show_result(make_result(result.frame.image, (), 1.3))
    assert view.comparison is not None, "a lost frame takes nothing away"
    window.show_result(make_result(result.frame.image, (), 3.0))
    assert view.comparison is None and hints[-1] == WAITING


def test_without_anything_hidden_the_view_says_what_to_do(
    live_window: MainWindow, open_window: Callable[..., MainWindow]
) -> None:
    window = live_window
    window.comparing.toggle()
    window.live.side_by_side.newest = (1, (make_comparison(),))
    window.comparing.show_newest(1.0)
    hints: list[str] = []
    window.centre.comparison.set_hint = hints.append  # type: ignore[method-assign]
    window.controls.hide("none")
    window.controls.hide("mask")
    assert hints == [NOTHING_HIDDEN, WAITING]
    assert window.centre.comparison.comparison is None and window.live.side_by_side.newest is None
