"""The float16 variant of a model: what computes in which type, and that the answers stay."""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np
import onnxruntime
import pytest

pytest.importorskip("onnx", reason="models are rewritten with it: pip install onnx")
import onnx
from onnx import TensorProto, helper, numpy_helper

from engines.card import MODEL_FILE, load_card
from engines.errors import EngineError
from engines.measure.verify import fixed_chips
from engines.models import model_folder, model_names
from engines.tensorrt.half_precision import CONTRACT_PREFIX, half_precision

FLOAT, HALF = TensorProto.FLOAT, TensorProto.FLOAT16


def model_of(
    nodes: list[onnx.NodeProto], weights: dict[str, np.ndarray], width: int = 3, kind: int = FLOAT
) -> bytes:
    image = helper.make_tensor_value_info("image", kind, ["N", 4])
    output = helper.make_tensor_value_info("said", FLOAT, ["N", width])
    tensors = [numpy_helper.from_array(value, name) for name, value in weights.items()]
    graph = helper.make_graph(nodes, "test", [image], [output], tensors)
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)
    return bytes(model.SerializeToString())


def kinds_of(model: bytes) -> dict[str, int]:
    """Return the type of every tensor, inferred strictly: a node whose inputs differ in type is an error."""
    loaded = onnx.load_model_from_string(model)
    onnx.checker.check_model(loaded, full_check=True)
    graph = onnx.shape_inference.infer_shapes(loaded, strict_mode=True, data_prop=True).graph
    values = (*graph.input, *graph.value_info, *graph.output)
    return {value.name: value.type.tensor_type.elem_type for value in values} | {
        weight.name: weight.data_type for weight in graph.initializer
    }


def said(model: bytes, batch: np.ndarray) -> list[np.ndarray]:
    session = onnxruntime.InferenceSession(model, providers=["CPUExecutionProvider"])
    return session.run(None, {session.get_inputs()[0].name: batch})


WEIGHT = np.random.default_rng(0).normal(size=(4, 3)).astype(np.float32)
BATCH = np.random.default_rng(1).normal(size=(5, 4)).astype(np.float32)


@pytest.mark.parametrize("name", model_names())
def test_shipped_models_compute_in_float16_between_their_ends(name: str) -> None:
    folder = model_folder(name)
    content, card = (folder / MODEL_FILE).read_bytes(), load_card(folder)
    half = half_precision(content)
    graph, kinds = onnx.load_model_from_string(half).graph, kinds_of(half)
    for node in graph.node:
        if node.op_type in {"Conv", "Gemm", "MaxPool"}:
            assert kinds[node.output[0]] == HALF, node.name
        if node.op_type in {"Softmax", "ReduceSum", "Sqrt"} or node.name.startswith(CONTRACT_PREFIX):
            assert kinds[node.output[0]] == FLOAT, node.name
    before = onnx.load_model_from_string(content).graph
    for one, other in ((before.input, graph.input), (before.output, graph.output)):
        assert [value.SerializeToString() for value in one] == [value.SerializeToString() for value in other]
    # Each stored float16 weight is used as it is: no cast stands before it any more.
    stored = {weight.name for weight in before.initializer if weight.data_type == HALF}
    assert stored
    assert {weight.name for weight in graph.initializer} >= stored
    assert not [node.name for node in graph.node if node.op_type == "Cast" and node.input[0] in stored]
    chips = fixed_chips(card.input, 8)
    for head, found, wanted in zip(card.heads, said(half, chips), said(content, chips), strict=True):
        assert np.abs(found - wanted).max() < (0.2 if head.kind == "distribution" else 0.005), head.output


def test_named_nodes_stay_float32_and_meet_the_others_by_casts() -> None:
    nodes = [
        helper.make_node("MatMul", ["image", "weight"], ["a"], name="layer/one"),
        helper.make_node("Sigmoid", ["a"], ["b"], name="layer/gate"),
        helper.make_node("Mul", ["a", "b"], ["said"], name="layer/two"),
    ]
    model = model_of(nodes, {"weight": WEIGHT})
    all_half, kept = kinds_of(half_precision(model)), kinds_of(half_precision(model, ["layer/gate"]))
    assert (all_half["a"], all_half["b"], all_half["said"]) == (HALF, HALF, FLOAT)
    assert (kept["a"], kept["b"], kept["said"]) == (HALF, FLOAT, FLOAT)
    assert kinds_of(half_precision(model, ["layer/"]))["a"] == FLOAT
    for keep in ((), ("layer/gate",), ("layer/",)):
        found = said(half_precision(model, keep), BATCH)[0]
        np.testing.assert_allclose(found, said(model, BATCH)[0], atol=0.01)


def test_an_output_that_is_read_again_keeps_its_name_and_type() -> None:
    nodes = [
        helper.make_node("MatMul", ["image", "weight"], ["said"], name="one"),
        helper.make_node("Relu", ["said"], ["other"], name="two"),
    ]
    model = onnx.load_model_from_string(model_of(nodes, {"weight": WEIGHT}))
    model.graph.output.append(helper.make_tensor_value_info("other", FLOAT, ["N", 3]))
    half = half_precision(model.SerializeToString())
    kinds = kinds_of(half)
    assert (kinds["said"], kinds["other"]) == (FLOAT, FLOAT)
    for found, wanted in zip(said(half, BATCH), said(model.SerializeToString(), BATCH), strict=True):
        np.testing.assert_allclose(found, wanted, atol=0.01)


def test_casts_constants_and_whole_numbers_are_handled() -> None:
    nodes = [
        helper.make_node("Cast", ["image"], ["levels"], name=f"{CONTRACT_PREFIX}cast", to=FLOAT),
        helper.make_node("MatMul", ["levels", "weight"], ["a"], name="layer"),
        helper.make_node("Cast", ["a"], ["whole"], name="to whole", to=TensorProto.INT64),
        helper.make_node("Cast", ["whole"], ["again"], name="to float", to=FLOAT),
        helper.make_node(
            "Constant", [], ["half"], name="c", value=numpy_helper.from_array(np.float32([0.5]), "v")
        ),
        helper.make_node("Add", ["again", "half"], ["b"], name="add"),
        helper.make_node("Reshape", ["b", "shape"], ["said"], name="reshape"),
    ]
    weights = {"weight": np.abs(WEIGHT), "shape": np.array([-1, 3], np.int64)}
    model = model_of(nodes, weights, kind=TensorProto.UINT8)
    half = half_precision(model)
    kinds = kinds_of(half)
    assert (kinds["levels"], kinds["whole"], kinds["again"], kinds["b"]) == (
        FLOAT,
        TensorProto.INT64,
        HALF,
        HALF,
    )
    batch = np.random.default_rng(3).integers(0, 20, (6, 4)).astype(np.uint8)
    assert np.abs(said(half, batch)[0] - said(model, batch)[0]).max() <= 1


def test_a_weight_beyond_float16_is_refused_unless_its_node_is_kept() -> None:
    nodes = [helper.make_node("MatMul", ["image", "weight"], ["said"], name="wide")]
    model = model_of(nodes, {"weight": WEIGHT * 1e6})
    with pytest.raises(
        EngineError, match=r"expected weights up to 65504, found [\d.e+]+ in 'weight'; name its node"
    ):
        half_precision(model)
    found = said(half_precision(model, ["wide"]), BATCH)[0]
    np.testing.assert_array_equal(found, said(model, BATCH)[0])


def test_quantised_and_branching_models_are_refused() -> None:
    nodes = [
        helper.make_node("QuantizeLinear", ["image", "scale"], ["q"], name="q"),
        helper.make_node("DequantizeLinear", ["q", "scale"], ["f"], name="d"),
        helper.make_node("MatMul", ["f", "weight"], ["said"], name="layer"),
    ]
    with pytest.raises(EngineError, match="found a quantised one; build it with precision as_written"):
        half_precision(model_of(nodes, {"weight": WEIGHT, "scale": np.array(0.1, np.float32)}))
    body = helper.make_graph(
        [helper.make_node("Identity", ["image"], ["out"])],
        "body",
        [],
        [helper.make_tensor_value_info("out", FLOAT, ["N", 4])],
    )
    branch = helper.make_node("If", ["yes"], ["said"], then_branch=body, else_branch=body)
    with pytest.raises(EngineError, match="expected a model without branches"):
        half_precision(model_of([branch], {"yes": np.array(True)}, width=4))


@pytest.mark.parametrize("content", [b"not a model", b"\xff" * 40])
def test_what_is_no_model_is_refused(content: bytes) -> None:
    with pytest.raises(EngineError, match="expected an ONNX model, found something else"):
        half_precision(content)


def test_a_missing_onnx_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "onnx", None)
    with pytest.raises(EngineError, match=r"made with onnx, which is missing .*pip install 'faceapp\[gpu\]'"):
        half_precision(b"")


def test_the_file_on_disk_is_left_alone(tiny_model: Path) -> None:
    before = (tiny_model / MODEL_FILE).read_bytes()
    assert half_precision(before) != before
    assert (tiny_model / MODEL_FILE).read_bytes() == before
