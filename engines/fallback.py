"""What reads faces when the GPU is gone: the best back end that runs on the processor."""

from __future__ import annotations

import logging
from pathlib import Path

from engines.backend import Backend
from engines.backends import backend_names, create_backend
from engines.card import ModelCard
from engines.errors import EngineError

logger = logging.getLogger(__name__)


def load_on_processor(path: Path, card: ModelCard, threads: int | None, failed: str) -> tuple[str, Backend]:
    """Load a model on the first back end that runs it on the processor.

    Args:
        path: The ONNX file.
        card: Its card.
        threads: Processor threads for one run; None = automatic.
        failed: Name of the back end that failed, which is not tried.

    Returns:
        The back end's name, and the back end, loaded.

    Raises:
        EngineError: There is none.
    """
    refusals = []
    for name in backend_names():
        if name != failed:
            try:
                backend = create_backend(name)
                backend.load(path, card, threads)
            except EngineError as error:
                refusals.append(f"{name}: {error}")
                continue
            if backend.description.endswith("CPU"):
                return name, backend
            backend.close()
            refusals.append(f"{name}: runs on the GPU too")
    raise EngineError(
        f"model {card.name!r}: expected a back end that runs on the processor, found none ({'; '.join(refusals)})"
    )
