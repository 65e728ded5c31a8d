"""Logits of a network that is not exported as named numbers: the arithmetic that ends every exported graph, in NumPy."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import numpy.typing as npt

from engines.card import AGES_YEARS, HeadSpec, ModelCard
from engines.decode import decode

Floats = npt.NDArray[np.float32]
AnyFloats = npt.NDArray[np.floating[Any]]

_YEARS: Floats = np.array(AGES_YEARS, dtype=np.float32)


def decode_logits(logits: Mapping[str, AnyFloats], card: ModelCard) -> dict[str, Floats]:
    """Return what the exported network would say.

    Args:
        logits: Output name -> (N, labels); the points of a "points" head as they are. Outputs that the card doesn't name
            are left out.
        card: Of the network.

    Returns:
        As `engines.decode.decode`.

    Raises:
        EngineError: An output is missing, has another shape or holds numbers that are not finite.
    """
    heads = {head.output: head for head in card.heads}
    return decode({name: _decoded(heads[name], rows) for name, rows in logits.items() if name in heads}, card)


def _decoded(head: HeadSpec, rows: AnyFloats) -> Floats:
    if head.kind == "points" or rows.ndim != 2 or rows.shape[1] != len(head.labels):
        return rows.astype(np.float32)  # of a wrong shape: `decode` says so
    probabilities = softmax(rows)
    return years(probabilities) if head.kind == "distribution" else probabilities


def softmax(logits: AnyFloats) -> Floats:
    """Return softmax over the last axis; (N, K) -> float32 (N, K)."""
    weights: Floats = np.exp(logits - logits.max(axis=1, keepdims=True)).astype(np.float32, copy=False)
    weights /= weights.sum(axis=1, keepdims=True)
    return weights


def years(probabilities: Floats) -> Floats:
    """Return expectation and standard deviation in years; (N, 101) -> float32 (N, 2)."""
    mean = (probabilities * _YEARS).sum(axis=1)
    # Around the mean, not as a difference of squares: that would lose 0.03 years at age 100 in float32.
    variance = (probabilities * np.square(_YEARS - mean[:, None])).sum(axis=1)
    return np.stack([mean, np.sqrt(variance)], axis=1)
