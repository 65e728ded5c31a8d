"""Where the models lie."""

from __future__ import annotations

from pathlib import Path

from engines.card import CARD_FILE
from engines.errors import CardError
from engines.shipped import ASSETS_DIR

MODELS_DIR = ASSETS_DIR / "models"
"""Folder of the models that come with the program, one folder each."""


def model_names() -> tuple[str, ...]:
    """Return the names of the models below `MODELS_DIR`, sorted; empty when there are none."""
    return tuple(sorted(path.parent.name for path in MODELS_DIR.glob(f"*/{CARD_FILE}")))


def model_folder(name: str) -> Path:
    """Return the folder of a model that comes with the program.

    Raises:
        CardError: There is no model of that name.
    """
    if name not in model_names():
        present = ", ".join(model_names()) or f"none in {MODELS_DIR}"
        raise CardError(
            f"model: expected one of {present}, found {name!r}; give one of these or a model's folder"
        )
    return MODELS_DIR / name


def find_model(model: str | Path) -> Path:
    """Return the folder of a model given by name or by folder.

    Args:
        model: A name below `MODELS_DIR`, or the folder that holds `model.onnx` and `card.json`.

    Raises:
        CardError: It is neither.
    """
    if isinstance(model, str) and model in model_names():
        return MODELS_DIR / model
    folder = Path(model)
    if folder.is_dir():
        return folder
    return model_folder(str(model))
