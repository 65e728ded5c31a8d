"""From a model's raw outputs to named arrays: probabilities and years."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import numpy.typing as npt

from engines.card import ModelCard
from engines.errors import EngineError

Floats = npt.NDArray[np.float32]


def decode(outputs: Mapping[str, npt.NDArray[np.floating]], card: ModelCard) -> dict[str, Floats]:
    """Turn logits into what a person reads.

    Args:
        outputs: Output name -> (N, classes) logits.
        card: The model's card.

    Returns:
        Keys for the heads the card has: emotion float32 (N, 8), age_years, age_std_years, female, smile float32 (N,).

    Raises:
        EngineError: An output is missing, has another shape, or is not finite.
    """
    decoded: dict[str, Floats] = {}
    for head in card.heads:
        logits = outputs.get(head.output)
        if logits is None or logits.ndim != 2 or logits.shape[1] != len(head.labels):
            found = "none" if logits is None else f"shape {logits.shape}"
            raise EngineError(
                f"{card.name}: expected output {head.output!r} of shape (N, {len(head.labels)}), found {found}; export the model again"
            )
        if not np.isfinite(logits).all():
            raise EngineError(f"{card.name}: expected finite numbers in output {head.output!r}, found NaN or infinity; choose another back end")
        probs = _softmax(logits)
        if head.task == "emotion":
            decoded["emotion"] = probs
        elif head.task == "age":
            years = np.array([float(label) for label in head.labels], dtype=np.float32)
            mean = probs @ years
            decoded["age_years"] = mean
            decoded["age_std_years"] = np.sqrt((probs * (years - mean[:, None]) ** 2).sum(axis=1))
        else:
            decoded["female" if head.task == "gender" else "smile"] = probs[:, 1]
    return decoded


def _softmax(logits: npt.NDArray[np.floating]) -> Floats:
    shifted = logits.astype(np.float32)
    shifted -= shifted.max(axis=1, keepdims=True)
    np.exp(shifted, out=shifted)
    shifted /= shifted.sum(axis=1, keepdims=True)
    return shifted
