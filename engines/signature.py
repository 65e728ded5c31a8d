"""Compares what a model file takes and gives with its card, to name a mix-up before the first run."""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

from engines.card import ModelCard
from engines.errors import CardError

Shape = tuple[int | None, ...]
"""Sizes of a tensor; None = known only when run."""


class Tensor(NamedTuple):
    """A tensor as a model file describes it: NumPy's name of its number format, and its shape."""

    format: str
    shape: Shape


def check_signature(card: ModelCard, inputs: Mapping[str, Tensor], outputs: Mapping[str, Tensor]) -> None:
    """Check a loaded model's inputs and outputs against its card.

    Args:
        card: The card.
        inputs: Input name -> tensor, as the file says.
        outputs: Output name -> tensor, as the file says.

    Raises:
        CardError: A name, a number format or a shape differs; the text names the first difference.
    """
    spec = card.input
    if set(inputs) != {spec.name}:
        raise _mismatch(card, f"one input {spec.name!r}", f"{sorted(inputs)}")
    what, found = f"input {spec.name!r}", inputs[spec.name]
    if found.format != "uint8":
        raise _mismatch(card, f"{what} of uint8", found.format)
    _check_shape(card, what, spec.chip_shape, found.shape)
    for head in card.heads:
        what = f"output {head.output!r}"
        if head.output not in outputs:
            raise _mismatch(card, f"an {what} for {head.task}", f"only {sorted(outputs)}")
        if outputs[head.output].format != "float32":
            raise _mismatch(card, f"{what} of float32", outputs[head.output].format)
        _check_shape(card, what, (head.width,), outputs[head.output].shape)


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
