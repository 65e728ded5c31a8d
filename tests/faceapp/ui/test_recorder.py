from __future__ import annotations

import json
from collections import namedtuple
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from PySide6.QtCore import Qt
from PySide6.QtWidgets import QPushButton
from pytestqt.qtbot import QtBot

from faceapp.session.reader import read_session
from faceapp.types import FrameResult
from faceapp.ui.window import MainWindow
from tests.faceapp.ui.fakes import FakePipeline
from tests.faceapp.ui.scenes import make_result, make_track

Usage = namedtuple("Usage", "total used free")


def results(astronaut: np.ndarray, landmarks: np.ndarray, number: int) -> list[FrameResult]:
    return [make_result(astronaut, (make_track(landmarks, 1),), 7.0 + step / 30) for step in range(number)]


def record(qtbot: QtBot, window: MainWindow, pipeline: FakePipeline, shown: FrameResult) -> None:
    window.show_result(shown)
    with qtbot.waitSignal(window.recorder.started):
        window.controls.toggle_record()
    assert pipeline.recorder is not None


def test_a_recording_becomes_a_session_with_its_markers(
    qtbot: QtBot,
    live_window: MainWindow,
    pipeline: FakePipeline,
    astronaut: np.ndarray,
    astronaut_landmarks: np.ndarray,
) -> None:
    window = live_window
    taken = results(astronaut, astronaut_landmarks, 12)
    record(qtbot, window, pipeline, taken[0])
    for each in taken[1:]:
        assert pipeline.recorder.put_frame(each.frame)  # type: ignore[attr-defined]
        assert pipeline.recorder.put(each)  # type: ignore[attr-defined]
        window.show_result(each)
    window.controls.mark("4")
    assert window.toolbar._record.toolTip().startswith("Stop recording")
    with qtbot.waitSignal(window.recorder.saved) as saved:
        window.controls.toggle_record()
    folder, dropped, error = saved.args
    assert (dropped, error) == (0, "")
    assert pipeline.recorder is None
    session = read_session(folder)
    assert session.table.num_rows == 11
    (event,) = [json.loads(line) for line in (folder / "events.jsonl").read_text().splitlines()]
    assert event["label"] == "4" and event["kind"] == "marker"
    assert event["start"] == pytest.approx(10 / 30), "seconds after the first recorded frame"
    assert str(folder) in window.centre.notice.text
    assert "Open folder" in [button.text() for button in window.centre.notice.findChildren(QPushButton)]


def test_a_folder_removed_while_recording_is_not_offered(live_window: MainWindow, tmp_path: Path) -> None:
    live_window.controls.tell_saved(tmp_path / "gone", 0, "gone: expected a folder, found none")
    assert live_window.centre.problem.text == (
        "gone: expected a folder, found none. What was recorded is gone with it."
    )
    assert "Open folder" not in [b.text() for b in live_window.centre.problem.findChildren(QPushButton)]
    live_window.controls.tell_saved(tmp_path, 0, "disk: expected room, found none")
    assert live_window.centre.problem.text.endswith(f". What was recorded lies in {tmp_path}.")


def test_an_output_folder_that_cannot_be_written_is_told_and_the_window_goes_on(
    qtbot: QtBot, live_window: MainWindow, result: FrameResult, tmp_path: Path
) -> None:
    blocked = tmp_path / "blocked"
    blocked.write_text("a file")
    live_window.settings = replace(live_window.settings, sessions_dir=blocked)
    live_window.show_result(result)
    with qtbot.waitSignal(live_window.recorder.refused):
        live_window.controls.toggle_record()
    assert "blocked" in live_window.centre.problem.text
    assert not live_window.recorder.wanted
    live_window.show_result(result)


def test_a_nearly_full_disk_is_told_once(
    qtbot: QtBot,
    live_window: MainWindow,
    pipeline: FakePipeline,
    result: FrameResult,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(
        "faceapp.session.disk_watch.shutil.disk_usage", lambda _: Usage(10**12, 10**12, 4 * 10**8)
    )
    record(qtbot, live_window, pipeline, result)
    qtbot.waitUntil(lambda: "0.4 GB left" in live_window.centre.problem.text)
    live_window.centre.problem.dismiss()
    live_window.recorder.watch()
    qtbot.wait(100)
    assert live_window.centre.problem.text == ""
    with qtbot.waitSignal(live_window.recorder.saved):
        live_window.recorder.stop()


def test_another_source_ends_the_recording(
    qtbot: QtBot, live_window: MainWindow, pipeline: FakePipeline, result: FrameResult
) -> None:
    record(qtbot, live_window, pipeline, result)
    with qtbot.waitSignal(live_window.recorder.saved):
        live_window.controls.open_source("demo:two")
    assert not live_window.recorder.wanted


def test_closing_the_window_closes_the_session(
    qtbot: QtBot, live_window: MainWindow, pipeline: FakePipeline, result: FrameResult
) -> None:
    record(qtbot, live_window, pipeline, result)
    pipeline.recorder.put_frame(result.frame)  # type: ignore[attr-defined]
    pipeline.recorder.put(result)  # type: ignore[attr-defined]
    live_window.close()
    (folder,) = live_window.settings.sessions_dir.iterdir()
    assert read_session(folder).table.num_rows == 1


def test_the_record_key_and_button_do_the_same(
    qtbot: QtBot, live_window: MainWindow, pipeline: FakePipeline, result: FrameResult
) -> None:
    live_window.show_result(result)
    with qtbot.waitSignal(live_window.recorder.started):
        qtbot.keyClick(live_window.centre.video, Qt.Key.Key_R)
    with qtbot.waitSignal(live_window.recorder.saved):
        live_window.toolbar._record.click()
