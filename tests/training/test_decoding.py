from __future__ import annotations

import numpy as np
import onnx
import onnxruntime
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from onnx import TensorProto, helper

from engines.card import EMOTIONS, GENDERS, SMILES, InputSpec, ModelCard
from engines.decode import decode
from engines.errors import EngineError
from engines.preprocess import normalised
from tests.tiny_models import ALL_TASKS, tiny_head
from training.errors import RecipeError
from training.exporting.decoding import decode_logits
from training.exporting.graph import PREFIX, with_contract

SIZES = {"emotion": 8, "age": 101, "gender": 2, "smile": 2}


def card_of(*tasks: str, spec: InputSpec | None = None) -> ModelCard:
    return ModelCard("tiny", "1.0", spec or InputSpec(), tuple(tiny_head(task) for task in tasks), "ab" * 32)


def logits(rows: int = 3, seed: int = 0) -> dict[str, np.ndarray]:
    random = np.random.default_rng(seed)
    return {task: random.normal(0, 3, (rows, size)).astype(np.float32) for task, size in SIZES.items()}


@given(
    values=arrays(np.float32, (2, 8), elements=st.floats(-80, 80, width=32)),
    ages=arrays(np.float32, (2, 101), elements=st.floats(-80, 80, width=32)),
)
def test_probabilities_sum_to_one_and_years_stay_in_range(values: np.ndarray, ages: np.ndarray) -> None:
    found = decode_logits({"emotion": values, "age": ages}, card_of("emotion", "age"))
    np.testing.assert_allclose(found["emotion"].sum(axis=1), 1, atol=1e-5)
    assert (found["emotion"] >= 0).all()
    top = found["emotion"][[0, 1], values.argmax(axis=1)]
    np.testing.assert_allclose(top, found["emotion"].max(axis=1), rtol=1e-6)
    assert ((found["age_years"] >= -1e-3) & (found["age_years"] <= 100.01)).all()
    assert ((found["age_std_years"] >= 0) & (found["age_std_years"] <= 50.01)).all()


def test_the_numbers_are_those_of_float64() -> None:
    raw = logits()
    found = decode_logits(raw, card_of(*ALL_TASKS))
    exact = {task: np.exp(values.astype(np.float64)) for task, values in raw.items()}
    exact = {task: values / values.sum(axis=1, keepdims=True) for task, values in exact.items()}
    years = np.arange(101)
    mean = exact["age"] @ years
    std = np.sqrt((exact["age"] * (years - mean[:, None]) ** 2).sum(axis=1))
    np.testing.assert_allclose(found["emotion"], exact["emotion"], rtol=1e-5, atol=1e-7)
    np.testing.assert_allclose(found["age_years"], mean, rtol=1e-5)
    np.testing.assert_allclose(found["age_std_years"], std, rtol=1e-4)
    np.testing.assert_allclose(found["female"], exact["gender"][:, GENDERS.index("female")], rtol=1e-5)
    np.testing.assert_allclose(found["smile"], exact["smile"][:, SMILES.index("smile")], rtol=1e-5)


def test_a_certain_age_has_no_spread_even_at_a_hundred() -> None:
    ages = np.full((1, 101), -100, np.float32)
    ages[0, 100] = 100
    found = decode_logits({"age": ages}, card_of("age"))
    assert found["age_years"][0] == pytest.approx(100)
    assert found["age_std_years"][0] == pytest.approx(0, abs=1e-3)


def test_a_large_logit_does_not_overflow() -> None:
    values = np.zeros((1, 8), np.float32)
    values[0, EMOTIONS.index("anger")] = 3e38
    assert decode_logits({"emotion": values}, card_of("emotion"))["emotion"][0, EMOTIONS.index("anger")] == 1


def test_a_wrong_width_or_numbers_that_are_not_finite_are_refused() -> None:
    raw = logits()
    raw["age"] = raw["age"][:, :100]
    with pytest.raises(EngineError, match=r"output 'age' of shape"):
        decode_logits(raw, card_of("age"))
    raw = logits()
    raw["emotion"][1, 3] = np.nan
    with pytest.raises(EngineError, match="1 of 3 faces"):
        decode_logits(raw, card_of("emotion"))


def through(card: ModelCard, form: int = TensorProto.FLOAT) -> onnx.ModelProto:
    """A network whose logits are pixels of its input."""
    spec = card.input
    image = helper.make_tensor_value_info(spec.name, form, ["batch", spec.channels, spec.size, spec.size])
    nodes = [helper.make_node("Flatten", [spec.name], ["flat"])]
    weights, values = [], []
    for place, head in enumerate(card.heads):
        start, count = 7 * place, len(head.labels)
        ends = {"start": [start], "end": [start + count], "axis": [1]}
        weights += [
            helper.make_tensor(f"{head.output}_{name}", TensorProto.INT64, [1], one)
            for name, one in ends.items()
        ]
        nodes.append(
            helper.make_node("Slice", ["flat", *(f"{head.output}_{name}" for name in ends)], [head.output])
        )
        values.append(helper.make_tensor_value_info(head.output, TensorProto.FLOAT, ["batch", count]))
    graph = helper.make_graph(nodes, "through", [image], values, weights)
    return helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)


@pytest.mark.parametrize(
    "spec",
    [InputSpec(size=40), InputSpec("face", size=40, color="rgb", mean=0.4, std=0.1)],
    ids=["gray", "rgb"],
)
def test_the_graph_takes_crops_and_gives_the_numbers_of_numpy(spec: InputSpec) -> None:
    card = card_of(*ALL_TASKS, "occlusion", "alignment", spec=spec)
    model = with_contract(through(card), card)
    onnx.checker.check_model(model, full_check=True)
    session = onnxruntime.InferenceSession(model.SerializeToString(), providers=["CPUExecutionProvider"])
    chips = np.random.default_rng(3).integers(0, 256, (5, *spec.chip_shape), dtype=np.uint8)
    flat = normalised(chips, spec).reshape(5, -1)
    raw = {
        head.output: flat[:, 7 * place : 7 * place + len(head.labels)]
        for place, head in enumerate(card.heads)
    }

    found = session.run(None, {spec.name: chips})
    said = decode(dict(zip((value.name for value in session.get_outputs()), found, strict=True)), card)

    for name, wanted in decode_logits(raw, card).items():
        np.testing.assert_allclose(said[name], wanted, rtol=1e-5, atol=1e-6, err_msg=name)
    np.testing.assert_array_equal(said["alignment"].reshape(5, -1), raw["alignment"])


def test_only_a_cast_reads_the_crops_and_all_that_is_added_is_named() -> None:
    card = card_of(*ALL_TASKS)
    before = {node.name for node in through(card).graph.node}
    graph = with_contract(through(card), card).graph
    readers = [node.op_type for node in graph.node if card.input.name in node.input]
    assert readers == ["Cast"]
    assert all(node.name.startswith(PREFIX) for node in graph.node if node.name not in before)


def test_a_graph_that_has_it_already_is_refused() -> None:
    card = card_of(*ALL_TASKS)
    with pytest.raises(RecipeError, match="expected an input 'image' of float32"):
        with_contract(with_contract(through(card), card), card)
