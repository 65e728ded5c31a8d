"""Checks installed models: card, hash, and every back end's numbers against ONNX Runtime."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np

from engines.backends import MAX_BATCH, backend_names, unavailable_reason
from engines.card import MODEL_FILE, InputSpec, ModelCard, load_card, verify_model
from engines.engine import Engine, load_engine
from engines.errors import CardError, EngineError
from engines.preprocess import Bytes, Floats

REFERENCE = "onnxruntime"
TOLERANCES = {"float32": (1e-4, 0.01), "float16": (0.01, 0.3), "bfloat16": (0.03, 1.0)}
"""Number format -> largest difference allowed in any probability, and in years.

On 5,110 validation faces of `multitask` bfloat16 made at most 0.012 and 0.84 years.
"""


@dataclass(frozen=True, slots=True)
class Check:
    """One thing checked about a model.

    Attributes:
        model: Name or folder of the model.
        subject: What was checked: "card", "file" or a back end's name.
        state: "ok", "failed" or "skipped" (the back end can't be used on this machine).
        text: What was found.
    """

    model: str
    subject: str
    state: str
    text: str


def verify(model: str, folder: Path) -> Iterator[Check]:
    """Check one model; stops after a card or file that is wrong.

    Args:
        model: Name to show.
        folder: Folder of `model.onnx` and `card.json`.
    """
    try:
        card = load_card(folder)
        yield Check(model, "card", "ok", f"version {card.version}, {len(card.heads)} heads")
        verify_model(card, folder / MODEL_FILE)
        yield Check(model, "file", "ok", f"SHA-256 {card.sha256[:12]}...")
        chips = fixed_chips(card.input)
        reference = _reference(folder, chips)
    except (CardError, EngineError) as error:
        yield Check(model, "model", "failed", str(error))
        return
    for name in backend_names():
        yield _compare(model, folder, name, chips, reference)


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


def _reference(folder: Path, chips: Bytes) -> dict[str, Floats]:
    """Return ONNX Runtime's decoded answers for every chip alone."""
    with load_engine(folder, REFERENCE) as engine:
        return _in_batches(engine, chips, 1)


def _in_batches(engine: Engine, chips: Bytes, size: int) -> dict[str, Floats]:
    parts = [engine.infer(chips[start : start + size]) for start in range(0, len(chips), size)]
    return {name: np.concatenate([part[name] for part in parts]) for name in parts[0]}


def _compare(model: str, folder: Path, name: str, chips: Bytes, reference: dict[str, Floats]) -> Check:
    if reason := unavailable_reason(name):
        return Check(model, name, "skipped", reason)
    try:
        with load_engine(folder, name) as engine:
            # A back end may plan each batch size differently, so all chips run in batches of several sizes.
            answers = [_in_batches(engine, chips, size) for size in (1, 3, MAX_BATCH)]
    except (CardError, EngineError) as error:
        return Check(model, name, "failed", str(error))
    differences = [largest_differences(answer, reference) for answer in answers]
    share, years = (max(values) for values in zip(*differences, strict=True))
    allowed_share, allowed_years = TOLERANCES[engine.precision]
    passed = share <= allowed_share and years <= allowed_years
    text = (
        f"{engine.backend_description} ({engine.precision}): largest difference {share:.2g} in a probability "
        f"(at most {allowed_share:g}), {years:.2g} years (at most {allowed_years:g})"
    )
    return Check(model, name, "ok" if passed else "failed", text)


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
