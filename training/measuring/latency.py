"""How long an exported model takes: the median on ONNX Runtime with one thread."""

from __future__ import annotations

import time
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import onnxruntime

from engines.card import MODEL_FILE, load_card

_ROUNDS = 60
_WARM_UP = 10


def latencies_ms(model: Path, batches: Sequence[int]) -> dict[str, float]:
    """Return batch size (as text, for JSON) -> median milliseconds of one call.

    Args:
        model: Folder with `model.onnx` and `card.json`.
        batches: Faces in a call.
    """
    spec = load_card(model).input
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 1
    session = onnxruntime.InferenceSession(
        str(model / MODEL_FILE), options, providers=["CPUExecutionProvider"]
    )
    found: dict[str, float] = {}
    for count in batches:
        image = np.zeros((count, *spec.chip_shape), np.uint8)
        times_s = []
        for _ in range(_WARM_UP + _ROUNDS):
            started_s = time.perf_counter()
            session.run(None, {spec.name: image})
            times_s.append(time.perf_counter() - started_s)
        found[str(count)] = 1000 * float(np.median(times_s[_WARM_UP:]))
    return found
