"""Tiny ONNX models with real cards, so that tests run whole engines in milliseconds."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

from engines.card import (
    CARD_FILE,
    LABELS,
    MODEL_FILE,
    VISIBILITY_LABELS,
    HeadSpec,
    InputSpec,
    ModelCard,
)
from engines.model_file import file_sha256
from training.exporting.graph import with_contract

ALL_TASKS = ("emotion", "age", "gender", "smile")
VISIBILITY_TASKS = tuple(VISIBILITY_LABELS)
_KINDS = {"age": "distribution", "alignment": "points"}
_LABELS = {**LABELS, **VISIBILITY_LABELS}


def tiny_head(task: str) -> HeadSpec:
    """Return the head of one task as every shipped card has it; the output is named after the task."""
    return HeadSpec(
        output=task,
        task=task,  # type: ignore[arg-type]
        kind=_KINDS.get(task, "softmax"),  # type: ignore[arg-type]
        labels=_LABELS[task],
        unit="years" if task == "age" else "",
    )


def write_tiny_model(
    folder: Path,
    *,
    name: str = "tiny",
    occlusion: str = "none",
    tasks: Sequence[str] = ALL_TASKS,
    spec: InputSpec | None = None,
    seed: int = 0,
) -> Path:
    """Write `model.onnx` and `card.json`: pooling, one convolution, one dense layer per head, random weights.

    Returns:
        The folder, made if missing.
    """
    spec = spec or InputSpec()
    folder.mkdir(parents=True, exist_ok=True)
    onnx.save(_tiny_graph(spec, tasks, np.random.default_rng(seed)), str(folder / MODEL_FILE))
    card = write_tiny_card(folder, name=name, occlusion=occlusion, tasks=tasks, spec=spec)
    onnx.save(with_contract(onnx.load(str(folder / MODEL_FILE)), card), str(folder / MODEL_FILE))
    write_tiny_card(folder, name=name, occlusion=occlusion, tasks=tasks, spec=spec)
    return folder


def write_tiny_card(
    folder: Path,
    *,
    name: str = "tiny",
    occlusion: str = "none",
    tasks: Sequence[str] = ALL_TASKS,
    spec: InputSpec | None = None,
) -> ModelCard:
    """Write the card that describes the model file already in the folder."""
    card = ModelCard(
        name=name,
        version="1.0",
        input=spec or InputSpec(),
        heads=tuple(tiny_head(task) for task in tasks),
        sha256=file_sha256(folder / MODEL_FILE),
        occlusion=occlusion,
        metrics={"emotion_accuracy": {"value": 0.125, "data": "random weights"}},
    )
    card.save(folder / CARD_FILE)
    return card


def save_graph(
    folder: Path, nodes: Sequence[onnx.NodeProto], weights: Sequence[onnx.TensorProto], **sizes: int
) -> None:
    """Write `model.onnx`: nodes read "pixels", float (N, 48, 48), each keyword is one output (N, size)."""
    image = helper.make_tensor_value_info("image", TensorProto.UINT8, ["N", 48, 48])
    cast = helper.make_node("Cast", ["image"], ["pixels"], to=TensorProto.FLOAT)
    outputs = [
        helper.make_tensor_value_info(name, TensorProto.FLOAT, ["N", size]) for name, size in sizes.items()
    ]
    folder.mkdir(parents=True, exist_ok=True)
    graph = helper.make_graph([cast, *nodes], "test", [image], outputs, list(weights))
    onnx.save(_model(graph), str(folder / MODEL_FILE))


def _tiny_graph(spec: InputSpec, tasks: Sequence[str], random: np.random.Generator) -> onnx.ModelProto:
    step = max(1, spec.size // 12)
    side = spec.size // step - 2
    features = 4 * side * side
    weights = [_tensor("kernel", random.normal(0, 1, (4, spec.channels, 3, 3)))]
    nodes = [
        helper.make_node(
            "AveragePool", ["image"], ["pooled"], kernel_shape=[step, step], strides=[step, step]
        ),
        helper.make_node("Conv", ["pooled", "kernel"], ["maps"]),
        helper.make_node("Relu", ["maps"], ["positive"]),
        helper.make_node("Flatten", ["positive"], ["flat"]),
    ]
    for task in tasks:
        weights.append(
            _tensor(f"{task}_weight", random.normal(0, features**-0.5, (features, len(_LABELS[task]))))
        )
        nodes.append(helper.make_node("MatMul", ["flat", f"{task}_weight"], [task]))
    image = helper.make_tensor_value_info(
        spec.name, TensorProto.FLOAT, ["N", spec.channels, spec.size, spec.size]
    )
    nodes[0].input[0] = spec.name
    outputs = [
        helper.make_tensor_value_info(task, TensorProto.FLOAT, ["N", len(_LABELS[task])]) for task in tasks
    ]
    return _model(helper.make_graph(nodes, "tiny", [image], outputs, weights))


def _model(graph: onnx.GraphProto) -> onnx.ModelProto:
    # Opset 17 and format 8 are read by every ONNX Runtime and OpenVINO release that the project allows.
    return helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)


def _tensor(name: str, values: np.ndarray) -> onnx.TensorProto:
    return numpy_helper.from_array(values.astype(np.float32), name)
