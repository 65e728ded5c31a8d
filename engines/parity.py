"""How far a back end's answers lie from float32 ONNX Runtime's, head by head, and how far they may."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt

from engines.backend import MAX_BATCH, Backend
from engines.card import ModelCard
from engines.crops import face_crops
from engines.decode import decode
from engines.errors import EngineError
from engines.preprocess import Bytes, Floats

REFERENCE = "onnxruntime"
TOLERANCES = {
    "float32": (1e-4, 0.01),
    "float16": (0.01, 0.3),
    "bfloat16": (0.03, 1.5),
    "int8": (0.03, 1.0),
}
"""Number format -> largest difference allowed in any probability, and in years.

On 5,776 validation faces of `multitask` bfloat16 made at most 0.024 and 1.1 years, the second on a single face.
"""
MOST_CHANGED = {"float32": 0.1, "float16": 1.0, "bfloat16": 1.0, "int8": 1.0}
"""Number format -> decisions that may change among a thousand faces; one face in all may always, since it can be a tie.

bfloat16 alone changes up to 3.9 decisions in a thousand of the networks for half-hidden faces; with near ties read again
in float32 (`engines.near_ties`) at most 0.6.
"""
BATCH_SIZES = (1, 3, MAX_BATCH)
"""A back end may plan each batch size differently, so all faces run in batches of several sizes."""
_BUILD_CROPS, _BUILD_SIZES = 64, (1, 4)

Answers = dict[str, Floats]
Run = Callable[[Bytes], Answers]
"""uint8 crops -> decoded answers, as `engines.decode.decode` names them."""
_THRESHOLD = 0.5


@dataclass(frozen=True, slots=True)
class HeadDifference:
    """One decoded answer of two back ends compared.

    Attributes:
        name: As `engines.decode.decode` names it.
        unit: "years", or "" for probabilities and shares.
        largest: Largest absolute difference.
        mean: Mean absolute difference.
        changed_per_thousand: Faces among a thousand that get another class; None for numbers, which decide nothing.
    """

    name: str
    unit: str
    largest: float
    mean: float
    changed_per_thousand: float | None


@dataclass(frozen=True, slots=True)
class Parity:
    """A back end compared with `REFERENCE`.

    Attributes:
        precision: Number format of the back end's arithmetic.
        faces: How many were compared, each in batches of several sizes.
        heads: One per decoded answer, over the worst batch size.
    """

    precision: str
    faces: int
    heads: tuple[HeadDifference, ...]

    @property
    def largest(self) -> tuple[float, float]:
        """Largest difference in any probability, and in years."""
        return self._most(""), self._most("years")

    @property
    def changed_per_thousand(self) -> float:
        """The most changed decisions of any head."""
        return max((one.changed_per_thousand or 0.0 for one in self.heads), default=0.0)

    def refusal(self, allowed: Mapping[str, tuple[float, float]] = TOLERANCES) -> str:
        """Return by what the tolerance of the number format is broken; empty when it holds."""
        limits = allowed[self.precision]
        most = max(MOST_CHANGED[self.precision], 1000 / max(1, self.faces))
        broken = [
            f"{one.name} differs by {one.largest:.2g}{one.unit and ' ' + one.unit} (at most {limit:g})"
            for one in self.heads
            if one.largest > (limit := limits[one.unit == "years"]) or np.isnan(one.largest)
        ]
        broken += [
            f"{one.name} is decided differently for {one.changed_per_thousand:.2g} in a thousand faces (at most {most:.2g})"
            for one in self.heads
            if (one.changed_per_thousand or 0.0) > most
        ]
        return "; ".join(broken)

    def as_dict(self) -> dict[str, object]:
        """Return the figures as JSON takes them."""
        return asdict(self)

    def _most(self, unit: str) -> float:
        return max((one.largest for one in self.heads if one.unit == unit), default=0.0)


def compare(found: Answers, expected: Answers, precision: str) -> Parity:
    """Compare decoded answers about the same faces.

    Args:
        found: Of the back end.
        expected: Of the reference.
        precision: Number format of the back end's arithmetic.
    """
    faces = len(next(iter(expected.values()), ()))
    return Parity(precision, faces, tuple(_head(name, found[name], expected[name]) for name in expected))


def measure(
    run: Run, precision: str, chips: Bytes, expected: Answers, sizes: Sequence[int] = BATCH_SIZES
) -> Parity:
    """Run faces in batches of several sizes and compare; each head shows its worst batch size.

    Args:
        run: The back end, decoding.
        precision: Number format of its arithmetic.
        chips: uint8 (N, *chip_shape).
        expected: The reference's answers, from `reference_answers`.
        sizes: Of the batches.
    """
    each = [compare(in_batches(run, chips, size), expected, precision) for size in sizes]
    worst = [
        HeadDifference(
            heads[0].name,
            heads[0].unit,
            max(one.largest for one in heads),
            max(one.mean for one in heads),
            None
            if heads[0].changed_per_thousand is None
            else max(one.changed_per_thousand or 0.0 for one in heads),
        )
        for heads in zip(*(one.heads for one in each), strict=True)
    ]
    return Parity(precision, len(chips), tuple(worst))


def in_batches(run: Run, chips: Bytes, size: int) -> Answers:
    """Return the answers about all faces, run in batches of a size."""
    parts = [run(chips[start : start + size]) for start in range(0, len(chips), size)]
    return {name: np.concatenate([part[name] for part in parts]) for name in parts[0]}


def reference_answers(
    reference: Backend, path: Path, card: ModelCard, chips: Bytes, threads: int | None = None
) -> Answers:
    """Return what float32 ONNX Runtime says about each face alone, decoded.

    Args:
        reference: A fresh back end of the name `REFERENCE`; it is closed.
        path: The ONNX file.
        card: Its card.
        chips: uint8 (N, *chip_shape).
        threads: As for `Backend.load`.

    Raises:
        CardError: The file's input or outputs differ from the card.
        EngineError: ONNX Runtime refused the model.
    """
    try:
        reference.load(path, card, threads)
        return in_batches(lambda batch: decode(reference.run(batch), card), chips, 1)
    finally:
        reference.close()


def check_build(backend: Backend, reference: Backend, path: Path, card: ModelCard) -> None:
    """Refuse a freshly built engine whose answers leave the tolerance of its number format.

    Args:
        backend: Loaded.
        reference: As for `reference_answers`.
        path: The ONNX file it was built from.
        card: Its card.

    Raises:
        EngineError: It does; the text says by what.
    """
    chips = face_crops(card.input, _BUILD_CROPS, card.occlusion)
    expected = reference_answers(reference, path, card, chips)

    def run(batch: Bytes) -> Answers:
        return decode(backend.run(batch), card)

    found = measure(run, backend.precision, chips, expected, _BUILD_SIZES)
    if reason := found.refusal():
        raise EngineError(
            f"model {card.name!r}: expected {backend.description} to say what ONNX Runtime says, found that {reason}; "
            "choose another precision or back end"
        )


def _head(name: str, found: Floats, expected: Floats) -> HeadDifference:
    differences = np.abs(found.astype(np.float64) - expected)
    said, wanted = _decisions(name, found), _decisions(name, expected)
    changed = None if said is None else 1000 * float((said != wanted).mean())
    return HeadDifference(
        name,
        "years" if name.endswith("_years") else "",
        float(differences.max(initial=0)),
        float(differences.mean()) if differences.size else 0.0,
        changed,
    )


def _decisions(name: str, values: Floats) -> npt.NDArray[np.int_] | None:
    """Return each face's class; None for numbers."""
    if name.endswith("_years") or values.ndim == 3:
        return None
    classes: npt.NDArray[np.int_] = (
        (values > _THRESHOLD).astype(int) if values.ndim == 1 else values.argmax(axis=1)
    )
    return classes
