from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest
from PySide6.QtCore import QEvent, Qt
from PySide6.QtGui import QKeyEvent
from PySide6.QtWidgets import QApplication, QToolButton
from pytestqt.qtbot import QtBot

from faceapp.pipeline import PipelineState
from faceapp.types import FrameResult
from faceapp.ui.keys import KEY_ACTIONS, action_of, keys_page
from faceapp.ui.window import MainWindow
from tests.faceapp.ui.fakes import FakePipeline

PRESS = QEvent.Type.KeyPress
PLAIN = Qt.KeyboardModifier.NoModifier


def press(window: MainWindow, key: Qt.Key, text: str = "") -> None:
    QApplication.sendEvent(window.centre.video, QKeyEvent(PRESS, key, PLAIN, text))


@pytest.fixture
def window(live_window: MainWindow, result: FrameResult) -> MainWindow:
    live_window.show_result(result)
    return live_window


def test_every_action_of_a_key_exists_and_is_explained(window: MainWindow) -> None:
    assert len({key for entry in KEY_ACTIONS for key in entry.keys}) == sum(len(e.keys) for e in KEY_ACTIONS)
    assert [shown for shown, _ in keys_page()] == [
        *("Space", "R", "Shift R", "S", "O", "H", "V", "M", "1 to 9", "N", "A", "Ctrl Z", "Ctrl L", "Ctrl E"),
        *("F", "Esc", "?"),
    ]
    for entry in KEY_ACTIONS:
        assert entry.text
    assert not window.controls.act("no such action", "")


def test_held_keys_and_other_modifiers_do_nothing() -> None:
    assert action_of(QKeyEvent(PRESS, Qt.Key.Key_R, PLAIN, "r")) == ("record", "r")
    assert action_of(QKeyEvent(PRESS, Qt.Key.Key_R, PLAIN, "r", True)) == ("", "")
    control = Qt.KeyboardModifier.ControlModifier
    assert action_of(QKeyEvent(PRESS, Qt.Key.Key_R, control, "r")) == ("", "")
    assert action_of(QKeyEvent(PRESS, Qt.Key.Key_Z, PLAIN, "z")) == ("", "")


def test_space_pauses_and_goes_on(window: MainWindow, pipeline: FakePipeline) -> None:
    press(window, Qt.Key.Key_Space, " ")
    assert pipeline.state is PipelineState.PAUSED
    assert window.centre.video._hint == "Paused. Space goes on."
    press(window, Qt.Key.Key_Space, " ")
    assert pipeline.state is PipelineState.RUNNING


def test_keys_go_to_the_window_once_there_is_a_picture(
    qtbot: QtBot, live_window: MainWindow, pipeline: FakePipeline, result: FrameResult
) -> None:
    live_window.toolbar._source.setFocus()
    pipeline.waiting.append(result)
    qtbot.waitUntil(live_window.centre.video.hasFocus)


def test_space_on_a_focused_button_presses_the_button(
    qtbot: QtBot, window: MainWindow, pipeline: FakePipeline
) -> None:
    (mask,) = (b for b in window.toolbar.findChildren(QToolButton) if b.property("mode") == "mask")
    mask.setFocus()
    qtbot.keyClick(mask, Qt.Key.Key_Space)
    assert window.settings.occlusion == "mask"
    assert pipeline.state is PipelineState.RUNNING


def test_o_goes_through_the_occlusion_modes(window: MainWindow, pipeline: FakePipeline) -> None:
    seen = []
    for _ in range(4):
        press(window, Qt.Key.Key_O, "o")
        seen.append(window.settings.occlusion)
    assert seen == ["none", "headset", "mask", "auto"]
    assert [value for name, value in pipeline.calls if name == "occlusion"][-4:] == seen


def test_h_goes_through_what_is_drawn(window: MainWindow) -> None:
    seen = []
    for _ in range(3):
        press(window, Qt.Key.Key_H, "h")
        seen.append(window.live.hiding.what)
    assert seen == ["headset", "mask", "none"]


def test_m_shows_the_mesh(window: MainWindow) -> None:
    press(window, Qt.Key.Key_M, "m")
    assert window.settings.show_mesh
    assert window.centre.video.overlay.show_mesh


@pytest.mark.parametrize("digit", range(1, 10))
def test_digits_set_markers(window: MainWindow, digit: int) -> None:
    press(window, Qt.Key(int(Qt.Key.Key_0) + digit), str(digit))
    assert [flag.label for flag in window.history.flags] == [str(digit)]


def test_question_mark_shows_the_keys_and_escape_closes_them(window: MainWindow) -> None:
    press(window, Qt.Key.Key_Question, "?")
    assert window.sheet.isVisible()
    assert window.sheet.accessibleName() == "Keys"
    press(window, Qt.Key.Key_Escape)
    assert not window.sheet.isVisible()


def test_escape_dismisses_a_message(window: MainWindow) -> None:
    window.controls.complain("broken")
    press(window, Qt.Key.Key_Escape)
    assert window.centre.problem.text == ""


def test_f_shows_picture_and_bars_alone_and_escape_leaves(window: MainWindow) -> None:
    press(window, Qt.Key.Key_F, "f")
    assert window.isFullScreen()
    hidden = (window.toolbar, window.status, window.timeline_dock, window.form_dock)
    assert not any(part.isVisible() for part in hidden)
    assert window.centre.video.isVisible() and window.cards.isVisible()
    press(window, Qt.Key.Key_Escape)
    assert not window.isFullScreen()
    assert all(part.isVisible() for part in (window.toolbar, window.status, window.timeline_dock))
    assert not window.form_dock.isVisible(), "it was closed before"


def test_keys_work_in_a_floating_panel(window: MainWindow) -> None:
    window.faces_dock.setFloating(True)
    QApplication.sendEvent(window.faces_dock, QKeyEvent(PRESS, Qt.Key.Key_M, PLAIN, "m"))
    assert window.settings.show_mesh


def test_s_saves_the_picture(
    qtbot: QtBot, window: MainWindow, result: FrameResult, monkeypatch: pytest.MonkeyPatch
) -> None:
    import cv2

    press(window, Qt.Key.Key_S, "s")
    qtbot.waitUntil(lambda: "Picture saved" in window.centre.notice.text)
    (saved,) = (window.settings.sessions_dir / "snapshots").glob("*.png")
    picture = cv2.cvtColor(cv2.imread(str(saved)), cv2.COLOR_BGR2RGB)
    assert picture.shape == result.frame.image.shape
    same = (picture == result.frame.image).all(axis=2).mean()
    assert 0.8 < same < 1.0, "the picture with box and label"


def test_a_snapshot_that_cannot_be_written_is_told(
    qtbot: QtBot, window: MainWindow, settings: object, open_window: Callable[..., MainWindow]
) -> None:
    window.settings.sessions_dir.parent.mkdir(parents=True, exist_ok=True)
    window.settings.sessions_dir.write_text("a file where the folder should be")
    press(window, Qt.Key.Key_S, "s")
    qtbot.waitUntil(lambda: "expected a folder" in window.centre.problem.text)


def test_no_picture_no_marker_no_snapshot(open_window: Callable[..., MainWindow]) -> None:
    window = open_window()
    window.controls.mark("1")
    window.controls.snapshot()
    window.controls.toggle_record()
    assert not window.history.flags
    assert not window.recorder.wanted


def test_picture_is_left_untouched_by_what_is_drawn_over_it(window: MainWindow, result: FrameResult) -> None:
    before = result.frame.image.copy()
    window.centre.video.grab()
    window.centre.video.snapshot()
    assert np.array_equal(result.frame.image, before)
