"""Runs a back end on a batch of any size, and checks what goes in and what comes out."""

from __future__ import annotations

import numpy as np

from engines.backend import MAX_BATCH, Backend
from engines.card import ModelCard
from engines.errors import EngineError
from engines.preprocess import Bytes, Floats


def run_all(backend: Backend, batch: Bytes, card: ModelCard) -> list[dict[str, Floats]]:
    """Run a batch of any size in parts that the back end takes; return the outputs of each.

    Raises:
        EngineError: The back end failed, or gave another number of rows than faces.
    """
    starts = range(0, len(batch), MAX_BATCH)
    return [_run_one(backend, batch[start : start + MAX_BATCH], card) for start in starts]


def _run_one(backend: Backend, batch: Bytes, card: ModelCard) -> dict[str, Floats]:
    """Run one batch of at most `MAX_BATCH`."""
    return checked(backend.run(np.ascontiguousarray(batch)), batch, card)


def checked(outputs: dict[str, Floats], batch: Bytes, card: ModelCard) -> dict[str, Floats]:
    """Return a run's outputs if every face has a row in each.

    Raises:
        EngineError: One has another number of rows.
    """
    for name, values in outputs.items():
        if len(values) != len(batch):
            raise EngineError(
                f"model {card.name!r}: expected {len(batch)} rows in output {name!r}, found {len(values)}; "
                "export it again with a free batch size"
            )
    return outputs


def check_picture(image: Bytes, landmark_count: int, box_count: int) -> None:
    """Refuse what is no picture, or landmarks and boxes that don't go together.

    Raises:
        EngineError: It is none, or they don't.
    """
    if landmark_count != box_count:
        raise EngineError(
            f"faces: expected as many landmarks as boxes, found {landmark_count} and {box_count}"
        )
    if (
        image.dtype != np.uint8
        or not (image.ndim == 2 or (image.ndim == 3 and image.shape[2] == 3))
        or image.size == 0
    ):
        raise EngineError(
            f"picture: expected uint8 (H, W, 3) RGB or (H, W) gray, found {image.dtype} {image.shape}"
        )
