"""Qt draws into memory, and every warning it prints fails the test."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from pathlib import Path

os.environ.setdefault("QT_QPA_PLATFORM", "offscreen")

import numpy as np
import pytest
from PySide6.QtCore import QEvent
from PySide6.QtWidgets import QApplication
from pytestqt.qtbot import QtBot

from faceapp.settings import Settings
from faceapp.types import FrameResult
from faceapp.ui.readout import Readouts
from faceapp.ui.window import MainWindow
from tests.faceapp.ui.fakes import FakePipeline
from tests.faceapp.ui.scenes import make_result, make_track
from tests.waiting import PATIENCE_S

HERE = Path(__file__).parent


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        if HERE in item.path.parents:
            item.add_marker(pytest.mark.qt_log_level_fail("WARNING"))
            item.add_marker(
                pytest.mark.qt_log_ignore("This plugin does not support")
            )  # of drawing into memory


class PatientBot(QtBot):
    """Waits as long as a busy machine needs, unless told otherwise."""

    def waitUntil(self, callback: Callable[[], object], *, timeout: int = round(PATIENCE_S * 1e3)) -> None:
        super().waitUntil(callback, timeout=timeout)

    def waitSignal(self, signal: object, *, timeout: int = round(PATIENCE_S * 1e3), **options: object):  # type: ignore[no-untyped-def]
        return super().waitSignal(signal, timeout=timeout, **options)


@pytest.fixture
def qtbot(qapp: QApplication, request: pytest.FixtureRequest) -> QtBot:
    return PatientBot(request)


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    return Settings(source="demo", sessions_dir=tmp_path / "sessions")


@pytest.fixture
def result(astronaut: np.ndarray, astronaut_landmarks: np.ndarray) -> FrameResult:
    """One face that smiles."""
    return make_result(astronaut, (make_track(astronaut_landmarks, 1),), 1.0)


@pytest.fixture
def readouts(result: FrameResult) -> Readouts:
    known = Readouts()
    known.update(result)
    return known


@pytest.fixture
def pipeline() -> FakePipeline:
    return FakePipeline()


@pytest.fixture
def open_window(
    qtbot: QtBot, settings: Settings, pipeline: FakePipeline
) -> Iterator[Callable[..., MainWindow]]:
    """Makes a window that runs the fake pipeline; closes it at the end."""
    opened: list[MainWindow] = []

    def make(settings: Settings = settings, **options: object) -> MainWindow:
        options.setdefault("make_pipeline", lambda _settings, _hiding: pipeline)
        window = MainWindow(settings, **options)  # type: ignore[arg-type]
        opened.append(window)
        window.show()
        return window

    yield make
    for window in opened:
        window.close()
        window.deleteLater()
    QApplication.sendPostedEvents(None, QEvent.Type.DeferredDelete)


@pytest.fixture
def live_window(qtbot: QtBot, open_window: Callable[..., MainWindow], pipeline: FakePipeline) -> MainWindow:
    """A window whose fake pipeline has started."""
    window = open_window()
    window.start()
    qtbot.waitUntil(lambda: window.live.pipeline is pipeline)
    return window
