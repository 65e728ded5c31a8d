"""From a network's raw outputs to named numbers: probabilities and years."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import numpy.typing as npt

from engines.card import AGES_YEARS, GENDERS, SMILES, HeadSpec, ModelCard
from engines.errors import EngineError

Floats = npt.NDArray[np.float32]
AnyFloats = npt.NDArray[np.floating[Any]]

_YEARS: Floats = np.array(AGES_YEARS, dtype=np.float32)
_FEMALE = GENDERS.index("female")
_SMILE = SMILES.index("smile")


def decode(outputs: Mapping[str, AnyFloats], card: ModelCard) -> dict[str, Floats]:
    """Turn logits into the numbers the program shows.

    Args:
        outputs: Output name -> (N, labels) logits, for every head of the card.
        card: The model's card.

    Returns:
        For the heads the card has: "emotion" float32 (N, 8) probabilities, "age_years" and "age_std_years"
        float32 (N,), expectation and standard deviation of the age distribution, "female" and "smile" float32
        (N,) probabilities, "occlusion" float32 (N, 4) probabilities, "alignment" float32 (N, 10, 2) shares of the chip's
        side.

    Raises:
        EngineError: An output is missing, has another shape or holds numbers that are not finite.
    """
    count: int | None = None
    decoded: dict[str, Floats] = {}
    for head in card.heads:
        logits = _checked_logits(outputs, head, card, count)
        count = len(logits)
        if head.task == "alignment":
            decoded["alignment"] = logits.astype(np.float32).reshape(count, len(head.labels) // 2, 2)
            continue
        probabilities = _softmax(logits)
        if head.task in ("emotion", "occlusion"):
            decoded[head.task] = probabilities
        elif head.task == "age":
            decoded["age_years"], decoded["age_std_years"] = _expectation_and_deviation(probabilities)
        elif head.task == "gender":
            decoded["female"] = probabilities[:, _FEMALE].copy()
        else:
            decoded["smile"] = probabilities[:, _SMILE].copy()
    return decoded


def _checked_logits(
    outputs: Mapping[str, AnyFloats], head: HeadSpec, card: ModelCard, count: int | None
) -> AnyFloats:
    logits = outputs.get(head.output)
    if logits is None:
        raise EngineError(
            f"model {card.name!r}: expected an output {head.output!r}, found only {sorted(outputs)}; "
            "export it again"
        )
    rows = "N" if count is None else count
    if logits.ndim != 2 or logits.shape[1] != len(head.labels) or count not in (None, len(logits)):
        raise EngineError(
            f"model {card.name!r}: expected output {head.output!r} of shape ({rows}, {len(head.labels)}), "
            f"found {logits.shape}; export it again"
        )
    if not np.isfinite(logits).all():
        bad = int((~np.isfinite(logits).all(axis=1)).sum())
        raise EngineError(
            f"model {card.name!r}: expected finite numbers in output {head.output!r}, found NaN or infinity "
            f"for {bad} of {len(logits)} faces; choose another back end or restore the model"
        )
    return logits


def _softmax(logits: AnyFloats) -> Floats:
    """Return softmax over the last axis; (N, K) -> float32 (N, K)."""
    weights: Floats = np.exp(logits - logits.max(axis=1, keepdims=True)).astype(np.float32, copy=False)
    weights /= weights.sum(axis=1, keepdims=True)
    return weights


def _expectation_and_deviation(probabilities: Floats) -> tuple[Floats, Floats]:
    """Return mean and standard deviation in years; (N, 101) -> float32 (N,) each."""
    mean = probabilities @ _YEARS
    # Around the mean, not as a difference of squares: that would lose 0.03 years at age 100 in float32.
    variance = np.einsum("nk,nk->n", probabilities, (_YEARS - mean[:, None]) ** 2)
    return mean, np.sqrt(variance)
