"""Rewrites a model file so that its layers compute in float16 and what needs the range stays in float32.

Compiled engines are strongly typed: they compute in the types the file names. Everything becomes float16 but the
nodes that turn bytes into normalised pixels and logits into probabilities and years, and what the card names.
ONNX Runtime ships a converter (`transformers.float16`), but it leaves casts from float16 to float16 behind shipped
models' weights and importing it puts its own folder on `sys.path`.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator
from typing import TYPE_CHECKING

import numpy as np

from engines.errors import EngineError

if TYPE_CHECKING:
    from onnx import GraphProto, ModelProto, NodeProto, TensorProto

CONTRACT_PREFIX = "contract/"
"""Begins the names of the nodes that normalise and decode; their numbers stay float32 in every precision."""

_FLOAT, _HALF = 1, 10  # TensorProto.FLOAT and FLOAT16
_LARGEST_HALF = 65504
# Resize takes its scales as float32 whatever it resizes.
_FLOAT32_KINDS = {"Resize"}
_QUANTISED_KINDS = {"QuantizeLinear", "DequantizeLinear"}


def half_precision(model: bytes, keep_float32: Collection[str] = ()) -> bytes:
    """Return the float16 variant of a model; it takes and gives the same types as before.

    Args:
        model: An ONNX file; float16 weights behind a Cast, as shipped models have them, are used as they are.
        keep_float32: Names of nodes, or beginnings of names, that stay in float32 beside those that
            begin with `CONTRACT_PREFIX`.

    Raises:
        EngineError: `onnx` is not installed, the file is no ONNX model or is quantised, or a weight is beyond
            float16's range.
    """
    loaded = _read(model)
    kinds = {node.op_type for node in loaded.graph.node}
    if kinds & _QUANTISED_KINDS:
        raise EngineError(
            "float16: expected a model of floats, found a quantised one; build it with precision as_written"
        )
    if any(attribute.HasField("g") for node in loaded.graph.node for attribute in node.attribute):
        raise EngineError(
            "float16: expected a model without branches or loops; build it with precision float32"
        )
    _Conversion(loaded, (CONTRACT_PREFIX, *keep_float32)).run()
    return bytes(loaded.SerializeToString())


def _read(model: bytes) -> ModelProto:
    try:
        import onnx
        from google.protobuf.message import DecodeError  # type: ignore[import-untyped]
    except ImportError as error:
        raise EngineError(
            f"float16 engines are made with onnx, which is missing ({error}); run: pip install 'faceapp[gpu]'"
        ) from error
    try:
        return onnx.shape_inference.infer_shapes(onnx.load_model_from_string(model))
    except (DecodeError, onnx.shape_inference.InferenceError) as error:
        text = " ".join(str(error).split())
        raise EngineError(
            f"expected an ONNX model, found something else ({text}); restore the file"
        ) from error


class _Conversion:
    """Changes one graph in place."""

    def __init__(self, model: ModelProto, kept: tuple[str, ...]) -> None:
        self.graph: GraphProto = model.graph
        self.kept = kept
        self.weights: dict[str, TensorProto] = {weight.name: weight for weight in self.graph.initializer}
        values = (*self.graph.input, *self.graph.output, *self.graph.value_info)
        self.types = {value.name: value.type.tensor_type.elem_type for value in values}
        self.types |= {weight.name: weight.data_type for weight in self.graph.initializer}
        # Output of the Cast of a stored float16 weight -> that weight.
        self.stored = {
            node.output[0]: node.input[0]
            for node in self.graph.node
            if node.op_type == "Cast" and self._is_stored_half(node.input[0])
        }
        half_nodes = [node for node in self.graph.node if self._becomes_half(node)]
        self.halves = {name for node in half_nodes for name in node.output if self._is_float(name)}
        self.made: set[str] = set()

    def run(self) -> None:
        """Retype nodes and weights and put casts where float16 meets float32."""
        nodes: list[NodeProto] = []
        for node in self.graph.node:
            retype = self._to_half if self._becomes_half(node) else self._to_float
            nodes += [*retype(node), node]
        nodes += self._restored_outputs(nodes)
        used = {name for node in nodes for name in node.input}
        nodes = [node for node in nodes if node.output[0] not in self.stored or node.output[0] in used]
        del self.graph.node[:]
        self.graph.node.extend(nodes)
        del self.graph.value_info[:]  # they name the old types
        unused = [weight for weight in self.graph.initializer if weight.name not in used]
        for weight in unused:
            self.graph.initializer.remove(weight)

    def _becomes_half(self, node: NodeProto) -> bool:
        stays = node.name.startswith(self.kept) or node.op_type in _FLOAT32_KINDS
        return not stays and node.output[0] not in self.stored

    def _is_stored_half(self, name: str) -> bool:
        return name in self.weights and self.weights[name].data_type == _HALF

    def _is_float(self, name: str) -> bool:
        return self.types.get(name) == _FLOAT

    def _to_half(self, node: NodeProto) -> Iterator[NodeProto]:
        """Let a node read and write float16; yield the casts that must stand before it."""
        for place, name in enumerate(node.input):
            if name in self.stored:
                node.input[place] = self.stored[name]
            elif name in self.weights and self._is_float(name):
                node.input[place] = self._half_weight(name)
            elif self._is_float(name) and name not in self.halves:
                node.input[place] = f"{name}_half"
                yield from self._cast(name, f"{name}_half", _HALF)
        for attribute in node.attribute:
            if node.op_type == "Cast" and attribute.name == "to" and attribute.i == _FLOAT:
                attribute.i = _HALF
            elif attribute.HasField("t") and attribute.t.data_type == _FLOAT:
                attribute.t.CopyFrom(_as_half(attribute.t, attribute.t.name))

    def _to_float(self, node: NodeProto) -> Iterator[NodeProto]:
        """Let a node that stays float32 read float32; yield the casts that must stand before it."""
        for place, name in enumerate(node.input):
            if name in self.halves:
                node.input[place] = f"{name}_float"
                yield from self._cast(name, f"{name}_float", _FLOAT)

    def _cast(self, name: str, result: str, to: int) -> Iterator[NodeProto]:
        from onnx import helper

        if result not in self.made:
            self.made.add(result)
            yield helper.make_node("Cast", [name], [result], f"cast/{result}", to=to)

    def _half_weight(self, name: str) -> str:
        if f"{name}_half" not in self.made:
            self.made.add(f"{name}_half")
            self.graph.initializer.append(_as_half(self.weights[name], f"{name}_half"))
        return f"{name}_half"

    def _restored_outputs(self, nodes: list[NodeProto]) -> list[NodeProto]:
        """Give outputs of the model that became float16 another name, and their own back to a cast."""
        casts: list[NodeProto] = []
        for name in (output.name for output in self.graph.output):
            if name in self.halves:
                for ports in (ports for node in nodes for ports in (node.input, node.output)):
                    for place, found in enumerate(ports):
                        ports[place] = f"{name}_in_half" if found == name else found
                casts += self._cast(f"{name}_in_half", name, _FLOAT)
        return casts


def _as_half(weight: TensorProto, name: str) -> TensorProto:
    from onnx import numpy_helper

    values = numpy_helper.to_array(weight)
    largest = float(np.abs(values).max(initial=0))
    if largest > _LARGEST_HALF:
        raise EngineError(
            f"float16: expected weights up to {_LARGEST_HALF}, found {largest:g} in {weight.name!r}; "
            "name its node in the card to keep it in float32, or build with precision float32"
        )
    return numpy_helper.from_array(values.astype(np.float16), name)
