"""Models exported before the graph took uint8 crops: the same weights with what stands before and behind them today."""

from __future__ import annotations

import json
import tempfile
from pathlib import Path

import onnx

from engines.card import CARD_FILE, MODEL_FILE, SCHEMA_VERSION, ModelCard, load_card
from engines.errors import CardError
from engines.model_file import verify_model
from engines.models import find_model
from training.exporting.export import write_model
from training.exporting.graph import with_contract

_OLD_VERSION = 1


def convert_model(model: str | Path) -> ModelCard:
    """Rewrite a model and its card in today's form, weights bit by bit the same; one in that form is left as it is.

    Args:
        model: Name of a shipped model, or its folder.

    Returns:
        The card.

    Raises:
        CardError: There is no such model, or its file is not the one its card describes.
        RecipeError: Its graph has no float32 input.
    """
    folder = find_model(model)
    try:
        content = json.loads((folder / CARD_FILE).read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise CardError(
            f"{folder / CARD_FILE}: expected a card, found none that can be read ({error})"
        ) from error
    if not isinstance(content, dict) or content.get("schema_version") != _OLD_VERSION:
        return load_card(folder)
    with tempfile.TemporaryDirectory() as scratch:
        renewed = Path(scratch) / CARD_FILE
        renewed.write_text(json.dumps({**content, "schema_version": SCHEMA_VERSION}), encoding="utf-8")
        card = load_card(renewed)
    verify_model(card, folder / MODEL_FILE)
    graph = with_contract(onnx.load(str(folder / MODEL_FILE)), card)
    return write_model(graph, card, folder)
