from __future__ import annotations

import numpy as np
import pytest

from engines.card import GENDERS, SMILES, InputSpec, ModelCard
from engines.decode import decode
from engines.errors import EngineError
from tests.tiny_models import ALL_TASKS, tiny_head

SIZES = {"emotion": 8, "age": 2, "gender": 2, "smile": 2}


def card_of(*tasks: str) -> ModelCard:
    return ModelCard("tiny", "1.0", InputSpec(), tuple(tiny_head(task) for task in tasks), "ab" * 32)


def outputs(rows: int = 3, seed: int = 0) -> dict[str, np.ndarray]:
    random = np.random.default_rng(seed)
    return {task: random.uniform(0, 1, (rows, size)).astype(np.float32) for task, size in SIZES.items()}


def test_names_shapes_and_types() -> None:
    found = decode(outputs(5), card_of(*ALL_TASKS))
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


def test_columns_get_the_names_of_what_they_say() -> None:
    raw = outputs()
    found = decode(raw, card_of(*ALL_TASKS))
    np.testing.assert_array_equal(found["emotion"], raw["emotion"])
    np.testing.assert_array_equal(found["age_years"], raw["age"][:, 0])
    np.testing.assert_array_equal(found["age_std_years"], raw["age"][:, 1])
    np.testing.assert_array_equal(found["female"], raw["gender"][:, GENDERS.index("female")])
    np.testing.assert_array_equal(found["smile"], raw["smile"][:, SMILES.index("smile")])


def test_only_the_card_s_heads_are_given() -> None:
    assert set(decode(outputs(), card_of("smile"))) == {"smile"}
    assert set(decode(outputs(), card_of("age", "gender"))) == {"age_years", "age_std_years", "female"}


def test_the_outputs_are_not_changed() -> None:
    raw = outputs()
    before = {name: values.copy() for name, values in raw.items()}
    decode(raw, card_of(*ALL_TASKS))
    for name, values in raw.items():
        np.testing.assert_array_equal(values, before[name])


def test_no_faces_give_empty_arrays() -> None:
    found = decode(outputs(0), card_of(*ALL_TASKS))
    assert found["emotion"].shape == (0, 8)
    assert found["age_years"].shape == (0,)


@pytest.mark.parametrize("bad", [np.nan, np.inf, -np.inf])
def test_numbers_that_are_not_finite_are_refused_and_counted(bad: float) -> None:
    raw = outputs(4)
    raw["age"][2, 1] = bad
    with pytest.raises(EngineError, match=r"'tiny'.*'age'.*1 of 4 faces"):
        decode(raw, card_of(*ALL_TASKS))


def test_a_missing_output_is_named() -> None:
    raw = outputs()
    del raw["gender"]
    with pytest.raises(
        EngineError, match=r"expected an output 'gender', found only \['age', 'emotion', 'smile'\]"
    ):
        decode(raw, card_of(*ALL_TASKS))


@pytest.mark.parametrize("shape", [(3, 7), (3,), (3, 8, 1), (2, 8)])
def test_an_output_of_another_shape_is_refused(shape: tuple[int, ...]) -> None:
    raw = outputs(3)
    raw["emotion"] = np.zeros(shape, np.float32)
    with pytest.raises(EngineError, match=r"expected output '\w+' of shape"):
        decode(raw, card_of("age", "emotion"))
