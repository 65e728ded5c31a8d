"""The page before a recording: what is asked, what is remembered, what reaches the session; faces covered on screen."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from datetime import datetime, timedelta, timezone
from pathlib import Path

import numpy as np
import pytest
from PySide6.QtCore import Qt
from pytestqt.qtbot import QtBot

from faceapp.session.face_cover import HOLD_S
from faceapp.settings import Settings
from faceapp.settings.notice import NOTICE
from faceapp.types import FrameResult
from faceapp.ui.comparing import COVERED
from faceapp.ui.recording_step import RecordingStep
from faceapp.ui.screen_cover import ScreenCover
from faceapp.ui.window import MainWindow
from tests.faceapp.ui.fakes import FakePipeline
from tests.faceapp.ui.scenes import pixels


@pytest.fixture
def window(
    qtbot: QtBot,
    open_window: Callable[..., MainWindow],
    pipeline: FakePipeline,
    result: FrameResult,
    tmp_path: Path,
) -> MainWindow:
    """A live window that remembers things."""
    made = open_window(settings_path=tmp_path / "settings.json")
    made.start()
    qtbot.waitUntil(lambda: made.live.pipeline is pipeline)
    made.show_result(result)
    return made


def recorded(qtbot: QtBot, window: MainWindow, result: FrameResult) -> dict[str, object]:
    """Stop the recording that runs and return its `session.json`."""
    writer = window.live.pipeline.recorder  # type: ignore[union-attr]
    assert writer.put_frame(result.frame) and writer.put(result)
    with qtbot.waitSignal(window.recorder.saved) as saved:
        window.controls.toggle_record()
    return dict(json.loads((saved.args[0] / "session.json").read_text()))


def test_what_was_written_and_accepted_reaches_the_session(
    qtbot: QtBot, window: MainWindow, result: FrameResult
) -> None:
    qtbot.keyClick(window.centre.video, Qt.Key.Key_R, Qt.KeyboardModifier.ShiftModifier, 0)
    sheet = window.recording.sheet
    assert sheet is not None and sheet.isVisible() and not window.recorder.wanted
    assert sheet.notice.toPlainText() == NOTICE
    qtbot.keyClicks(sheet.lines["participant"], "P07")
    sheet.lines["condition"].setText("film")
    sheet.notes.setPlainText("glasses off")
    sheet.accepted.click()
    assert sheet.record.text() == "Record"
    with qtbot.waitSignal(window.recorder.started):
        sheet.record.click()
    assert not sheet.isVisible()
    metadata = recorded(qtbot, window, result)
    assert (metadata["participant"], metadata["condition"], metadata["notes"]) == (
        "P07",
        "film",
        "glasses off",
    )
    consent = metadata["consent"]
    assert isinstance(consent, dict) and consent["text"] == NOTICE
    accepted = datetime.fromisoformat(str(consent["accepted_utc"]).replace("Z", "+00:00"))
    assert timedelta(0) <= datetime.now(timezone.utc) - accepted < timedelta(minutes=1)
    again = window.recording.show()
    assert [again.lines[name].text() for name in ("participant", "condition")] == ["P07", "film"]
    assert not again.accepted.isChecked() and again.notes.toPlainText() == "", "asked anew each time"


def test_without_acceptance_the_button_says_so_and_no_consent_is_stored(
    qtbot: QtBot, window: MainWindow, result: FrameResult
) -> None:
    sheet = window.recording.show()
    assert sheet.record.text() == "Record without consent"
    with qtbot.waitSignal(window.recorder.started):
        qtbot.keyClick(sheet, Qt.Key.Key_Return, Qt.KeyboardModifier.ControlModifier)
    assert recorded(qtbot, window, result)["consent"] is None


def test_another_text_has_to_be_accepted_anew_and_is_remembered(window: MainWindow) -> None:
    sheet = window.recording.show()
    sheet.accepted.click()
    sheet.notice.setPlainText("May we film you?")
    assert not sheet.accepted.isChecked()
    assert window.settings.consent_notice == "May we film you?"
    sheet.accepted.click()
    consent = sheet.about().consent
    assert consent is not None and consent.text == "May we film you?"
    sheet.notice.setPlainText("  ")
    assert not sheet.accepted.isEnabled() and sheet.about().consent is None
    assert window.settings.consent_notice == "May we film you?", "an empty notice is not kept"
    sheet.original.click()
    assert window.settings.consent_notice == NOTICE


def test_r_records_at_once_unless_asking_is_switched_on(
    qtbot: QtBot, window: MainWindow, result: FrameResult
) -> None:
    with qtbot.waitSignal(window.recorder.started):
        qtbot.keyClick(window.centre.video, Qt.Key.Key_R)
    recorded(qtbot, window, result)
    window.controls.change("ask_before_recording", True)
    qtbot.keyClick(window.centre.video, Qt.Key.Key_R)
    sheet = window.recording.sheet
    assert sheet is not None and sheet.isVisible() and not window.recorder.wanted
    qtbot.keyClick(sheet, Qt.Key.Key_M)
    assert not window.settings.show_mesh, "keys meant for the page don't reach the window"
    qtbot.keyClick(sheet, Qt.Key.Key_Escape)
    assert not sheet.isVisible() and not window.recorder.wanted


def test_what_is_kept_is_chosen_on_the_page_and_in_the_settings_alike(window: MainWindow) -> None:
    sheet: RecordingStep = window.recording.show()
    sheet.setting_changed.emit("record_faces", "blurred")
    sheet.setting_changed.emit("record_video", False)
    assert (window.settings.record_faces, window.settings.record_video) == ("blurred", False)
    window.controls.change("record_faces", "silhouette")
    shown = [chooser.currentData() for chooser in sheet.form.findChildren(type(window.toolbar._source))]
    assert "silhouette" in shown


def test_faces_are_covered_on_the_screen_when_wanted(window: MainWindow, result: FrameResult) -> None:
    window.resize(1000, 700)
    window.settings = replace(window.settings, record_faces="silhouette")
    window.show_result(result)
    clear = pixels(window.centre.video)
    window.controls.change("cover_on_screen", True)
    window.show_result(result)
    covered = pixels(window.centre.video)
    where = window.centre.video.picture_map()
    assert where is not None
    box = where.box(result.faces[0])
    x, y = int(box.center().x()), int(box.center().y())
    inside = covered[y - 20 : y + 20, x - 20 : x + 20].reshape(-1, 3)
    assert (np.abs(inside.astype(int) - (104, 108, 114)) <= 1).all()
    assert not np.array_equal(clear, covered)
    picture = window.centre.video.snapshot()
    assert picture is not None
    centre = (result.faces[0].box[:2] + result.faces[0].box[2:]) / 2
    assert picture.pixelColor(int(centre[0]), int(centre[1])).getRgb()[:3] == (104, 108, 114)
    assert not np.array_equal(result.frame.image, window.centre.video._result.frame.image)  # type: ignore[union-attr]
    window.comparing.toggle()
    assert not window.comparing.on and window.centre.notice.text == COVERED


def test_the_comparison_ends_once_faces_are_covered(window: MainWindow) -> None:
    window.comparing.toggle()
    assert window.comparing.on
    window.controls.change("cover_on_screen", True)
    assert window.comparing.on, "faces are clear"
    window.controls.change("record_faces", "blurred")
    assert not window.comparing.on


def test_a_lost_face_stays_covered_for_a_while(result: FrameResult) -> None:
    settings = Settings(cover_on_screen=True, record_faces="silhouette")
    cover = ScreenCover()
    cover.covered(result, settings)
    centre = (result.faces[0].box[:2] + result.faces[0].box[2:]).astype(int) // 2

    def shown(time_s: float) -> tuple[int, ...]:
        lost = replace(result, faces=(), frame=replace(result.frame, time_s=time_s))
        return tuple(cover.covered(lost, settings).frame.image[centre[1], centre[0]])

    assert shown(result.frame.time_s + HOLD_S - 0.1) == (104, 108, 114)
    assert shown(result.frame.time_s + HOLD_S + 0.1) != (104, 108, 114)
    assert cover.covered(result, Settings(record_faces="blurred")) is result, "not wanted on the screen"
