"""The real pipeline behind the window: the demo source, Face Mesh and a tiny network."""

from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import cv2
import numpy as np
import pytest
from PySide6.QtCore import QTimer
from PySide6.QtWidgets import QApplication
from pytestqt.qtbot import QtBot

from faceapp.session.reader import read_session
from faceapp.settings import Settings
from faceapp.ui import main_window
from faceapp.ui.live import make_live_pipeline
from faceapp.ui.window import MainWindow

pytestmark = pytest.mark.slow


@pytest.fixture
def live_settings(settings: Settings, tiny_model: Path) -> Settings:
    return replace(settings, model=str(tiny_model), backend="onnxruntime", engine_threads=1)


@pytest.fixture
def threads_left() -> Callable[[], list[threading.Thread]]:
    """Of this program, started since; models that `analyze_image` keeps loaded have a thread of their own."""
    before = set(threading.enumerate())
    return lambda: [
        thread
        for thread in threading.enumerate()
        if thread not in before and thread.name.startswith(("faceapp-", "session-"))
    ]


def test_demo_is_read_hidden_recorded_and_closed(
    qtbot: QtBot,
    open_window: object,
    live_settings: Settings,
    threads_left: Callable[[], list[threading.Thread]],
) -> None:
    window: MainWindow = open_window(live_settings, make_pipeline=make_live_pipeline)  # type: ignore[operator]
    window.start()
    qtbot.waitUntil(lambda: len(window.readouts) == 1)
    (readout,) = window.readouts
    assert readout.emotion_word and readout.age_text and readout.gender_text

    window.controls.hide("mask")
    window.controls.change("occlusion", "mask")  # without the visibility network nothing is noticed
    qtbot.waitUntil(lambda: [each.occlusion for each in window.readouts] == ["mask"])
    window.controls.act("compare", "v")
    view = window.centre.comparison
    qtbot.waitUntil(lambda: view.comparison is not None)
    assert view.comparison is not None and view.comparison.specialised is None, "one model reads all faces"
    assert (view.comparison.clean_picture != view.comparison.hidden_picture).any()
    window.controls.act("compare", "v")
    window.controls.toggle_record()
    qtbot.waitUntil(
        lambda: window.recorder._writer is not None and window.recorder._writer.written > 2,
    )
    window.controls.toggle_record()
    qtbot.waitUntil(lambda: "Session saved" in window.centre.notice.text)
    (folder,) = live_settings.sessions_dir.iterdir()
    assert set(read_session(folder).table["occlusion"].to_pylist()) == {"mask"}

    window.close()
    assert not threads_left()


def test_a_missing_camera_leaves_the_program_usable(
    qtbot: QtBot, open_window: object, live_settings: Settings
) -> None:
    absent = replace(live_settings, source="there is no such camera")
    window: MainWindow = open_window(absent, make_pipeline=make_live_pipeline)  # type: ignore[operator]
    window.start()
    qtbot.waitUntil(lambda: "no such camera" in window.centre.problem.text)
    window.controls.open_source("demo")
    qtbot.waitUntil(lambda: window.centre.shows_picture)


def test_window_runs_until_it_is_closed(
    qtbot: QtBot,
    qapp: QApplication,
    live_settings: Settings,
    astronaut: np.ndarray,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    threads_left: Callable[[], list[threading.Thread]],
) -> None:
    picture = tmp_path / "portrait.png"
    cv2.imwrite(str(picture), cv2.cvtColor(astronaut, cv2.COLOR_RGB2BGR))
    monkeypatch.setattr(main_window, "default_path", lambda: tmp_path / "settings.json")
    shown: list[int] = []

    def close_when_shown() -> None:
        (window,) = (
            each for each in qapp.topLevelWidgets() if isinstance(each, MainWindow) and each.isVisible()
        )
        if len(window.readouts) == 1:
            shown.append(len(window.readouts))
            look.stop()
            window.close()

    look = QTimer(interval=50)
    look.timeout.connect(close_when_shown)
    look.start()
    assert main_window.run_window(live_settings, str(picture), ["settings.json: expected JSON"]) == 0
    assert shown == [1]
    assert not threads_left()
