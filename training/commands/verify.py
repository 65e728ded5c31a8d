"""`python -m training verify`: what every back end and number format says about held-out faces.

Against float32 ONNX Runtime, and against the labels.
"""

from __future__ import annotations

import argparse
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import numpy as np
import numpy.typing as npt

from engines.backends import backend_names, precisions, unavailable_reason
from engines.card import load_card
from engines.engine import Engine, load_engine
from engines.models import find_model
from engines.parity import REFERENCE, Parity, compare
from training.data.prepared import PreparedFaces
from training.data.sample import SPLITS
from training.measuring.evaluation import figures
from training.measuring.metrics import Figure
from training.measuring.report import predict_set, present_sets
from training.occlusion.views import VIEWS_OF_OCCLUSION, view

SHOWN = ("emotion_accuracy", "age_error", "gender_accuracy", "smile_accuracy")
Say = Callable[[Engine], dict[str, npt.NDArray[np.float32]]]


@dataclass(frozen=True, slots=True)
class SetParity:
    """One back end on one set.

    Attributes:
        name: The set, with the view where faces are hidden.
        backend: Name and number format.
        parity: Differences from `REFERENCE`.
        figures: Figure name -> figure against the labels, of `SHOWN`.
        expected: The same of `REFERENCE`.
    """

    name: str
    backend: str
    parity: Parity
    figures: dict[str, Figure]
    expected: dict[str, Figure]

    def lines(self) -> Iterator[str]:
        """Yield the result as text for people."""
        refusal = self.parity.refusal()
        about = f"{self.name}, {self.backend}, {self.parity.faces} faces"
        yield f"failed  {about}: {refusal}" if refusal else f"ok      {about}"
        for head in self.parity.heads:
            changed = head.changed_per_thousand
            yield (
                f"          {head.name:<14} largest {head.largest:<9.2g} mean {head.mean:<9.2g} {head.unit}"
                + ("" if changed is None else f"changed {changed:.2f} in a thousand")
            )
        for key, figure in self.figures.items():
            before = self.expected[key].value
            yield f"          {key:<18} {figure.value:.4f} (float32 {before:.4f}, {figure.value - before:+.4f})"


def add_verify(commands: argparse._SubParsersAction[argparse.ArgumentParser], default_cache: Path) -> None:
    """Add the command to the others.

    Args:
        commands: What `add_subparsers` returned.
        default_cache: Folder for prepared faces where none is named.
    """
    parser = commands.add_parser("verify", help="back ends and number formats on held-out faces with labels")
    parser.add_argument("--model", default="multitask", help="name or folder (default: %(default)s)")
    parser.add_argument("--data", type=Path, required=True, help="folder with the unpacked data sets")
    parser.add_argument(
        "--cache", type=Path, default=default_cache, help="prepared faces (default: %(default)s)"
    )
    parser.add_argument("--split", choices=SPLITS[1:], default="validation")
    parser.add_argument(
        "--backend", default="all", help="all, or names separated by commas (default: %(default)s)"
    )
    parser.set_defaults(command=_verify)


def _verify(options: argparse.Namespace) -> int:
    names = backend_names() if options.backend == "all" else tuple(options.backend.split(","))
    refused = False
    for found in parities(options.model, options.data, options.cache, options.split, names):
        print(*found.lines(), sep="\n", flush=True)
        refused = refused or bool(found.parity.refusal())
    return 2 if refused else 0


def parities(
    model: str | Path, data: Path, cache: Path, split: str, backends: tuple[str, ...]
) -> Iterator[SetParity]:
    """Compare back ends on every set that is there.

    Args:
        model: Name or folder.
        data: Folder with the unpacked sets.
        cache: Folder for prepared faces.
        split: "validation" or "test".
        backends: Names; what can't be used here is left out, as is `REFERENCE` itself.

    Raises:
        CardError: The model is missing or damaged.
        EngineError: A back end is unknown or refused the model.
        DatasetError: No set is there, or one is malformed.
    """
    card = load_card(find_model(model))
    formats = [
        (name, precision)
        for name in backends
        if name != REFERENCE and not unavailable_reason(name)
        for precision in precisions(name) or (None,)
    ]
    for shown in VIEWS_OF_OCCLUSION[card.occlusion]:
        hide = view(shown, card.input, cache)
        for name, faces in present_sets(data, cache):
            positions = faces.where(split)
            if not len(positions):
                continue
            say = partial(predict_set, faces=faces, positions=positions, hide=hide)
            expected = _said(say, model, REFERENCE, None)
            measure = partial(_figures, faces, positions)
            for backend, precision in formats:
                found = _said(say, model, backend, precision)
                parity = compare(found[0], expected[0], found[1])
                yield SetParity(
                    f"{name} {shown}",
                    f"{backend} {found[1]}",
                    parity,
                    measure(found[0]),
                    measure(expected[0]),
                )


def _said(
    say: Say, model: str | Path, backend: str, precision: str | None
) -> tuple[dict[str, npt.NDArray[np.float32]], str]:
    """Return a back end's answers and its number format."""
    with load_engine(model, backend, precision=precision) as engine:
        return say(engine), engine.precision


def _figures(
    faces: PreparedFaces, positions: npt.NDArray[np.int64], said: dict[str, npt.NDArray[np.float32]]
) -> dict[str, Figure]:
    found = figures(faces, positions, said, intervals=False)
    return {name: found[name] for name in SHOWN if name in found}
