"""Streams in the window: their chip, the promise beside it, markers both ways."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from PySide6.QtCore import Qt
from PySide6.QtWidgets import QLineEdit
from pytestqt.qtbot import QtBot

from faceapp.session.annotations import read_events
from faceapp.session.check import check_session
from faceapp.settings import Settings
from faceapp.streams.feed import StreamState
from faceapp.streams.lsl_markers import ReceivedMark
from faceapp.streams.streams import Streams
from faceapp.types import FrameResult
from faceapp.ui.form import Form
from faceapp.ui.layout import FORM_GROUPS
from faceapp.ui.status_bar import LEAVES, LOCAL_ONLY, LOCAL_STREAMS
from faceapp.ui.theme import DARK
from faceapp.ui.window import MainWindow
from tests.faceapp.streams.test_osc import Listener
from tests.faceapp.ui.fakes import FakePipeline
from tests.faceapp.ui.scenes import make_result, make_track
from tests.faceapp.ui.test_recorder import record


@pytest.fixture
def listener() -> Iterator[Listener]:
    pytest.importorskip("pythonosc", reason="python-osc is not installed (extra osc)")
    listening = Listener()
    yield listening
    listening.close()


@pytest.fixture
def frames(astronaut: np.ndarray, astronaut_landmarks: np.ndarray) -> list[FrameResult]:
    return [
        make_result(astronaut, (make_track(astronaut_landmarks, 1),), 7.0 + step / 30) for step in range(31)
    ]


def test_nothing_is_shown_while_nothing_is_sent(live_window: MainWindow) -> None:
    live_window.refresh()
    assert not live_window.status._streams.isVisible()
    assert live_window.status._local.text() == LOCAL_ONLY
    assert not live_window.streaming.streams.on


def test_osc_is_turned_on_in_the_settings_and_shown(
    qtbot: QtBot,
    live_window: MainWindow,
    pipeline: FakePipeline,
    listener: Listener,
    frames: list[FrameResult],
) -> None:
    window = live_window
    assert pipeline.listener is window.streaming.streams
    window.controls.change("osc_target", f"127.0.0.1:{listener.port}")
    window.controls.change("osc", True)
    qtbot.waitUntil(lambda: window.status._streams.text() == f"OSC → 127.0.0.1:{listener.port}")
    assert window.status._streams.isVisible()
    assert window.status._local.text() == LOCAL_STREAMS, "it stays on this machine"
    pipeline.listener.put(frames[0])  # type: ignore[attr-defined]
    window.show_result(frames[0])
    window.controls.mark("4")
    found = listener.wait_for("/faceapp/marker")
    assert found["/faceapp/faces"] == (1,) and found["/faceapp/marker"] == ("4",)
    window.annotation.undo()
    window.annotation.add_note("door bangs", frames[0].frame.time_s)
    qtbot.waitUntil(lambda: ("/faceapp/marker", ("note: door bangs",)) in listener.messages)
    assert any(
        values[0].startswith("undone: add 4")
        for _, values in listener.messages
        if values and isinstance(values[0], str)
    )
    window.controls.change("osc", False)
    assert not window.status._streams.isVisible()


def test_a_target_elsewhere_takes_the_promise_back(
    qtbot: QtBot, live_window: MainWindow, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(
        Streams, "states", lambda _: (StreamState("OSC → quest:9000", "Messages go", leaves=True),)
    )
    live_window.refresh()
    assert live_window.status._local.text() == LEAVES
    assert not live_window.status._lock.isVisible()
    monkeypatch.undo()
    live_window.refresh()
    assert live_window.status._local.text() == LOCAL_ONLY and live_window.status._lock.isVisible()


def test_many_streams_give_way_to_the_promise_in_a_narrow_window(
    qtbot: QtBot, live_window: MainWindow, monkeypatch: pytest.MonkeyPatch
) -> None:
    states = tuple(
        StreamState(f"stream {number} with a long name", "detail", leaves=True) for number in range(6)
    )
    monkeypatch.setattr(Streams, "states", lambda _: states)
    live_window.resize(960, 600)
    live_window.refresh()
    status = live_window.status
    qtbot.waitUntil(lambda: 0 < status._streams.width() < status._streams.sizeHint().width())
    place = status._local.geometry()
    assert status.rect().contains(place) and place.width() >= status._local.sizeHint().width()
    assert place.left() >= status._streams.geometry().right()
    assert "stream 5 with a long name: detail" in status._streams.toolTip()


def test_a_problem_is_told_once_and_stays_in_the_chip(qtbot: QtBot, live_window: MainWindow) -> None:
    pytest.importorskip("pythonosc", reason="python-osc is not installed (extra osc)")
    window = live_window
    window.controls.change("osc_target", "no-such-host.invalid:9000")
    window.controls.change("osc", True)
    qtbot.waitUntil(lambda: "expected a known host" in window.centre.problem.text)
    assert window.status._streams.text() == "OSC failed"
    assert "no-such-host" in window.status._streams.toolTip()
    window.centre.problem.dismiss()
    window.refresh()
    assert not window.centre.problem.isVisible()


def test_a_wrong_target_is_refused_and_the_old_one_shown_again(live_window: MainWindow) -> None:
    live_window.controls.change("osc_target", "nowhere")
    assert "expected HOST:PORT" in live_window.centre.problem.text
    assert live_window.settings.osc_target == Settings().osc_target
    (field,) = (
        line
        for line in live_window.form.findChildren(QLineEdit)
        if line.accessibleName() == "OSC to (host:port)"
    )
    assert field.text() == Settings().osc_target


def test_markers_of_other_programs_reach_timeline_and_session(
    qtbot: QtBot,
    live_window: MainWindow,
    pipeline: FakePipeline,
    frames: list[FrameResult],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    window = live_window
    waiting: list[tuple[ReceivedMark, float]] = []
    monkeypatch.setattr(Streams, "take_markers", lambda _: [waiting.pop(0) for _ in list(waiting)])
    record(qtbot, window, pipeline, frames[0])
    for each in frames:
        assert pipeline.recorder.put_frame(each.frame)  # type: ignore[attr-defined]
        assert pipeline.recorder.put(each)  # type: ignore[attr-defined]
        window.show_result(each)
    qtbot.waitUntil(lambda: window.recorder._writer.written == 31)  # type: ignore[union-attr]
    waiting += [
        (ReceivedMark("PsychoPy", "before", 0.0), 6.5),
        (ReceivedMark("PsychoPy", "stimulus", 0.0), 7.25),
        (ReceivedMark("PsychoPy", "", 0.0), 7.5),
        (ReceivedMark("PsychoPy", "late", 0.0), 8.02),
    ]
    window.refresh()
    assert [flag.label for flag in window.history.flags] == ["before", "stimulus", "", "late"]
    assert window.recorder.undo() == "", "what another program said is not ours to take back"
    with qtbot.waitSignal(window.recorder.saved) as saved:
        window.controls.toggle_record()
    folder: Path = saved.args[0]
    events = read_events(folder)
    assert [(event.label, event.start) for event in events] == [("stimulus", 0.25), ("", 0.5), ("late", 1.0)]
    assert {(event.author, event.kind) for event in events} == {("lsl:PsychoPy", "marker")}
    assert check_session(folder).problems == [], (
        "a marker a moment after the last picture lies in the session"
    )


def test_a_marker_without_a_recording_is_only_shown(
    live_window: MainWindow, frames: list[FrameResult]
) -> None:
    live_window.show_result(frames[0])
    assert live_window.recorder.receive([("x", "lsl:PsychoPy", 7.0)]) == 0


@pytest.fixture
def form(qtbot: QtBot, settings: Settings) -> Form:
    shown = Form(settings, FORM_GROUPS, DARK)
    qtbot.addWidget(shown)
    shown.show()
    return shown


def test_a_text_is_told_when_it_is_finished_and_an_empty_one_is_nothing(
    qtbot: QtBot, form: Form, settings: Settings
) -> None:
    (field,) = (line for line in form.findChildren(QLineEdit) if line.accessibleName() == "Take markers from")
    assert (field.text(), field.placeholderText()) == ("", "none")
    told: list[tuple[str, object]] = []
    form.changed.connect(lambda name, value: told.append((name, value)))
    field.setFocus()
    qtbot.keyClicks(field, "Markers")
    assert told == []
    qtbot.keyClick(field, Qt.Key.Key_Return)
    assert told == [("lsl_markers", "Markers")]
    qtbot.keyClick(field, Qt.Key.Key_Return)
    assert len(told) == 1, "the same text is not told again"
    field.clear()
    qtbot.keyClick(field, Qt.Key.Key_Return)
    assert told[-1] == ("lsl_markers", None)
    form.fill(replace(settings, lsl_markers="PsychoPy"))
    assert field.text() == "PsychoPy" and len(told) == 2
