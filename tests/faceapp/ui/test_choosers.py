from __future__ import annotations

from dataclasses import replace

import pytest
from PySide6.QtCore import Qt
from PySide6.QtGui import QStandardItemModel
from PySide6.QtWidgets import QComboBox, QLabel, QStylePainter, QToolButton
from pytestqt.qtbot import QtBot

from faceapp.pipeline import PipelineStatistics
from faceapp.settings import Settings
from faceapp.ui.choices import OPEN_FILE, Choice, find_choices, source_text, with_current
from faceapp.ui.status_bar import LOCAL_ONLY, StatusBar
from faceapp.ui.theme import DARK
from faceapp.ui.toolbar import Toolbar
from tests.faceapp.ui.scenes import pixels

SOURCES = (
    Choice("0", "Logitech C920"),
    Choice("1", "Capture card", "Used by another program"),
    Choice("demo", "Demo portrait"),
)
BACKENDS = (
    Choice("auto", "Automatic"),
    Choice("openvino", "openvino"),
    Choice("tensorrt", "tensorrt", "No NVIDIA GPU found"),
)


@pytest.fixture
def toolbar(qtbot: QtBot) -> Toolbar:
    shown = Toolbar(DARK)
    qtbot.addWidget(shown)
    shown.set_sources(SOURCES, "demo")
    return shown


@pytest.fixture
def status(qtbot: QtBot) -> StatusBar:
    shown = StatusBar(DARK)
    qtbot.addWidget(shown)
    return shown


def combo(toolbar: Toolbar, name: str) -> QComboBox:
    (found,) = (each for each in toolbar.findChildren(QComboBox) if each.accessibleName() == name)
    return found


def test_only_models_that_read_faces_can_be_chosen(monkeypatch: pytest.MonkeyPatch) -> None:
    installed = ["multitask", "multitask-mask", "visibility"]
    monkeypatch.setattr("engines.models.model_names", lambda: installed)
    models = {choice.value: choice.reason for choice in find_choices().models}
    assert set(models) == {"auto", "multitask", "multitask-mask", "multitask-headset"}
    assert [name for name, reason in models.items() if reason] == ["multitask-headset"]


def test_absent_sources_are_greyed_out_with_the_reason(toolbar: Toolbar) -> None:
    chooser = combo(toolbar, "Source")
    assert chooser.currentText() == "Demo portrait"
    model = chooser.model()
    assert isinstance(model, QStandardItemModel)
    item = model.item(chooser.findData("1"))
    assert not item.isEnabled()
    assert item.toolTip() == "Used by another program"
    assert model.item(chooser.findData("0")).isEnabled()


def test_a_long_source_ends_in_an_ellipsis_and_is_whole_in_the_tooltip(toolbar: Toolbar) -> None:
    chooser, names = (
        combo(toolbar, "Source"),
        ("interview-with-participant-12", "interview-with-participant-13"),
    )
    chooser.setFixedWidth(110)
    seen = []
    for name in names:
        toolbar.set_sources((*SOURCES, Choice("video", name)), "video")
        assert chooser.toolTip() == f"Where pictures come from: {name}"
        seen.append(pixels(chooser))
    assert (seen[0] == seen[1]).all(), "what differs is left out"
    toolbar.set_sources((*SOURCES, Choice("video", names[0][:6])), "video")
    assert (pixels(chooser) != seen[0]).any(), "an ellipsis stands where the rest was"


def test_what_fits_is_whole(toolbar: Toolbar, monkeypatch: pytest.MonkeyPatch) -> None:
    chooser, drawn = combo(toolbar, "Draw a headset or mask"), []
    monkeypatch.setattr(QStylePainter, "drawControl", lambda _, __, option: drawn.append(option.currentText))
    chooser.ensurePolished()
    for index in range(chooser.count()):
        chooser.setCurrentIndex(index)
        chooser.resize(chooser.sizeHint())
        chooser.grab()
    assert drawn == [chooser.itemText(index) for index in range(chooser.count())]


def test_asking_for_a_file_leaves_the_present_source_shown(qtbot: QtBot, toolbar: Toolbar) -> None:
    chooser = combo(toolbar, "Source")
    index = chooser.findData(OPEN_FILE)
    chooser.setCurrentIndex(index)
    with qtbot.waitSignal(toolbar.source_chosen) as chosen:
        chooser.activated.emit(index)
    assert chosen.args == [OPEN_FILE]
    assert chooser.currentText() == "Demo portrait"


def test_occlusion_modes_are_exclusive(qtbot: QtBot, toolbar: Toolbar) -> None:
    buttons = {
        button.text(): button for button in toolbar.findChildren(QToolButton) if button.property("mode")
    }
    assert list(buttons) == ["Auto", "Full", "Headset", "Mask"]
    toolbar.set_occlusion("auto")
    with qtbot.waitSignal(toolbar.occlusion_chosen) as chosen:
        buttons["Headset"].click()
    assert chosen.args == ["headset"]
    toolbar.set_occlusion("headset")
    assert [name for name, button in buttons.items() if button.isChecked()] == ["Headset"]


def test_record_button_needs_a_picture_and_shows_time_and_drops(toolbar: Toolbar) -> None:
    toolbar.set_state(running=True, paused=False, ready=False, recording=False)
    assert not toolbar._record.isEnabled()
    toolbar.set_state(running=True, paused=False, ready=True, recording=True, begun=True)
    toolbar.set_recorded(67.4, 0)
    assert toolbar._record.text().strip() == "1:07"
    toolbar.set_recorded(68.0, 3)
    assert "3 dropped" in toolbar._record.text()


def test_a_recording_without_a_frame_is_starting(toolbar: Toolbar) -> None:
    toolbar.set_state(running=True, paused=False, ready=True, recording=True)
    toolbar.set_recorded(0.4, 0)
    assert toolbar._record.text().strip() == "Starting…"


def test_red_is_shown_only_while_recording(toolbar: Toolbar) -> None:
    def reds() -> int:
        red, green, blue = pixels(toolbar).transpose(2, 0, 1)
        return int(((red > 180) & (green < 110) & (blue < 120)).sum())

    toolbar.resize(1000, 44)
    for recording in (False, True):
        toolbar.set_state(running=True, paused=False, ready=True, recording=recording)
        assert reds() == 0
    toolbar.set_state(running=True, paused=False, ready=True, recording=True, begun=True)
    assert reds() > 30


def test_status_line_says_what_was_measured(status: StatusBar) -> None:
    stages = {"track": 6.12, "infer": 2.0, "other": 1.0}
    status.show_statistics(PipelineStatistics(900, 897, 3, 29.6, 14.4, 19.2, stages))
    texts = [label.text() for label in status.findChildren(QLabel)]
    for expected in ("30 fps", "14 ms (p95 19)", "3 dropped", LOCAL_ONLY):
        assert expected in texts
    (delay,) = (label for label in status.findChildren(QLabel) if label.text().startswith("14 ms"))
    assert "tracking 6.1 ms" in delay.toolTip() and "network 2.0 ms" in delay.toolTip()
    status.show_statistics(None)
    assert "– fps" in [label.text() for label in status.findChildren(QLabel)]


def test_absent_back_ends_are_greyed_out_with_the_reason(qtbot: QtBot, status: StatusBar) -> None:
    status.set_backends(BACKENDS, "openvino")
    entries = {entry.text(): entry for entry in status._backend.menu().actions()}
    assert not entries["tensorrt"].isEnabled()
    assert entries["tensorrt"].toolTip() == "No NVIDIA GPU found"
    assert status._backend.menu().toolTipsVisible()
    assert [name for name, entry in entries.items() if entry.isChecked()] == ["openvino"]
    with qtbot.waitSignal(status.backend_chosen) as chosen:
        entries["Automatic"].trigger()
    assert chosen.args == ["auto"]


def test_the_present_source_is_listed_even_when_it_is_a_file(settings: Settings) -> None:
    film = replace(settings, source="/films/interview 3.mp4")
    assert with_current(SOURCES, film)[0] == Choice("/films/interview 3.mp4", "interview 3.mp4")
    assert with_current(SOURCES, settings) == SOURCES
    (lost, *others) = with_current(SOURCES, replace(settings, source="7"))
    assert (lost.text, tuple(others)) == ("Camera 7", SOURCES)
    assert "Not found" in lost.reason


@pytest.mark.parametrize(
    ("source", "text"),
    [
        ("demo:two", "Demo, two faces"),
        ("2", "Camera 2"),
        ("http://phone:8080/video", "http://phone:8080/video"),
        ("/films/a.mp4", "a.mp4"),
    ],
)
def test_sources_have_names_for_people(source: str, text: str) -> None:
    assert source_text(source) == text


def test_accessible_names_are_given(toolbar: Toolbar, status: StatusBar) -> None:
    for part in (*toolbar.findChildren(QToolButton), *status.findChildren(QToolButton)):
        if part.objectName() != "qt_toolbar_ext_button":
            assert part.accessibleName(), part.text()
            assert part.focusPolicy() & Qt.FocusPolicy.TabFocus
