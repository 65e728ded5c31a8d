"""Whether a model file is the one its card describes."""

from __future__ import annotations

import hashlib
from pathlib import Path

from engines.card import ModelCard
from engines.errors import CardError, EngineError

_EXTERNAL_DATA = b"\x0a\x08location\x12"
"""How ONNX begins to say where the weights of a tensor lie: `TensorProto.external_data`, an entry with the key "location"."""


def verify_model(card: ModelCard, model_path: Path) -> None:
    """Check that a model file is the one its card describes, and all of the model.

    Raises:
        CardError: The file is missing, its SHA-256 differs from the card's, or it takes weights from other files, which no
            hash covers.
    """
    found = file_sha256(model_path)
    if found != card.sha256:
        raise CardError(
            f"{model_path}: expected the file with SHA-256 {card.sha256[:12]}... that card {card.name!r} "
            f"describes, found {found[:12]}...; restore model and card together"
        )
    if _EXTERNAL_DATA in model_path.read_bytes():
        raise CardError(
            f"{model_path}: expected a model in one file, found one that takes weights from another; "
            "save it with its weights inside"
        )


def checked_model(path: Path, card: ModelCard) -> bytes:
    """Return the content of a model file for a library, once it is what the card describes.

    `verify_model` was asked before, but by name: the file may have been replaced meanwhile.

    Args:
        path: The ONNX file.
        card: Its card, whose hash the very bytes that are loaded must have.

    Raises:
        EngineError: The file can't be read or was replaced.
    """
    try:
        content = path.read_bytes()
    except OSError as error:
        raise EngineError(f"{path}: the model can't be read ({error.strerror}); restore it") from error
    found = hashlib.sha256(content).hexdigest()
    if found != card.sha256:
        raise EngineError(
            f"{path}: expected the file with SHA-256 {card.sha256[:12]}..., found {found[:12]}...: it was "
            "replaced while it was loaded; load it again"
        )
    return content


def file_sha256(path: Path) -> str:
    """Return the hex SHA-256 of a file.

    Raises:
        CardError: The file can't be read.
    """
    digest = hashlib.sha256()
    try:
        with path.open("rb") as stream:
            while block := stream.read(1 << 20):
                digest.update(block)
    except OSError as error:
        raise CardError(
            f"{path}: expected a model file, found none ({error.strerror}); restore it beside its card"
        ) from error
    return digest.hexdigest()
