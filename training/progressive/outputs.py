"""What a run of `progressive` leaves: the network with all its columns for ONNX, a model for the program, a report.

`columns.onnx` gives every column's logits under its name and `columns.json` says what they mean. The program's cards know
emotion, gender and smile; the last column of each of these also goes into `model.onnx` with `card.json`, which
`faceapp predict --model FOLDER` runs.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import onnx
import onnxruntime
import torch

from engines.card import LABELS, HeadSpec, InputSpec, ModelCard
from training.errors import RecipeError
from training.exporting.export import LARGEST_BATCH, export_model, halve_weights, logits_graph
from training.measuring.metrics import accuracy_with_interval, weighted_accuracy_with_interval
from training.measuring.resampling import resampling
from training.measuring.significance import paired_bootstrap
from training.progressive.network import ColumnPlan, ProgressiveNet
from training.progressive.tasks import TaskFaces

COLUMNS = "columns.onnx"
ABOUT = "columns.json"
REPORT = "report.json"
MODEL_NAME = "columns"
_LARGEST_DIFFERENCE = 0.02
"""Of a probability: what float16 weights may change, as in `training.exporting.export`."""


def export_columns(
    net: ProgressiveNet, spec: InputSpec, about: Mapping[str, Any], folder: Path
) -> ModelCard | None:
    """Write the network's files; nothing is written when the parity check fails.

    Args:
        net: Trained; its columns get the outputs' names.
        spec: What it takes.
        about: How it was trained, for the files that describe it.
        folder: Where they go.

    Returns:
        The card of the model for the program, or None where it understands no column.

    Raises:
        RecipeError: The ONNX model does not give the network's numbers.
    """
    net.eval()
    model = halve_weights(logits_graph(net, spec, tuple(net.plans)))
    onnx.checker.check_model(model, full_check=True)
    parity = column_parity(net, model, spec)
    folder.mkdir(parents=True, exist_ok=True)
    partial = folder / f"{COLUMNS}.partial"
    partial.write_bytes(model.SerializeToString())
    partial.replace(folder / COLUMNS)
    described = {
        "input": {
            "name": spec.name,
            "size": spec.size,
            "mean": spec.mean,
            "std": spec.std,
            "crop": spec.crop,
        },
        "columns": [plan.as_dict() for plan in net.plans.values()],
        "parity": parity,
        "recipe": dict(about),
    }
    (folder / ABOUT).write_text(json.dumps(described, indent=1) + "\n")
    card = engine_card(net.plans.values(), spec, about)
    return None if card is None else export_model(net, card, folder)


def column_parity(net: ProgressiveNet, model: onnx.ModelProto, spec: InputSpec) -> dict[str, float]:
    """Compare a graph's probabilities with the network's on random pictures, for a batch of 1 and of 16.

    Returns:
        Column -> largest difference.

    Raises:
        RecipeError: A difference is too large.
    """
    session = onnxruntime.InferenceSession(model.SerializeToString(), providers=["CPUExecutionProvider"])
    names = [output.name for output in session.get_outputs()]
    generator = torch.Generator().manual_seed(1)
    largest = dict.fromkeys(net.plans, 0.0)
    for count in (1, LARGEST_BATCH):
        image = torch.randn(count, spec.channels, spec.size, spec.size, generator=generator)
        with torch.inference_mode():
            wanted = {name: logits.softmax(dim=1).numpy() for name, logits in net(image).items()}
        for name, logits in zip(names, session.run(None, {spec.name: image.numpy()}), strict=True):
            said = torch.from_numpy(logits).softmax(dim=1).numpy()
            largest[name] = max(largest[name], float(np.abs(said - wanted[name]).max()))
    for name, difference in largest.items():
        if not difference <= _LARGEST_DIFFERENCE:
            raise RecipeError(
                f"export: expected column {name} within {_LARGEST_DIFFERENCE} of the network, found {difference:.4g}; "
                "nothing was written"
            )
    return {name: float(f"{difference:.3g}") for name, difference in largest.items()}


def engine_card(plans: Iterable[ColumnPlan], spec: InputSpec, about: Mapping[str, Any]) -> ModelCard | None:
    """Return the card of the columns that the program understands, or None where there is none."""
    heads = {
        plan.task: HeadSpec(plan.name, plan.task, "softmax", plan.labels)  # type: ignore[arg-type]
        for plan in plans
        if LABELS.get(plan.task) == plan.labels
    }
    if not heads:
        return None
    return ModelCard(
        name=MODEL_NAME,
        version="1.0",
        input=spec,
        heads=tuple(heads.values()),
        sha256="0" * 64,
        recipe=dict(about),
    )


def measured(
    found: TaskFaces, probs: npt.NDArray[np.float32], alone: npt.NDArray[np.float32] | None = None
) -> dict[str, Any]:
    """Return the figures of the test part, with intervals over its people where they have several pictures.

    Args:
        found: The task's faces.
        probs: float32 (N, classes), of the test part.
        alone: The same of the column without its sources, or None.
    """
    truth, subjects = found.truth("test"), found.faces.subject[found.positions["test"]]
    draws = resampling(subjects)
    said = probs.argmax(axis=1)
    figures: dict[str, Any] = {
        "accuracy": accuracy_with_interval(truth, said, draws).as_dict(),
        "weighted_accuracy": weighted_accuracy_with_interval(truth, said, draws).as_dict(),
    }
    if alone is not None:
        others = alone.argmax(axis=1)
        gap = paired_bootstrap(said == truth, others == truth, subjects)
        figures["accuracy_alone"] = accuracy_with_interval(truth, others, draws).as_dict()
        figures["gain"] = {
            "value": round(gap.difference, 5),
            "low": round(gap.low, 5),
            "high": round(gap.high, 5),
            "p_value": round(gap.p_value, 5),
        }
    return figures


def save_report(figures: Mapping[str, Any], about: Mapping[str, Any], path: Path) -> None:
    """Write a run's figures beside what they are of."""
    path.write_text(json.dumps({**about, **figures}, indent=1) + "\n")


def report_text(figures: Mapping[str, Any], plan: ColumnPlan) -> str:
    """Return the figures in one line."""

    def shown(figure: Mapping[str, float]) -> str:
        interval = f" [{100 * figure['low']:.1f}, {100 * figure['high']:.1f}]" if "low" in figure else ""
        return f"{100 * figure['value']:.1f}{interval}"

    text = f"{plan.name}: test accuracy {shown(figures['accuracy'])}%"
    if "gain" in figures:
        text += (
            f"; alone {shown(figures['accuracy_alone'])}%; gain from {', '.join(plan.sources)} "
            f"{shown(figures['gain'])} points"
        )
    return text
