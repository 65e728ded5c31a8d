"""A model of one's own, such as `python -m training` leaves behind: chosen by its folder."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from PySide6.QtWidgets import QFileDialog

from engines.card import CARD_FILE, MODEL_FILE, load_card
from engines.errors import CardError
from engines.model_file import verify_model
from engines.models import MODELS_DIR
from faceapp.ui.choices import OPEN_MODEL
from faceapp.ui.open_dialog import ask_path
from faceapp.ui.sentences import as_sentences

if TYPE_CHECKING:
    from faceapp.ui.window import MainWindow

_IN_RUN = "model"
"""Where a run of `python -m training` keeps its model."""


def choose_model(window: MainWindow, value: str) -> None:
    """Read faces with another model from now on, or ask for a folder with one.

    Args:
        window: The window.
        value: A model's name or folder, "auto", or `choices.OPEN_MODEL`.
    """
    if value == OPEN_MODEL:
        ask_model_folder(window)
    else:
        window.controls.change("model", value)


def ask_model_folder(window: MainWindow) -> None:
    """Ask for the folder of a model, or of a run that left one; the picture goes on meanwhile."""
    ask_path(
        window,
        "Choose a model's folder",
        QFileDialog.FileMode.Directory,
        lambda paths: take_model_folder(window, Path(paths[0])),
    )


def take_model_folder(window: MainWindow, folder: Path) -> None:
    """Read faces with a folder's model from now on; where it is none, say so, and the present one goes on."""
    from faceapp.analysis.analyzer import require_face_model

    if not (folder / CARD_FILE).exists() and (folder / _IN_RUN / CARD_FILE).exists():
        folder = folder / _IN_RUN
    try:
        card = load_card(folder)
        require_face_model(card)
        verify_model(card, folder / MODEL_FILE)
    except CardError as error:
        window.controls.complain(as_sentences(error, "The model before goes on."))
        return
    shipped = folder.resolve().parent == MODELS_DIR.resolve()
    window.controls.change("model", folder.name if shipped else str(folder))
