from __future__ import annotations

from dataclasses import fields, replace
from pathlib import Path

import pytest
from PySide6.QtCore import Qt
from PySide6.QtWidgets import QAbstractButton, QComboBox, QPushButton, QSlider, QSpinBox, QWidget
from pytestqt.qtbot import QtBot

from faceapp.settings import Settings
from faceapp.ui.form import Form
from faceapp.ui.layout import FORM_GROUPS
from faceapp.ui.switch import Switch
from faceapp.ui.theme import DARK

ELSEWHERE = {"source", "model", "backend", "occlusion", "simulate", "region", "consent_notice"}
"""Settings with a chooser in the toolbar or the status line, a tool in the menu, or the page before a recording."""


@pytest.fixture
def form(qtbot: QtBot, settings: Settings) -> Form:
    shown = Form(settings, FORM_GROUPS, DARK)
    qtbot.addWidget(shown)
    shown.show()
    return shown


def control(form: Form, label: str, kind: type[QWidget]) -> QWidget:
    (found,) = (widget for widget in form.findChildren(kind) if widget.accessibleName() == label)
    return found


def test_every_setting_can_be_reached_somewhere() -> None:
    in_form = {name for _, names in FORM_GROUPS for name in names}
    assert in_form | ELSEWHERE == {entry.name for entry in fields(Settings)}
    assert not in_form & ELSEWHERE


def test_every_control_has_a_name_and_can_be_reached_by_tab(form: Form) -> None:
    controls = [
        *form.findChildren(QAbstractButton),
        *form.findChildren(QSlider),
        *form.findChildren(QSpinBox),
    ]
    assert len(controls) >= 8
    for each in controls:
        assert each.accessibleName(), each
        assert each.focusPolicy() & Qt.FocusPolicy.TabFocus, each


def test_filling_shows_the_values_and_tells_nobody(qtbot: QtBot, form: Form, settings: Settings) -> None:
    changed = replace(
        settings,
        smoothing=0.8,
        show_raw=True,
        theme="light",
        max_faces=3,
        camera_width_px=1280,
        engine_threads=2,
    )
    with qtbot.assertNotEmitted(form.changed):
        form.fill(changed)
    assert control(form, "Smoothing of predictions", QSlider).value() == 16
    assert control(form, "Show values before smoothing", Switch).isChecked()
    assert control(form, "Theme", QComboBox).currentData() == "light"
    assert control(form, "Faces at most", QSpinBox).value() == 3
    assert control(form, "Camera width (px)", QSpinBox).value() == 1280


def test_changes_are_told_with_name_and_checked_kind(qtbot: QtBot, form: Form, settings: Settings) -> None:
    told: list[tuple[str, object]] = []
    form.changed.connect(lambda name, value: told.append((name, value)))
    control(form, "Smoothing of predictions", QSlider).setValue(5)
    control(form, "Show values before smoothing", Switch).click()
    control(form, "Faces at most", QSpinBox).setValue(2)
    control(form, "Camera width (px)", QSpinBox).setValue(640)
    assert told == [("smoothing", 0.25), ("show_raw", True), ("max_faces", 2), ("camera_width_px", 640)]
    for name, value in told:
        settings = replace(settings, **{name: value})  # would raise for a value of the wrong kind


def test_automatic_is_none(qtbot: QtBot, form: Form, settings: Settings) -> None:
    form.fill(replace(settings, camera_width_px=640))
    box = control(form, "Camera width (px)", QSpinBox)
    with qtbot.waitSignal(form.changed) as told:
        box.setValue(box.minimum())
    assert told.args == ["camera_width_px", None]
    assert box.text() == "automatic"


def test_folder_is_shown_by_its_name(form: Form, settings: Settings) -> None:
    form.fill(replace(settings, sessions_dir=Path("/data/studies/pilot")))
    button = control(form, "Folder of sessions", QPushButton)
    assert button.text() == "pilot"
    assert Path(button.toolTip()) == Path("/data/studies/pilot")
