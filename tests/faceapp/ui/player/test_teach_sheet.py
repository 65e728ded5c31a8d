"""The page that teaches a label: the figure comes before the label can be kept."""

from __future__ import annotations

import threading
from pathlib import Path

import numpy as np
import pytest
from pytestqt.qtbot import QtBot

from faceapp.errors import SessionError
from faceapp.labels.examples import Examples
from faceapp.labels.judging import Judgement
from faceapp.labels.label_file import Label, label_names
from faceapp.labels.teaching import Taught
from faceapp.session.annotations import Event
from faceapp.ui.player import teach_sheet
from faceapp.ui.player.teach_sheet import TeachSheet
from faceapp.ui.player.window import PlayerWindow

FIGURE = Judgement(0.81, 0.72, 0.9, 0.6, 0.85, 30, 60, "time")


def taught(name: str = "nod") -> Taught:
    weights = np.zeros(50, np.float32)
    label = Label(name, "", "multitask", "ab" * 32, weights, 0.0, weights, (FIGURE,), ("session",))
    nothing = np.empty(0)
    examples = Examples(
        nothing.astype(np.float32), nothing.astype(np.int64), nothing.astype(bool), nothing.astype(np.int64),
        nothing.astype(np.int64), nothing, "multitask", ("2 faces not found again in the video",),
    )  # fmt: skip
    return Taught(label, examples)


@pytest.fixture
def sheet(player: PlayerWindow, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> TeachSheet:
    monkeypatch.setattr("faceapp.labels.label_file.labels_folder", lambda: tmp_path / "labels")
    page = player.controls.show_teaching()
    assert page is not None
    return page


def test_the_figure_is_shown_before_the_label_can_be_kept(
    sheet: TeachSheet, qtbot: QtBot, monkeypatch: pytest.MonkeyPatch, session: Path
) -> None:
    asked: list[tuple[object, ...]] = []

    def teach(*arguments: object) -> Taught:
        asked.append(arguments[:3])
        return taught()

    monkeypatch.setattr(teach_sheet, "teach_label", teach)
    assert not sheet.keep.isEnabled()
    sheet.label.setCurrentIndex(sheet.label.findData("nod"))
    sheet.contrast.setCurrentIndex(sheet.contrast.findData("happiness"))
    sheet.teach.click()
    qtbot.waitUntil(sheet.keep.isEnabled)
    assert asked == [([session], "nod", "happiness")]
    assert FIGURE.text() in sheet.answer.text()
    assert "2 faces not found again" in sheet.answer.text()
    assert label_names() == ()
    sheet.keep.click()
    assert label_names() == ("nod",)
    assert not sheet.keep.isEnabled()
    assert sheet.kept.count() == 1
    sheet._remove("nod")
    assert label_names() == ()
    assert sheet.kept.count() == 0


def test_what_can_not_be_taught_is_told(
    sheet: TeachSheet, qtbot: QtBot, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*_: object) -> Taught:
        raise SessionError("expected at least 6 moments, found 2")

    monkeypatch.setattr(teach_sheet, "teach_label", refuse)
    sheet.teach.click()
    qtbot.waitUntil(lambda: "found 2" in sheet.answer.text())
    assert not sheet.keep.isEnabled()
    assert sheet.teach.text() == "Teach this label"


def test_closing_the_page_stops_the_teaching(
    sheet: TeachSheet, qtbot: QtBot, monkeypatch: pytest.MonkeyPatch
) -> None:
    started, ended = threading.Event(), threading.Event()

    def long(_folders: object, _label: object, _contrast: object, progress: teach_sheet._Progress) -> Taught:
        try:
            for done in range(10_000):
                progress(done, 10_000)
                started.set()
                threading.Event().wait(0.005)
        finally:
            ended.set()
        return taught()

    monkeypatch.setattr(teach_sheet, "teach_label", long)
    sheet.teach.click()
    qtbot.waitUntil(started.is_set)
    assert sheet.teach.text() == "Stop"
    sheet.hide()
    qtbot.waitUntil(ended.is_set)
    qtbot.waitUntil(lambda: sheet.teach.text() == "Teach this label")
    assert not sheet.keep.isEnabled()


def test_a_session_without_marks_says_what_to_do(sheet: TeachSheet, session: Path) -> None:
    sheet.show_session(session, [Event(1.0, 1.0, kind="note", note="hm")])
    assert not sheet.teach.isEnabled()
    assert "No marks yet" in sheet.answer.text()
