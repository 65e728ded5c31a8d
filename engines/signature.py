"""Compares what a model file takes and gives with its card, to name a mix-up before the first run."""

from __future__ import annotations

from collections.abc import Mapping

from engines.card import ModelCard
from engines.errors import CardError

Shape = tuple[int | None, ...]
"""Sizes of a tensor; None = known only when run."""


def check_signature(card: ModelCard, inputs: Mapping[str, Shape], outputs: Mapping[str, Shape]) -> None:
    """Check a loaded model's inputs and outputs against its card.

    Args:
        card: The card.
        inputs: Input name -> shape, as the file says.
        outputs: Output name -> shape, as the file says.

    Raises:
        CardError: A name or a shape differs; the text names the first difference.
    """
    spec = card.input
    if set(inputs) != {spec.name}:
        raise _mismatch(card, f"one input {spec.name!r}", f"{sorted(inputs)}")
    _check_shape(card, f"input {spec.name!r}", (spec.channels, spec.size, spec.size), inputs[spec.name])
    for head in card.heads:
        if head.output not in outputs:
            raise _mismatch(card, f"an output {head.output!r} for {head.task}", f"only {sorted(outputs)}")
        _check_shape(card, f"output {head.output!r}", (len(head.labels),), outputs[head.output])


def _check_shape(card: ModelCard, what: str, expected: tuple[int, ...], found: Shape) -> None:
    """Compare a shape behind its batch size; the batch size itself must be free."""
    wanted = ", ".join(("any", *map(str, expected)))
    seen = ", ".join("any" if size is None else str(size) for size in found)
    same_rank = len(found) == len(expected) + 1
    if not same_rank or any(size not in (None, want) for size, want in zip(found[1:], expected, strict=True)):
        raise _mismatch(card, f"{what} of shape ({wanted})", f"({seen})")
    if found[0] is not None:
        raise _mismatch(card, f"{what} with a free batch size", f"({seen})")


def _mismatch(card: ModelCard, expected: str, found: str) -> CardError:
    return CardError(
        f"model {card.name!r}: its card expects {expected}, found {found} in the model file; "
        "export model and card together again"
    )
