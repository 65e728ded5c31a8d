"""The least time a model can take here: its multiplications and bytes over what this processor does of each at its best.

Counting reads the model file with `onnx`; what the processor does at its best is measured with the very libraries that
run the model, on one large product of matrices and one large copy.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from engines.card import ModelCard
from engines.errors import EngineError

if TYPE_CHECKING:
    from onnx import ModelProto

_SIDES = (384, 768)
"""Rows and columns of the products: of a millisecond, so that some repeats are done before another process takes the
core, and of some more, which waste less on beginning and end."""
_COPY_BYTES = 32 << 20
_BUDGET_S, _FEWEST = 0.3, 5
_WEIGHTED = ("Conv", "ConvTranspose", "MatMul", "Gemm")


@dataclass(frozen=True, slots=True)
class Work:
    """What a model must do, however it is run.

    Attributes:
        multiplications: Of one face, in convolutions and products of matrices; the rest is small beside them.
        weight_bytes: Of all weights in float32, read once a call.
        face_bytes: Crop in and answers out, of one face.
    """

    multiplications: int
    weight_bytes: int
    face_bytes: int


@dataclass(frozen=True, slots=True)
class Peak:
    """What this processor does at its best with the threads of a run.

    Attributes:
        multiplications_a_second: Number format -> rate in a large product of matrices.
        bytes_a_second: Of a large copy, reading and writing counted.
    """

    multiplications_a_second: dict[str, float]
    bytes_a_second: float

    def floor_ms(self, work: Work, precision: str, count: int) -> float | None:
        """Return the least time of a call with `count` faces; None where the number format's rate is not known."""
        rate = self.multiplications_a_second.get(precision)
        if rate is None:
            return None
        weight_bytes = work.weight_bytes // (1 if precision == "float32" else 2)
        moved_s = (weight_bytes + count * work.face_bytes) / self.bytes_a_second
        return 1e3 * max(count * work.multiplications / rate, moved_s)


def count_work(path: Path, card: ModelCard) -> Work:
    """Count a model's multiplications and bytes.

    Args:
        path: The ONNX file.
        card: Its card.

    Raises:
        EngineError: `onnx` is not installed, or the file's shapes can't be told.
    """
    onnx = _import_onnx()
    model = onnx.load(str(path))
    model.graph.input[0].type.tensor_type.shape.dim[0].dim_value = 1
    del model.graph.value_info[:]  # they may name a free batch
    graph = onnx.shape_inference.infer_shapes(model).graph
    shapes = {
        value.name: [size.dim_value for size in value.type.tensor_type.shape.dim]
        for value in (*graph.input, *graph.output, *graph.value_info)
    }
    shapes |= {weight.name: list(weight.dims) for weight in graph.initializer}
    multiplications = sum(_multiplications(node, shapes) for node in graph.node if node.op_type in _WEIGHTED)
    weight_bytes = sum(4 * int(np.prod(weight.dims)) for weight in graph.initializer)
    face_bytes = int(np.prod(card.input.chip_shape)) + sum(4 * head.width for head in card.heads)
    return Work(multiplications, weight_bytes, face_bytes)


@cache
def measure_peak(threads: int) -> Peak:
    """Measure this processor with as many threads as a run has, the best of several repeats, once, in about two seconds.

    Raises:
        EngineError: `onnx` is not installed.
    """
    rates: dict[str, float] = {}
    for side in _SIDES:
        products = {
            "float32": _onnxruntime_product(side, threads),
            "bfloat16": _openvino_product(side, threads),
        }
        for precision, product in products.items():
            if product is not None:
                rate = side**3 / _shortest_s(product)
                rates[precision] = max(rate, rates.get(precision, 0.0))
    source = np.ones(_COPY_BYTES, np.uint8)
    target = np.zeros_like(source)
    return Peak(rates, 2 * _COPY_BYTES / _shortest_s(lambda: np.copyto(target, source)))


def _multiplications(node: Any, shapes: dict[str, list[int]]) -> int:
    """Return the multiplications of a node: size of its output times the terms that each number adds up."""
    out, weight = shapes.get(node.output[0], [0]), shapes.get(node.input[1], [0])
    if 0 in out or 0 in weight:
        raise EngineError(f"floor: expected known shapes, found none at {node.op_type} {node.name!r}")
    if node.op_type == "Conv":
        terms = int(np.prod(weight[1:]))  # channels of a group times the kernel
    elif node.op_type == "ConvTranspose":
        return int(np.prod(shapes[node.input[0]])) * int(np.prod(weight[1:]))
    else:
        transposed = any(one.name == "transB" and one.i for one in node.attribute)
        terms = weight[-1] if transposed or len(weight) == 1 else weight[-2]
    return int(np.prod(out)) * terms


def _import_onnx() -> Any:
    try:
        import onnx
    except ImportError as error:
        raise EngineError(
            f"a model's operations are counted with onnx, which is missing ({error}); run: pip install onnx"
        ) from error
    return onnx


def _product_model(side: int) -> ModelProto:
    onnx = _import_onnx()
    helper, kind = onnx.helper, onnx.TensorProto.FLOAT
    factor = onnx.numpy_helper.from_array(np.ones((side, side), np.float32), "factor")
    tensors = [helper.make_tensor_value_info(name, kind, [side, side]) for name in ("left", "product")]
    node = helper.make_node("MatMul", ["left", "factor"], ["product"])
    graph = helper.make_graph([node], "product", tensors[:1], tensors[1:], [factor])
    model: ModelProto = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)
    return model


def _onnxruntime_product(side: int, threads: int) -> Callable[[], object]:
    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = threads
    session = onnxruntime.InferenceSession(
        _product_model(side).SerializeToString(), options, providers=["CPUExecutionProvider"]
    )
    left = np.ones((side, side), np.float32)
    return lambda: session.run(None, {"left": left})


def _openvino_product(side: int, threads: int) -> Callable[[], object] | None:
    """Return a product in bfloat16; None without OpenVINO, or where the processor has no bfloat16."""
    from engines.backends import openvino as backend

    if backend.available():
        return None
    library = backend.import_openvino()
    core = backend.shared_core()
    if "BF16" not in core.get_property("CPU", "OPTIMIZATION_CAPABILITIES"):
        return None
    settings = {"INFERENCE_PRECISION_HINT": "bf16", "INFERENCE_NUM_THREADS": threads}
    model = core.read_model(_product_model(side).SerializeToString(), b"")
    request = core.compile_model(model, "CPU", settings).create_infer_request()
    request.set_input_tensor(0, library.Tensor(np.ones((side, side), np.float32)))
    return lambda: request.infer()


def _shortest_s(call: Callable[[], object]) -> float:
    """Return the shortest of several runs: what else the machine does can only lengthen one."""
    times_s: list[float] = []
    end_s = time.perf_counter() + _BUDGET_S
    while len(times_s) < _FEWEST or time.perf_counter() < end_s:
        started_s = time.perf_counter()
        call()
        times_s.append(time.perf_counter() - started_s)
    return min(times_s)
