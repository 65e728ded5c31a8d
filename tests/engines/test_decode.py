from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from engines.card import EMOTIONS, GENDERS, SMILES, InputSpec, ModelCard
from engines.decode import decode
from engines.errors import EngineError
from tests.tiny_models import ALL_TASKS, tiny_head

SIZES = {"emotion": 8, "age": 101, "gender": 2, "smile": 2}


def card_of(*tasks: str) -> ModelCard:
    return ModelCard("tiny", "1.0", InputSpec(), tuple(tiny_head(task) for task in tasks), "ab" * 32)


def logits(rows: int = 3, seed: int = 0) -> dict[str, np.ndarray]:
    random = np.random.default_rng(seed)
    return {task: random.normal(0, 3, (rows, size)).astype(np.float32) for task, size in SIZES.items()}


@given(
    values=arrays(np.float32, (2, 8), elements=st.floats(-80, 80, width=32)),
    ages=arrays(np.float32, (2, 101), elements=st.floats(-80, 80, width=32)),
)
def test_probabilities_sum_to_one_and_years_stay_in_range(values: np.ndarray, ages: np.ndarray) -> None:
    found = decode({"emotion": values, "age": ages}, card_of("emotion", "age"))
    np.testing.assert_allclose(found["emotion"].sum(axis=1), 1, atol=1e-5)
    assert (found["emotion"] >= 0).all()
    top = found["emotion"][[0, 1], values.argmax(axis=1)]
    np.testing.assert_allclose(top, found["emotion"].max(axis=1), rtol=1e-6)
    assert ((found["age_years"] >= -1e-3) & (found["age_years"] <= 100.01)).all()
    assert ((found["age_std_years"] >= 0) & (found["age_std_years"] <= 50.01)).all()


def test_the_numbers_are_those_of_float64() -> None:
    raw = logits()
    found = decode(raw, card_of(*ALL_TASKS))
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


def test_names_shapes_and_types() -> None:
    found = decode(logits(5), card_of(*ALL_TASKS))
    shapes = {name: values.shape for name, values in found.items()}
    five = (5,)
    assert shapes == {
        "emotion": (5, 8),
        "age_years": five,
        "age_std_years": five,
        "female": five,
        "smile": five,
    }
    assert {values.dtype for values in found.values()} == {np.dtype(np.float32)}


def test_a_certain_age_has_no_spread_even_at_a_hundred() -> None:
    ages = np.full((1, 101), -100, np.float32)
    ages[0, 100] = 100
    found = decode({"age": ages}, card_of("age"))
    assert found["age_years"][0] == pytest.approx(100)
    assert found["age_std_years"][0] == pytest.approx(0, abs=1e-3)


def test_a_large_logit_does_not_overflow() -> None:
    values = np.zeros((1, 8), np.float32)
    values[0, EMOTIONS.index("anger")] = 3e38
    assert decode({"emotion": values}, card_of("emotion"))["emotion"][0, EMOTIONS.index("anger")] == 1


def test_only_the_card_s_heads_are_given() -> None:
    assert set(decode(logits(), card_of("smile"))) == {"smile"}
    assert set(decode(logits(), card_of("age", "gender"))) == {"age_years", "age_std_years", "female"}


def test_the_outputs_are_not_changed() -> None:
    raw = logits()
    before = {name: values.copy() for name, values in raw.items()}
    decode(raw, card_of(*ALL_TASKS))
    for name, values in raw.items():
        np.testing.assert_array_equal(values, before[name])


def test_no_faces_give_empty_arrays() -> None:
    found = decode(logits(0), card_of(*ALL_TASKS))
    assert found["emotion"].shape == (0, 8)
    assert found["age_years"].shape == (0,)


@pytest.mark.parametrize("bad", [np.nan, np.inf, -np.inf])
def test_numbers_that_are_not_finite_are_refused_and_counted(bad: float) -> None:
    raw = logits(4)
    raw["age"][2, 50] = bad
    with pytest.raises(EngineError, match=r"'tiny'.*'age'.*1 of 4 faces"):
        decode(raw, card_of(*ALL_TASKS))


def test_a_missing_output_is_named() -> None:
    raw = logits()
    del raw["gender"]
    with pytest.raises(
        EngineError, match=r"expected an output 'gender', found only \['age', 'emotion', 'smile'\]"
    ):
        decode(raw, card_of(*ALL_TASKS))


@pytest.mark.parametrize("shape", [(3, 7), (3,), (3, 8, 1), (2, 8)])
def test_an_output_of_another_shape_is_refused(shape: tuple[int, ...]) -> None:
    raw = logits(3)
    raw["emotion"] = np.zeros(shape, np.float32)
    with pytest.raises(EngineError, match=r"expected output '\w+' of shape"):
        decode(raw, card_of("age", "emotion"))
