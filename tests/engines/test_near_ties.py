"""Faces near a tie are read again in float32: which, what of them is replaced, and by whom."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from engines.backend import Bytes, Floats
from engines.backends import create_backend, unavailable_reason
from engines.card import load_card
from engines.measure.verify import fixed_chips
from engines.near_ties import class_outputs, near_ties, read_again

SAID = {
    "emotion": np.array([[0.7, 0.2, 0.1], [0.41, 0.4, 0.19], [0.1, 0.2, 0.7], [0.3, 0.35, 0.35]], np.float32),
    "gender": np.array([[0.9, 0.1], [0.2, 0.8], [0.507, 0.493], [0.1, 0.9]], np.float32),
    "age": np.full((4, 101), 1 / 101, np.float32),
}


def test_a_face_near_a_tie_in_any_deciding_output_is_found() -> None:
    assert near_ties(SAID, ["emotion", "gender"]).tolist() == [1, 2, 3]
    assert near_ties(SAID, ["emotion"]).tolist() == [1, 3]
    assert near_ties({name: values[:1] for name, values in SAID.items()}, ["emotion", "gender"]).size == 0


def test_all_answers_about_such_a_face_are_replaced_and_no_others() -> None:
    said = {name: values.copy() for name, values in SAID.items()}
    batch = np.arange(4, dtype=np.uint8)[:, None]
    asked: list[Bytes] = []

    def read(faces: Bytes) -> dict[str, Floats]:
        asked.append(faces)
        return {name: np.full((len(faces), values.shape[1]), 9, np.float32) for name, values in said.items()}

    read_again(said, batch, ["gender"], read)

    assert [faces.ravel().tolist() for faces in asked] == [[2]]
    for name, values in said.items():
        np.testing.assert_array_equal(values[2], 9)
        np.testing.assert_array_equal(np.delete(values, 2, axis=0), np.delete(SAID[name], 2, axis=0))


def test_without_a_near_tie_nothing_is_read_again() -> None:
    said = {"gender": np.array([[0.9, 0.1]], np.float32)}
    read_again(said, np.zeros((1, 1), np.uint8), ["gender"], lambda faces: pytest.fail("read again"))


def test_heads_of_numbers_decide_nothing(tiny_model: Path) -> None:
    card = load_card(tiny_model)
    assert set(class_outputs(card)) == {head.output for head in card.heads if head.task != "age"}


@pytest.mark.skipif(bool(unavailable_reason("openvino")), reason="needs OpenVINO")
def test_openvino_asks_for_float32_only_near_a_tie(tiny_model: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    card = load_card(tiny_model)
    chips = fixed_chips(card.input, 3)
    backend = create_backend("openvino", "float32")
    backend.load(tiny_model / "model.onnx", card, 1)
    expected = backend.run(chips)
    exact = FloatReader({name: values + 1 for name, values in expected.items()})
    monkeypatch.setattr(backend, "_exact", exact)

    for margin, added in ((2.0, 1), (-1.0, 0)):
        monkeypatch.setattr("engines.near_ties.MARGIN", margin)
        for name, values in backend.run(chips).items():
            np.testing.assert_array_equal(values, expected[name] + added)
    backend.close()
    assert exact.closed


@pytest.mark.skipif(bool(unavailable_reason("openvino")), reason="needs OpenVINO")
def test_near_ties_of_bfloat16_get_the_answers_of_float32(
    tiny_model: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    card = load_card(tiny_model)
    chips = fixed_chips(card.input, 3)
    said = {}
    monkeypatch.setattr("engines.near_ties.MARGIN", 2.0)
    for precision in (None, "float32"):
        backend = create_backend("openvino", precision)
        backend.load(tiny_model / "model.onnx", card, 1)
        if precision is None and backend.precision != "bfloat16":
            pytest.skip("this processor has no bfloat16")
        said[precision] = backend.run(chips)
        backend.close()
    for name, values in said["float32"].items():
        np.testing.assert_array_equal(said[None][name], values)


class FloatReader:
    """Stands in for the model in float32."""

    def __init__(self, says: dict[str, Floats]) -> None:
        self.says, self.closed = says, False

    def run(self, batch: Bytes) -> dict[str, Floats]:
        assert len(batch) == len(next(iter(self.says.values())))
        return self.says

    def close(self) -> None:
        self.closed = True
