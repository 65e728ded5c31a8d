"""What stands before and behind the network in an exported graph: uint8 crops in, probabilities and years out.

A graph that normalises and decodes itself is copied a quarter of the bytes, and no back end or program can do either
differently. The nodes are `engines.preprocess.normalise` and `training.exporting.decoding.decode_logits`, operator by operator.
"""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

from engines.card import AGES_YEARS, HeadSpec, InputSpec, ModelCard
from engines.preprocess import normalisation
from training.errors import RecipeError

PREFIX = "contract/"
"""Begins the names of all that is added to a network; its numbers stay float32 in every precision."""


def with_contract(model: onnx.ModelProto, card: ModelCard) -> onnx.ModelProto:
    """Put normalisation before and decoding behind a network.

    Args:
        model: From float32 (N, C, size, size) to logits (N, labels) for every head of the card; changed in place.
        card: Its card.

    Returns:
        The model, from uint8 (N, *chip_shape) to float32 (N, width) for every head; weights are untouched.

    Raises:
        RecipeError: The model's input is no float32 image.
    """
    graph = model.graph
    found = {value.name: value for value in graph.input}.get(card.input.name)
    if found is None or found.type.tensor_type.elem_type != TensorProto.FLOAT:
        raise RecipeError(
            f"model {card.name!r}: expected an input {card.input.name!r} of float32, found none; export the network again"
        )
    batch = found.type.tensor_type.shape.dim[0].dim_param or "batch"
    names = {card.input.name: f"{PREFIX}image"}
    names |= {head.output: f"{PREFIX}{head.output}_logits" for head in card.heads if head.kind != "points"}
    _rename(graph, names)
    before, after = list(_normalising(card.input)), []
    for head in card.heads:
        if head.kind != "points":
            after += list(_decoding(head))
    nodes = [*before, *graph.node, *after]
    del graph.node[:]
    graph.node.extend(nodes)
    graph.initializer.extend(_constants(card))
    inputs = [
        helper.make_tensor_value_info(card.input.name, TensorProto.UINT8, [batch, *card.input.chip_shape])
    ]
    outputs = [
        helper.make_tensor_value_info(head.output, TensorProto.FLOAT, [batch, head.width])
        for head in card.heads
    ]
    for old, new in ((graph.input, inputs), (graph.output, outputs)):
        del old[:]
        old.extend(new)
    return model


def _rename(graph: onnx.GraphProto, names: dict[str, str]) -> None:
    """Give tensors other names wherever they stand."""
    for node in graph.node:
        for ports in (node.input, node.output):
            for place, name in enumerate(ports):
                ports[place] = names.get(name, name)
    kept = [value for value in graph.value_info if value.name not in names]
    del graph.value_info[:]
    graph.value_info.extend(kept)


def _normalising(spec: InputSpec) -> Iterable[onnx.NodeProto]:
    # TensorRT lets no node but Cast read uint8, so the cast comes first.
    yield helper.make_node("Cast", [spec.name], [f"{PREFIX}levels"], f"{PREFIX}cast", to=TensorProto.FLOAT)
    if spec.color == "gray":
        yield helper.make_node(
            "Unsqueeze", [f"{PREFIX}levels", f"{PREFIX}channel"], [f"{PREFIX}planes"], f"{PREFIX}unsqueeze"
        )
    else:
        yield helper.make_node(
            "Transpose", [f"{PREFIX}levels"], [f"{PREFIX}planes"], f"{PREFIX}transpose", perm=[0, 3, 1, 2]
        )
    yield helper.make_node("Mul", [f"{PREFIX}planes", f"{PREFIX}scale"], [f"{PREFIX}scaled"], f"{PREFIX}mul")
    yield helper.make_node("Sub", [f"{PREFIX}scaled", f"{PREFIX}shift"], [f"{PREFIX}image"], f"{PREFIX}sub")


def _decoding(head: HeadSpec) -> Iterable[onnx.NodeProto]:
    logits, name = f"{PREFIX}{head.output}_logits", f"{PREFIX}{head.output}"
    if head.kind == "softmax":
        yield helper.make_node("Softmax", [logits], [head.output], f"{name}_softmax", axis=1)
        return

    def node(kind: str, inputs: list[str], output: str, **settings: object) -> onnx.NodeProto:
        return helper.make_node(kind, inputs, [output], f"{output}_node", **settings)

    # Products and sums, no MatMul: OpenVINO would compute one, and all before it, in bfloat16.
    years, axis = f"{PREFIX}years", f"{PREFIX}axis"
    yield node("Softmax", [logits], f"{name}_probabilities", axis=1)
    yield node("Mul", [f"{name}_probabilities", years], f"{name}_weighted")
    yield node("ReduceSum", [f"{name}_weighted", axis], f"{name}_mean", keepdims=1)
    yield node("Sub", [years, f"{name}_mean"], f"{name}_distance")
    yield node("Mul", [f"{name}_distance", f"{name}_distance"], f"{name}_square")
    yield node("Mul", [f"{name}_probabilities", f"{name}_square"], f"{name}_share")
    yield node("ReduceSum", [f"{name}_share", axis], f"{name}_variance", keepdims=1)
    yield node("Sqrt", [f"{name}_variance"], f"{name}_std")
    yield helper.make_node("Concat", [f"{name}_mean", f"{name}_std"], [head.output], f"{name}_concat", axis=1)


def _constants(card: ModelCard) -> list[onnx.TensorProto]:
    scale, shift = normalisation(card.input)
    values = {"scale": np.array(scale), "shift": np.array(shift)}
    if card.input.color == "gray":
        values["channel"] = np.array([1], np.int64)
    if any(head.kind == "distribution" for head in card.heads):
        values |= {"years": np.array([AGES_YEARS], np.float32), "axis": np.array([1], np.int64)}
    return [numpy_helper.from_array(value, f"{PREFIX}{name}") for name, value in values.items()]
