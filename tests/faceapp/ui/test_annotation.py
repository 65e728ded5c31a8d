from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from PySide6.QtCore import QEvent, Qt
from PySide6.QtGui import QKeyEvent
from PySide6.QtWidgets import QApplication, QPushButton, QWidget
from pytestqt.qtbot import QtBot

from faceapp.session.annotation_scheme import (
    DEFAULT_SCHEME,
    SCHEME_FILE,
    Code,
    Scheme,
    load_scheme,
    save_scheme,
)
from faceapp.session.annotations import Event, read_events
from faceapp.types import FrameResult
from faceapp.ui.annotation_scheme_form import SchemeForm
from faceapp.ui.theme import DARK
from faceapp.ui.window import MainWindow
from tests.faceapp.ui.fakes import FakePipeline
from tests.faceapp.ui.scenes import make_result, make_track
from tests.faceapp.ui.test_recorder import record

SCHEME = Scheme(
    (
        Code("nod", "1", "#F2B701"),
        Code("talk", "T", "#3BB2D0", "range"),
        Code("out", "X", shape="range", kind="exclude"),
    )
)


@pytest.fixture
def frames(astronaut: np.ndarray, astronaut_landmarks: np.ndarray) -> list[FrameResult]:
    """A second, beginning at 7 s of the source."""
    return [
        make_result(astronaut, (make_track(astronaut_landmarks, 1),), 7.0 + step / 30) for step in range(31)
    ]


def press(window: MainWindow, key: Qt.Key, text: str = "", control: bool = False) -> None:
    how = Qt.KeyboardModifier.ControlModifier if control else Qt.KeyboardModifier.NoModifier
    QApplication.sendEvent(window.centre.video, QKeyEvent(QEvent.Type.KeyPress, key, how, text))


def show(window: MainWindow, pipeline: FakePipeline, result: FrameResult) -> None:
    assert pipeline.recorder.put_frame(result.frame)  # type: ignore[attr-defined]
    assert pipeline.recorder.put(result)  # type: ignore[attr-defined]
    window.show_result(result)


def stop(qtbot: QtBot, window: MainWindow) -> Path:
    with qtbot.waitSignal(window.recorder.saved) as saved:
        window.controls.toggle_record()
    return Path(saved.args[0])


def test_keys_of_the_scheme_mark_moments_and_stretches_while_recording(
    qtbot: QtBot, live_window: MainWindow, pipeline: FakePipeline, frames: list[FrameResult]
) -> None:
    window = live_window
    window.annotation.use(SCHEME)
    record(qtbot, window, pipeline, frames[0])
    keys = {3: (Qt.Key.Key_T, "t"), 6: (Qt.Key.Key_1, "1"), 9: (Qt.Key.Key_A, "a"), 12: (Qt.Key.Key_1, "1")}
    keys |= {
        15: (Qt.Key.Key_A, "a"),
        18: (Qt.Key.Key_T, "t"),
        24: (Qt.Key.Key_X, "x"),
        27: (Qt.Key.Key_Q, "q"),
    }
    for number, frame in enumerate(frames):
        show(window, pipeline, frame)
        if number in keys:
            press(window, *keys[number])
    folder = stop(qtbot, window)
    found = [(e.label, e.kind, round(e.start, 3), round(e.end, 3), e.face) for e in read_events(folder)]
    assert found == [
        ("talk", "marker", 0.1, 0.6, None),
        ("nod", "marker", 0.2, 0.2, None),
        ("nod", "marker", 0.4, 0.4, 1),
        ("out", "exclude", 0.8, 1.0, None),
    ], "what still ran ended with the last picture"
    assert {event.author for event in read_events(folder)} == {"live"}
    assert load_scheme(folder / SCHEME_FILE) == SCHEME
    assert [flag.label for flag in window.history.flags] == ["talk ▸", "nod", "nod", "talk ◂", "out ▸"]


def test_a_note_lands_where_its_key_was_pressed(
    qtbot: QtBot, live_window: MainWindow, pipeline: FakePipeline, frames: list[FrameResult]
) -> None:
    record(qtbot, live_window, pipeline, frames[0])
    for frame in frames[:16]:
        show(live_window, pipeline, frame)
    press(live_window, Qt.Key.Key_N, "n")
    for frame in frames[16:]:
        show(live_window, pipeline, frame)
    (dialog,) = (each for each in live_window.findChildren(QWidget) if each.windowTitle() == "Note")
    dialog.setTextValue("door opens")
    dialog.accept()
    (flag,) = live_window.history.flags
    assert flag.time_s == frames[15].frame.time_s, "not where the text was ready"
    (event,) = read_events(stop(qtbot, live_window))
    assert (event.kind, event.note, event.author) == ("note", "door opens", "live")
    assert event.start == pytest.approx(0.5)


def test_the_last_mark_is_taken_back(
    qtbot: QtBot, live_window: MainWindow, pipeline: FakePipeline, frames: list[FrameResult]
) -> None:
    record(qtbot, live_window, pipeline, frames[0])
    show(live_window, pipeline, frames[0])
    press(live_window, Qt.Key.Key_1, "1")
    press(live_window, Qt.Key.Key_2, "2")
    live_window.history.flag("of another program")
    press(live_window, Qt.Key.Key_Z, "z", control=True)
    assert [flag.label for flag in live_window.history.flags] == ["1", "of another program"]
    assert "Undone: add 2" in live_window.centre.notice.text
    assert read_events(stop(qtbot, live_window)) == (Event(0.0, 0.0, label="1", author="live"),)


def test_a_mark_before_the_first_recorded_picture_is_at_the_start(
    qtbot: QtBot, live_window: MainWindow, pipeline: FakePipeline, frames: list[FrameResult]
) -> None:
    record(qtbot, live_window, pipeline, frames[0])
    press(live_window, Qt.Key.Key_1, "1")
    for frame in frames:
        show(live_window, pipeline, frame)
    assert [event.start for event in read_events(stop(qtbot, live_window))] == [0.0]


def test_without_a_recording_marks_are_flags_only(
    live_window: MainWindow, frames: list[FrameResult], settings: object
) -> None:
    live_window.show_result(frames[0])
    press(live_window, Qt.Key.Key_W, "w")
    press(live_window, Qt.Key.Key_W, "w")
    assert [flag.label for flag in live_window.history.flags] == ["stretch ▸", "stretch ◂"]
    assert not live_window.settings.sessions_dir.exists()


def test_the_users_scheme_is_read_at_the_start_and_saved(
    qtbot: QtBot, open_window: Callable[..., MainWindow], tmp_path: Path
) -> None:
    save_scheme(tmp_path / SCHEME_FILE, SCHEME)
    window = open_window(settings_path=tmp_path / "settings.json")
    window.start()
    assert window.annotation.scheme == SCHEME
    form = window.annotation.show_scheme()
    form.rows[0].label.setText("nods")
    form.save()
    qtbot.waitUntil(lambda: load_scheme(tmp_path / SCHEME_FILE).codes[0].label == "nods")
    assert window.recorder.scheme.codes[0].label == "nods"


def test_a_damaged_scheme_is_told_and_the_default_taken(
    open_window: Callable[..., MainWindow], tmp_path: Path
) -> None:
    (tmp_path / SCHEME_FILE).write_text("no scheme")
    window = open_window(settings_path=tmp_path / "settings.json")
    window.start()
    assert window.annotation.scheme is DEFAULT_SCHEME
    assert "expected an annotation scheme" in window.centre.problem.text


def test_a_recording_is_reviewed_from_its_notice(
    qtbot: QtBot, live_window: MainWindow, pipeline: FakePipeline, frames: list[FrameResult]
) -> None:
    record(qtbot, live_window, pipeline, frames[0])
    for frame in frames:
        show(live_window, pipeline, frame)
    press(live_window, Qt.Key.Key_5, "5")
    folder = stop(qtbot, live_window)
    (review,) = (b for b in live_window.centre.notice.findChildren(QPushButton) if b.text() == "Review")
    review.click()
    (player,) = live_window.annotation.players
    qtbot.waitUntil(lambda: player.stage.result is not None)
    assert player.review.folder == folder
    assert len(player.stage.result.faces) == 1
    assert [event.label for event in player.visible_marks()] == ["5"]
    live_window.annotation.close()
    assert not player.isVisible()


def test_the_scheme_form_refuses_what_makes_no_sense_and_stays_open(qtbot: QtBot) -> None:
    form = SchemeForm(SCHEME, DARK, of_session=False)
    form.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose, False)
    qtbot.addWidget(form)
    saved: list[Scheme] = []
    form.saved.connect(lambda scheme, _: saved.append(scheme))
    form.show()
    form.add()
    form.save()
    assert "expected a label" in form.problem.text() and form.isVisible() and saved == []
    form.rows[-1].label.setText("yawn")
    form.rows[-1].key.setText("s")
    form.save()
    assert "found S, which the window uses" in form.problem.text()
    form.rows[-1].key.setText("1")
    form.save()
    assert "expected every key once, found '1' twice" in form.problem.text()
    form.rows[-1].key.setText("y")
    form.rows[0].remove.click()
    form.save()
    assert saved == [Scheme((*SCHEME.codes[1:], Code("yawn", "Y")))]
    assert not form.isVisible()
    for row in form.rows:
        assert all(part.accessibleName() for part in row.parts)
