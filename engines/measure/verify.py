"""Checks installed models: card, hash, and every back end's numbers against ONNX Runtime."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np

from engines.backend import MAX_BATCH
from engines.backends import backend_names, create_backend, precisions, unavailable_reason
from engines.card import MODEL_FILE, InputSpec, ModelCard, load_card
from engines.crops import face_crops, folder_crops
from engines.engine import load_engine
from engines.errors import CardError, EngineError, PrecisionError
from engines.model_file import verify_model
from engines.parity import REFERENCE, TOLERANCES, Answers, Parity, measure, reference_answers
from engines.preprocess import Bytes, Floats


@dataclass(frozen=True, slots=True)
class Check:
    """One thing checked about a model.

    Attributes:
        model: Name or folder of the model.
        subject: What was checked: "card", "file" or a back end's name, with the number format where one was asked for.
        state: "ok", "failed" or "skipped" (the back end or its number format can't be used on this machine).
        text: What was found.
        parity: The figures of a back end that was compared.
    """

    model: str
    subject: str
    state: str
    text: str
    parity: Parity | None = None


def verify(
    model: str,
    folder: Path,
    *,
    backends: Sequence[str] | None = None,
    precision: str | None = None,
    crops: Path | None = None,
) -> Iterator[Check]:
    """Check one model; stops after a card or file that is wrong.

    Args:
        model: Name to show.
        folder: Folder of `model.onnx` and `card.json`.
        backends: Names; None = all.
        precision: A number format, "all" of each back end, or None = each back end's own choice.
        crops: Folder of face crops to compare on; None = the demo's portrait in many ways.

    Raises:
        EngineError: The folder of crops can't be used.
    """
    try:
        card = load_card(folder)
        yield Check(model, "card", "ok", f"version {card.version}, {len(card.heads)} heads")
        verify_model(card, folder / MODEL_FILE)
        yield Check(model, "file", "ok", f"SHA-256 {card.sha256[:12]}...")
    except CardError as error:
        yield Check(model, "model", "failed", str(error))
        return
    chips = (
        face_crops(card.input, occlusion=card.occlusion) if crops is None else folder_crops(crops, card.input)
    )
    try:
        reference = reference_answers(create_backend(REFERENCE), folder / MODEL_FILE, card, chips)
    except (CardError, EngineError) as error:
        yield Check(model, "model", "failed", str(error))
        return
    for name in backends or backend_names():
        for wanted in formats(name, precision):
            yield _compare(model, folder, name, wanted, chips, reference)


def fixed_chips(spec: InputSpec, count: int = MAX_BATCH) -> Bytes:
    """Return the same made-up chips each time: blurred blobs as large as a face's features, lit differently.

    Returns:
        uint8 (count, size, size) for gray, (count, size, size, 3) for RGB.
    """
    random = np.random.default_rng(48)
    batch = np.empty((count, *spec.chip_shape), dtype=np.uint8)
    for row in batch:
        coarse = random.integers(0, 256, (6, 6) if spec.channels == 1 else (6, 6, 3), dtype=np.uint8)
        row[:] = cv2.resize(coarse, (spec.size, spec.size), interpolation=cv2.INTER_CUBIC)
    return batch


def largest_differences(found: dict[str, Floats], expected: dict[str, Floats]) -> tuple[float, float]:
    """Return the largest absolute difference of two decoded answers: in any probability, and in years."""
    differences = {name: float(np.abs(found[name] - expected[name]).max(initial=0)) for name in expected}
    years = max((value for name, value in differences.items() if name.endswith("_years")), default=0.0)
    return max(
        (value for name, value in differences.items() if not name.endswith("_years")), default=0.0
    ), years


def _compare(
    model: str, folder: Path, name: str, precision: str | None, chips: Bytes, reference: Answers
) -> Check:
    subject = name if precision is None else f"{name} {precision}"
    if reason := unavailable_reason(name):
        return Check(model, subject, "skipped", reason)
    try:
        with load_engine(folder, name, precision=precision) as engine:
            found = measure(engine.infer, engine.precision, chips, reference)
    except PrecisionError as error:
        return Check(model, subject, "skipped", str(error))
    except (CardError, EngineError) as error:
        return Check(model, subject, "failed", str(error))
    (share, years), refusal = found.largest, found.refusal(TOLERANCES)
    text = (
        f"{engine.backend_description} ({engine.precision}), {found.faces} faces: largest difference {share:.2g} in a "
        f"probability, {years:.2g} years; {found.changed_per_thousand:.2g} in a thousand decisions changed"
    )
    refusal = "; ".join(filter(None, (refusal, engine.problem)))
    return Check(
        model, subject, "failed" if refusal else "ok", f"{text}; {refusal}" if refusal else text, found
    )


def formats(name: str, precision: str | None) -> tuple[str | None, ...]:
    """Return the number formats that a back end is to be loaded with; none where it hasn't the one that was asked for.

    Args:
        name: Of the back end.
        precision: A number format, "all" that it has, or None = its own choice.
    """
    known = precisions(name)
    if precision == "all":
        return known or (None,)
    return (precision,) if precision is None or not known or precision in known else ()


def heads_table(check: Check) -> str:
    """Return the figures of every head, a line each with its end; empty where nothing was compared."""
    heads = () if check.parity is None else check.parity.heads
    return "".join(
        f"          {one.name:<14} largest {one.largest:<9.2g} mean {one.mean:<9.2g} "
        + ("years" if one.unit else "")
        + (
            ""
            if one.changed_per_thousand is None
            else f"changed {one.changed_per_thousand:.2g} in a thousand"
        )
        + "\n"
        for one in heads
    )


def card_line(card: ModelCard) -> str:
    """Return what a model says and takes in a few words."""
    tasks = ", ".join(head.task for head in card.heads)
    return f"{tasks} | {card.input.size} px {card.input.color} | occlusion {card.occlusion}"


def metrics_line(card: ModelCard) -> str:
    """Return a card's main figures on one line; empty when it has none."""
    figures = dict(_figures(card.metrics, ""))
    main = {name: value for name, value in figures.items() if name.split()[-1] in _MAIN_FIGURES}
    return ", ".join(f"{name} {value:.4g}" for name, value in (main or figures).items())


_MAIN_FIGURES = ("emotion_accuracy", "age_error", "gender_accuracy", "smile_accuracy")


def _figures(content: object, name: str) -> Iterator[tuple[str, float]]:
    """Yield name and value of every figure: a bare number, an object with "value", or groups of them."""
    if isinstance(content, dict):
        if "value" in content:
            yield from _figures(content["value"], name)
        else:
            for key, value in content.items():
                yield from _figures(value, f"{name} {key}".strip())
    elif isinstance(content, int | float) and not isinstance(content, bool):
        yield name, float(content)
