"""People's own labels in the live window: rows in the card, switches in the menu."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from PySide6.QtWidgets import QMenu
from pytestqt.qtbot import QtBot

from faceapp.labels.judging import Judgement
from faceapp.labels.label_file import Label, label_path, save_label
from faceapp.types import FrameResult
from faceapp.ui.face_card import FaceCard
from faceapp.ui.label_menu import fill_labels
from faceapp.ui.main_window import MainWindow
from faceapp.ui.readout import Readouts
from faceapp.ui.theme import DARK


def labelled(result: FrameResult, time_s: float, *labels: tuple[str, float]) -> FrameResult:
    shown = tuple(replace(each, labels=labels) for each in result.predictions)
    return replace(result, frame=replace(result.frame, time_s=time_s), predictions=shown)


def test_a_label_is_a_row_of_the_card_with_its_last_half_minute(qtbot: QtBot, result: FrameResult) -> None:
    readouts = Readouts()
    readouts.update(labelled(result, 0.0))
    readout = next(iter(readouts))
    card = FaceCard(readout, DARK)
    qtbot.addWidget(card)
    card.set_shape(1.0, compact=False)
    card.show_readout(readout, chosen=False)
    bare, plain_px = card.grab().toImage(), card.height()
    for index in range(1, 201):
        readouts.update(labelled(result, index / 5, ("bored", 0.8), ("talking", float("nan"))))
    card.show_readout(readout, chosen=False)
    assert card.height() > plain_px
    assert card.grab().toImage() != bare
    assert readout.labels["bored"].number == pytest.approx(0.8, abs=0.01)
    first_s, last_s = readout.labels["bored"].points[0][0], readout.labels["bored"].points[-1][0]
    assert last_s - first_s == pytest.approx(30, abs=0.5)
    assert "bored 0.80" in readout.spoken()
    assert "talking" not in readout.spoken()
    readouts.update(labelled(result, 41.0))
    card.show_readout(readout, chosen=False)
    assert card.height() == plain_px


def test_a_long_name_is_whole_in_the_card_s_tooltip(qtbot: QtBot, result: FrameResult) -> None:
    readouts, name = Readouts(), "listens to the other person at the table"
    readouts.update(labelled(result, 0.0))
    card = FaceCard(next(iter(readouts)), DARK)
    qtbot.addWidget(card)
    card.show_readout(next(iter(readouts)), chosen=False)
    assert card.toolTip() == ""
    readouts.update(labelled(result, 0.1, (name, 0.8), ("bored", 0.1)))
    card.show_readout(next(iter(readouts)), chosen=False)
    assert card.toolTip() == f"own labels: {name}, bored"


def test_the_menu_shows_the_figure_beside_the_switch(
    live_window: MainWindow, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("faceapp.labels.label_file.labels_folder", lambda: tmp_path / "labels")
    menu = QMenu()
    fill_labels(live_window, menu)
    assert [(entry.text(), entry.isEnabled()) for entry in menu.actions()] == [
        ("None yet: teach one in the player, from marks", False)
    ]
    weights = np.zeros(4, np.float32)
    figure = Judgement(0.81, 0.72, 0.9, 0.6, 0.85, 30, 60, "time")
    save_label(
        Label("bored", "", "multitask", "ab" * 32, weights, 0.0, weights, (figure,), ()), label_path("bored")
    )
    label_path("worn out").write_text("{}")
    fill_labels(live_window, menu)
    bored, damaged = menu.actions()
    assert bored.text() == "bored: 81% (72% to 90%), guessing 50%"
    assert "damaged" in damaged.toolTip()
    assert not damaged.isEnabled()
    bored.trigger()
    assert live_window.settings.labels == "bored"
    fill_labels(live_window, menu)
    assert menu.actions()[0].isChecked()
    menu.actions()[0].trigger()
    assert live_window.settings.labels is None
