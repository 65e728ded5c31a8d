"""The command `quantise`: a model in eight-bit integers, kept only where it is faster and says the same.

Explicit quantisation by ONNX Runtime's `quantize_static`: QuantizeLinear and DequantizeLinear around convolutions and
products, symmetric signed weights with a scale a channel, scales of the activations from training images.
"""

from __future__ import annotations

import argparse
import dataclasses
import statistics
import tempfile
import time
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import onnx
from onnx import numpy_helper

from engines.backends import create_backend
from engines.card import MODEL_FILE, ModelCard, load_card
from engines.engine import Engine, load_engine
from engines.model_file import file_sha256
from engines.models import find_model
from engines.parity import REFERENCE, measure, reference_answers
from training.data.mixed_batches import plain_chips
from training.errors import RecipeError
from training.report import present_sets

Chips = npt.NDArray[np.uint8]
_PER_SET, _CHECKED = 200, 500
_TURNS, _BATCHES = 40, (1, 8)


def add_quantise(commands: argparse._SubParsersAction[argparse.ArgumentParser], default_cache: Path) -> None:
    """Add the command to the others.

    Args:
        commands: What `add_subparsers` returned.
        default_cache: Folder for prepared faces where none is named.
    """
    parser = commands.add_parser(
        "quantise", help="a model in int8, kept only where faster and within tolerance"
    )
    parser.add_argument("--model", default="multitask", help="name or folder (default: %(default)s)")
    parser.add_argument("--data", type=Path, required=True, help="folder with the unpacked data sets")
    parser.add_argument(
        "--cache", type=Path, default=default_cache, help="prepared faces (default: %(default)s)"
    )
    parser.add_argument("--backend", default="openvino", help="to time and check on (default: %(default)s)")
    parser.add_argument(
        "--to", type=Path, required=True, help="folder for model.onnx and card.json, if it is kept"
    )
    parser.set_defaults(command=_command)


def _command(options: argparse.Namespace) -> int:
    card = load_card(find_model(options.model))
    calibration = set_chips(card, options.data, options.cache, "train", _PER_SET)
    held_out = set_chips(card, options.data, options.cache, "validation", _CHECKED)
    kept, text = quantise(options.model, options.to, calibration, held_out, options.backend)
    print(text)
    return 0 if kept else 2


def set_chips(card: ModelCard, data: Path, cache: Path, split: str, count: int) -> Chips:
    """Return up to `count` evenly spread crops of a split of every set that is there."""
    parts = []
    for _, faces in present_sets(data, cache):
        positions = faces.where(split)
        spread = positions[:: max(1, len(positions) // count)][:count]
        parts.append(plain_chips(faces, spread, card.input, card.input.crop == "aligned_face"))
    return np.concatenate(parts)


def quantise(
    model: str | Path, to: Path, calibration: Chips, held_out: Chips, backend: str
) -> tuple[bool, str]:
    """Quantise a model and keep it where it is faster in the same run and within the tolerance of int8.

    Args:
        model: Name or folder.
        to: Folder for model and card; not made where the model is refused.
        calibration: uint8 (N, *chip_shape), training faces, for the scales of the activations.
        held_out: uint8 (M, *chip_shape), faces to compare answers on.
        backend: Runs both models.

    Returns:
        Whether it was kept, and the figures in words.

    Raises:
        RecipeError: The model has quantised nodes already.
    """
    folder = find_model(model)
    card = load_card(folder)
    with tempfile.TemporaryDirectory() as name:
        made = Path(name)
        _write(folder / MODEL_FILE, card, made / MODEL_FILE, calibration)
        new = dataclasses.replace(card, sha256=file_sha256(made / MODEL_FILE))
        new.save(made / "card.json")
        expected = reference_answers(create_backend(REFERENCE), folder / MODEL_FILE, card, held_out)
        with ExitStack() as stack:
            before, after = (stack.enter_context(load_engine(one, backend)) for one in (folder, made))
            parity = measure(after.infer, "int8", held_out, expected)
            ratios = {count: _ratio(before, after, held_out[:count]) for count in _BATCHES}
        slower = [count for count, ratio in ratios.items() if ratio < 1]
        refusal = "; ".join(
            filter(None, (parity.refusal(), f"not faster for {slower} faces" if slower else ""))
        )
        times = ", ".join(f"{ratio:.2f} times as fast for {count}" for count, ratio in ratios.items())
        text = f"{card.name} in int8 on {backend}: {times} faces; {parity.changed_per_thousand:.2g} in 1,000 of {parity.faces}"
        text += f" decided differently; {'refused: ' + refusal if refusal else f'kept in {to}'}"
        if not refusal:
            to.mkdir(parents=True, exist_ok=True)
            for part in (MODEL_FILE, "card.json"):
                (to / part).write_bytes((made / part).read_bytes())
    return not refusal, text


def _ratio(before: Engine, after: Engine, batch: Chips) -> float:
    """Return how many times as fast the second engine is, in turns."""
    times_s: dict[Engine, list[float]] = {before: [], after: []}
    for _ in range(_TURNS):
        for engine, own in times_s.items():
            started_s = time.perf_counter()
            engine.infer(batch)
            own.append(time.perf_counter() - started_s)
    return statistics.median(times_s[before]) / statistics.median(times_s[after])


def _write(path: Path, card: ModelCard, to: Path, calibration: Chips) -> None:
    """Write the quantised graph; its input and outputs stay as they are."""
    from onnxruntime.quantization import CalibrationDataReader, QuantFormat, QuantType, quantize_static

    class Reader(CalibrationDataReader):  # type: ignore[misc]
        def __init__(self) -> None:
            self.batches: Iterator[dict[str, Chips]] = (
                {card.input.name: calibration[start : start + 16]} for start in range(0, len(calibration), 16)
            )

        def get_next(self) -> Any:
            return next(self.batches, None)

    plain = to.with_name("float32.onnx")
    onnx.save(_float_weights(onnx.load(str(path))), str(plain))
    quantize_static(
        str(plain),
        str(to),
        Reader(),
        quant_format=QuantFormat.QDQ,
        per_channel=True,
        op_types_to_quantize=["Conv", "Gemm", "MatMul"],
        activation_type=QuantType.QInt8,
        weight_type=QuantType.QInt8,
        extra_options={"ActivationSymmetric": True, "WeightSymmetric": True, "QuantizeBias": False},
    )


def _float_weights(model: onnx.ModelProto) -> onnx.ModelProto:
    """Replace stored float16 weights and their casts by float32 weights, which the quantiser looks for."""
    graph = model.graph
    if any(node.op_type == "QuantizeLinear" for node in graph.node):
        raise RecipeError("quantise: expected a model of floats, found a quantised one; give the original")
    weights = {weight.name: weight for weight in graph.initializer}
    casts = [node for node in graph.node if node.op_type == "Cast" and node.input[0] in weights]
    for node in casts:
        values = numpy_helper.to_array(weights[node.input[0]]).astype(np.float32)
        graph.initializer.append(numpy_helper.from_array(values, node.output[0]))
        graph.node.remove(node)
    read = {name for node in graph.node for name in node.input}
    for weight in [one for one in graph.initializer if one.name not in read]:
        graph.initializer.remove(weight)
    return model
