"""From a trained network to `model.onnx` and `card.json`, with a parity check before anything is written."""

from __future__ import annotations

import dataclasses
import logging
import tempfile
import warnings
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import onnxruntime
import torch
from onnx import TensorProto, helper, numpy_helper
from torch import Tensor, nn

from engines.card import CARD_FILE, MODEL_FILE, InputSpec, ModelCard
from engines.decode import decode
from engines.model_file import file_sha256
from engines.preprocess import normalised
from training.errors import RecipeError
from training.exporting.decoding import decode_logits
from training.exporting.graph import with_contract

OPSET = 20
LARGEST_BATCH = 16
SMALLEST_HALVED = 256
"""Weights with fewer numbers, and biases, stay float32; they save nothing."""
TOLERANCE_DECODED = {"age_years": 0.25, "age_std_years": 0.25}
"""Largest difference that float16 weights may make, in years; 0.02 for probabilities."""


class NamedOutputs(nn.Module):
    """A network of dict outputs as one of a tuple in the card's order, which is what an ONNX graph has."""

    def __init__(self, net: nn.Module, outputs: tuple[str, ...]) -> None:
        super().__init__()
        self.net = net
        self.outputs = outputs

    def forward(self, image: Tensor) -> tuple[Tensor, ...]:
        """Return the outputs in order; image as in the network."""
        answers = self.net(image)
        return tuple(answers[name] for name in self.outputs)


def export_model(net: nn.Module, card: ModelCard, folder: Path) -> ModelCard:
    """Write a network and its card; nothing is written when the parity check fails.

    Args:
        net: Trained network, in evaluation mode, float32.
        card: The card; its hash is filled in.
        folder: Where `model.onnx` (float16 weights, float32 arithmetic) and `card.json` go.

    Returns:
        The card with the hash.

    Raises:
        RecipeError: The ONNX model does not give the network's numbers.
    """
    names = tuple(head.output for head in card.heads)
    model = halve_weights(to_onnx(net, card, names))
    onnx.checker.check_model(model, full_check=True)
    differences = check_parity(net, model, card)
    recipe = {**card.recipe, "export": {"opset": OPSET, "weights": "float16", "parity": differences}}
    return write_model(model, dataclasses.replace(card, recipe=recipe), folder)


def write_model(model: onnx.ModelProto, card: ModelCard, folder: Path) -> ModelCard:
    """Write a graph and its card, replacing older ones; return the card with the graph's hash.

    Args:
        model: The graph.
        card: Its card; the hash is filled in.
        folder: Where both go; made if missing.
    """
    folder.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=folder) as scratch:
        path = Path(scratch) / MODEL_FILE
        path.write_bytes(model.SerializeToString())
        card = dataclasses.replace(card, sha256=file_sha256(path))
        path.replace(folder / MODEL_FILE)
    card.save(folder / CARD_FILE)
    return card


def to_onnx(net: nn.Module, card: ModelCard, names: tuple[str, ...]) -> onnx.ModelProto:
    """Return the float32 graph from uint8 crops to decoded numbers, with a dynamic batch of 1 to 16."""
    return with_contract(logits_graph(net, card.input, names), card)


def logits_graph(net: nn.Module, spec: InputSpec, names: tuple[str, ...]) -> onnx.ModelProto:
    """Return the float32 graph of the network alone, from normalised images to logits."""
    for chatty in ("torch.onnx", "onnxscript", "onnx_ir"):
        logging.getLogger(chatty).setLevel(
            logging.ERROR
        )  # they tell of torchvision's absence and of every pass
    example = torch.zeros(2, spec.channels, spec.size, spec.size)
    with warnings.catch_warnings():
        # The exporter of torch 2.13 calls parts of torch that are deprecated; nothing here can change that.
        warnings.simplefilter("ignore", FutureWarning)
        warnings.simplefilter("ignore", DeprecationWarning)
        program = torch.onnx.export(
            NamedOutputs(net, names).eval(),
            (example,),
            dynamo=True,
            opset_version=OPSET,
            input_names=[spec.name],
            output_names=list(names),
            dynamic_shapes={"image": {0: torch.export.Dim("batch", min=1, max=LARGEST_BATCH)}},
            external_data=False,
            verbose=False,
        )
    model = program.model_proto
    for node in model.graph.node:
        del node.metadata_props[:]  # the exporter's notes name source files of the machine it ran on
        node.doc_string = ""
    del model.graph.metadata_props[:]
    return model


def halve_weights(model: onnx.ModelProto) -> onnx.ModelProto:
    """Store large weights as float16, cast back when the model is loaded; arithmetic stays float32."""
    casts = []
    for weight in model.graph.initializer:
        values = numpy_helper.to_array(weight)
        if values.dtype == np.float32 and values.ndim > 1 and values.size >= SMALLEST_HALVED:
            name = weight.name
            weight.CopyFrom(numpy_helper.from_array(values.astype(np.float16), f"{name}_float16"))
            casts.append(helper.make_node("Cast", [f"{name}_float16"], [name], to=TensorProto.FLOAT))
    nodes = list(model.graph.node)
    del model.graph.node[:]
    model.graph.node.extend(casts + nodes)
    known = {weight.name for weight in model.graph.initializer} | {
        output.name for output in model.graph.output
    }
    kept = [value for value in model.graph.value_info if value.name not in known]
    del model.graph.value_info[:]
    model.graph.value_info.extend(kept)
    return model


def check_parity(net: nn.Module, model: onnx.ModelProto, card: ModelCard) -> dict[str, float]:
    """Compare the exported graph with the network on random crops, for a batch of 1 and of 16.

    Returns:
        Decoded value -> largest difference found.

    Raises:
        RecipeError: A difference is over its tolerance.
    """
    session = onnxruntime.InferenceSession(model.SerializeToString(), providers=["CPUExecutionProvider"])
    random = np.random.default_rng(1)
    largest: dict[str, float] = {}
    for count in (1, LARGEST_BATCH):
        chips = random.integers(0, 256, (count, *card.input.chip_shape), dtype=np.uint8)
        with torch.inference_mode():
            answers = net.eval()(torch.from_numpy(normalised(chips, card.input)))
        wanted = {name: value.float().numpy() for name, value in answers.items()}
        names = [output.name for output in session.get_outputs()]
        found = dict(zip(names, session.run(None, {card.input.name: chips}), strict=True))
        for key, difference in _differences(decode_logits(wanted, card), decode(found, card)).items():
            largest[key] = max(largest.get(key, 0.0), difference)
    for key, difference in largest.items():
        limit = TOLERANCE_DECODED.get(key, 0.02)
        if not difference <= limit:
            raise RecipeError(
                f"export: expected {key} within {limit} of the network, found {difference:.4g}; nothing was written"
            )
    return {key: float(f"{difference:.3g}") for key, difference in largest.items()}


def _differences(wanted: Mapping[str, Any], found: Mapping[str, Any]) -> dict[str, float]:
    return {key: float(np.abs(wanted[key] - found[key]).max()) for key in wanted}
