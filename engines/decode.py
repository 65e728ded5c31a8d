"""From a model's outputs to named numbers: probabilities and years."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import numpy.typing as npt

from engines.card import AGE_OUTPUTS, GENDERS, SMILES, HeadSpec, ModelCard
from engines.errors import EngineError

Floats = npt.NDArray[np.float32]
AnyFloats = npt.NDArray[np.floating[Any]]

_FEMALE = GENDERS.index("female")
_SMILE = SMILES.index("smile")


def decode(outputs: Mapping[str, AnyFloats], card: ModelCard) -> dict[str, Floats]:
    """Name the numbers that the program shows.

    Args:
        outputs: Output name -> (N, width) as the graph gives it, for every head of the card.
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
        values = _checked(outputs, head, card, count)
        count = len(values)
        if head.task == "alignment":
            decoded["alignment"] = values.reshape(count, len(head.labels) // 2, 2)
        elif head.task == "age":
            for column, name in enumerate(AGE_OUTPUTS):
                decoded[name] = values[:, column].copy()
        elif head.task == "gender":
            decoded["female"] = values[:, _FEMALE].copy()
        elif head.task == "smile":
            decoded["smile"] = values[:, _SMILE].copy()
        else:
            decoded[head.task] = values
    return decoded


def _checked(outputs: Mapping[str, AnyFloats], head: HeadSpec, card: ModelCard, count: int | None) -> Floats:
    values = outputs.get(head.output)
    if values is None:
        raise EngineError(
            f"model {card.name!r}: expected an output {head.output!r}, found only {sorted(outputs)}; "
            "export it again"
        )
    rows = "N" if count is None else count
    if values.ndim != 2 or values.shape[1] != head.width or count not in (None, len(values)):
        raise EngineError(
            f"model {card.name!r}: expected output {head.output!r} of shape ({rows}, {head.width}), "
            f"found {values.shape}; export it again"
        )
    if not np.isfinite(values).all():
        bad = int((~np.isfinite(values).all(axis=1)).sum())
        raise EngineError(
            f"model {card.name!r}: expected finite numbers in output {head.output!r}, found NaN or infinity "
            f"for {bad} of {len(values)} faces; choose another back end or restore the model"
        )
    return values.astype(np.float32, copy=False)
