"""A model of one's own is chosen by its folder; what is none is told, and the present one goes on."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest
from PySide6.QtGui import QAction
from PySide6.QtWidgets import QFileDialog, QMenu, QToolButton

from engines.models import MODELS_DIR
from faceapp.ui.choices import Choice, with_current_model
from faceapp.ui.model_folder import take_model_folder
from faceapp.ui.window import MainWindow
from tests.faceapp.ui.fakes import FakePipeline


def model_menu(window: MainWindow) -> QMenu:
    (button,) = (each for each in window.status.findChildren(QToolButton) if each.accessibleName() == "Model")
    menu = button.menu()
    assert isinstance(menu, QMenu)
    return menu


def entry(window: MainWindow, text: str) -> QAction:
    (found,) = (each for each in model_menu(window).actions() if each.text() == text)
    return found


@pytest.fixture
def own(tmp_path: Path) -> Path:
    """A run's folder with a model of eight emotions and more."""
    run = tmp_path / "runs" / "mine"
    shutil.copytree(MODELS_DIR / "multitask", run / "model")
    return run


@pytest.mark.parametrize("inside", ["model", "."])
def test_a_folder_is_read_with_remembered_and_ticked(
    live_window: MainWindow, pipeline: FakePipeline, own: Path, inside: str
) -> None:
    entry(live_window, "Model folder…").trigger()
    (dialog,) = live_window.findChildren(QFileDialog)
    assert dialog.fileMode() == QFileDialog.FileMode.Directory and not dialog.isModal()
    dialog.filesSelected.emit([str(own / inside)])
    dialog.close()

    assert live_window.settings.model == str(own / "model")
    assert pipeline.calls[-1][0] == "reader"
    assert entry(live_window, "mine/model").isChecked()
    (button,) = (
        each for each in live_window.status.findChildren(QToolButton) if each.accessibleName() == "Model"
    )
    assert button.toolTip() == "Model: mine/model", "its own name may be that of another model"
    entry(live_window, "Automatic").trigger()
    assert live_window.settings.model == "auto"


def test_a_folder_of_the_program_is_taken_by_its_name(live_window: MainWindow) -> None:
    take_model_folder(live_window, MODELS_DIR / "multitask-mask")
    assert live_window.settings.model == "multitask-mask"


@pytest.mark.parametrize(
    ("damage", "said"),
    [
        ("empty", "card.json"),
        ("changed", "SHA-256"),
        ("visibility", "expected a model that reads faces"),
    ],
)
def test_what_is_no_model_is_told_and_the_present_one_goes_on(
    live_window: MainWindow, pipeline: FakePipeline, own: Path, damage: str, said: str
) -> None:
    folder = own / "model"
    if damage == "empty":
        (folder / "card.json").unlink()
    elif damage == "changed":
        (folder / "model.onnx").write_bytes(b"another")
    else:
        shutil.copytree(MODELS_DIR / "visibility", folder, dirs_exist_ok=True)
    before, calls = live_window.settings, len(pipeline.calls)

    take_model_folder(live_window, folder)

    assert live_window.settings is before and len(pipeline.calls) == calls
    assert said in live_window.centre.problem.text
    assert live_window.centre.problem.text.endswith(". The model before goes on.")


def test_the_present_folder_is_listed_after_the_models_that_came_with_the_program() -> None:
    models = (Choice("auto", "Automatic"), Choice("multitask", "multitask"))
    assert with_current_model(models, "multitask") == models
    path = str(Path("runs") / "mine" / "model")
    assert with_current_model(models, path) == (*models, Choice(path, "mine/model"))
