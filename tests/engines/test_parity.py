"""Back ends compared head by head: what is measured, what is refused, and that a bad build is never kept."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import cv2
import numpy as np
import pytest

from engines.__main__ import main
from engines.backends import backend_names, create_backend, precisions, unavailable_reason
from engines.backends.tensorrt import TensorRtBackend
from engines.card import InputSpec, load_card
from engines.crops import face_crops, folder_crops
from engines.engine import load_engine
from engines.errors import EngineError
from engines.measure.verify import verify
from engines.parity import REFERENCE, HeadDifference, Parity, check_build, compare, measure, reference_answers
from engines.user_cache import user_cache_folder
from tests.engines.conftest import FakeMachine

Fake = Callable[..., FakeMachine]


def answers(emotion: list[list[float]], female: list[float], years: list[float]) -> dict[str, np.ndarray]:
    columns = {"emotion": emotion, "female": female, "age_years": years}
    return {name: np.array(values, np.float32) for name, values in columns.items()}


def test_every_head_gets_its_differences_and_changed_decisions() -> None:
    expected = answers([[0.6, 0.4], [0.2, 0.8], [0.51, 0.49], [1, 0]], [0.4, 0.9, 0.5, 0.1], [20, 30, 40, 50])
    found = answers([[0.6, 0.4], [0.2, 0.8], [0.49, 0.51], [1, 0]], [0.4, 0.9, 0.5, 0.6], [20, 30, 40, 52])
    heads = {head.name: head for head in compare(found, expected, "float16").heads}
    assert heads["emotion"].changed_per_thousand == 250
    assert heads["emotion"].largest == pytest.approx(0.02, abs=1e-6)
    assert heads["emotion"].mean == pytest.approx(0.005, abs=1e-6)
    assert heads["female"].changed_per_thousand == 250
    assert (heads["age_years"].largest, heads["age_years"].mean, heads["age_years"].unit) == (2, 0.5, "years")
    assert heads["age_years"].changed_per_thousand is None


@pytest.mark.parametrize(
    ("head", "said"),
    [
        (HeadDifference("female", "", 0.02, 0.001, 0.0), "female differs by 0.02 (at most 0.01)"),
        (
            HeadDifference("age_years", "years", 0.4, 0.1, None),
            "age_years differs by 0.4 years (at most 0.3)",
        ),
        (HeadDifference("smile", "", float("nan"), 0.0, 0.0), "smile differs by nan"),
        (
            HeadDifference("emotion", "", 0.001, 0.0, 1.2),
            "emotion is decided differently for 1.2 in a thousand",
        ),
        (HeadDifference("emotion", "", 0.009, 0.0, 0.9), ""),
    ],
)
def test_what_leaves_the_tolerance_is_named(head: HeadDifference, said: str) -> None:
    refusal = Parity("float16", 5000, (head,)).refusal()
    assert said in refusal
    assert bool(refusal) == bool(said)


def test_one_face_may_be_a_tie_two_are_not() -> None:
    one = HeadDifference("emotion", "", 0.001, 0.0, 1000 / 64)
    assert Parity("float16", 64, (one,)).refusal() == ""
    assert "emotion" in Parity("float16", 64, (replace(one, changed_per_thousand=2000 / 64),)).refusal()


def test_the_worst_batch_size_is_shown(tiny_model: Path) -> None:
    card = load_card(tiny_model)
    chips = face_crops(card.input, 20)
    expected = reference_answers(create_backend(REFERENCE), tiny_model / "model.onnx", card, chips)
    with load_engine(tiny_model, "onnxruntime") as engine:

        def wrong_in_threes(batch: np.ndarray) -> dict[str, np.ndarray]:
            said = engine.infer(batch)
            return {**said, "female": said["female"] + 0.25} if len(batch) == 3 else said

        right = measure(engine.infer, "float32", chips, expected)
        wrong = measure(wrong_in_threes, "float32", chips, expected)
    assert right.refusal() == ""
    assert "female differs by 0.25" in wrong.refusal()


def test_crops_are_faces_and_always_the_same() -> None:
    for occlusion in ("none", "headset", "mask"):
        chips = face_crops(InputSpec(), 40, occlusion)
        assert chips.shape == (40, 48, 48)
        face_crops.__globals__["_pictures"].cache_clear()
        np.testing.assert_array_equal(chips, face_crops(InputSpec(), 40, occlusion))
        assert chips.std(axis=(1, 2)).min() > 5, "a crop without a picture"
        assert np.abs(np.diff(chips.astype(int), axis=0)).mean(axis=(1, 2)).min() > 3, "two crops alike"
    assert face_crops(InputSpec(size=64, color="rgb"), 2).shape == (2, 64, 64, 3)


def test_a_folder_s_pictures_are_whole_crops_in_order(tmp_path: Path) -> None:
    for name, level in (("b.png", 200), ("a.png", 100)):
        cv2.imwrite(str(tmp_path / name), np.full((60, 60, 3), level, np.uint8))
    (tmp_path / "notes.txt").write_text("no picture", encoding="utf-8")
    assert [int(chip.mean()) for chip in folder_crops(tmp_path, InputSpec())] == [100, 200]


@pytest.mark.parametrize("wrong", ["missing", "empty", "broken"])
def test_a_folder_without_crops_is_an_error(
    tmp_path: Path, wrong: str, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = tmp_path / "crops"
    if wrong != "missing":
        folder.mkdir()
    if wrong == "broken":
        (folder / "face.png").write_bytes(b"no picture")
    assert main(["verify", "--model", "visibility", "--crops", str(folder)]) == 2
    assert str(folder) in capsys.readouterr().err


def test_every_precision_is_verified_and_told_as_json(
    tiny_model: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["verify", "--model", str(tiny_model), "--precision", "all", "--json"]) == 0
    found = {one["subject"]: one for one in json.loads(capsys.readouterr().out)}
    for name in backend_names():
        for precision in precisions(name):
            one = found[f"{name} {precision}"]
            absent = unavailable_reason(name) or "this CPU has no other" in one["text"]
            assert one["state"] == ("skipped" if absent else "ok")
    assert found["onnxruntime"]["parity"]["faces"] == 512
    assert {head["name"] for head in found["onnxruntime"]["parity"]["heads"]} >= {"emotion", "age_years"}


def test_a_precision_that_a_back_end_lacks_is_left_out_or_refused(tiny_model: Path) -> None:
    subjects = [
        check.subject for check in verify("tiny", tiny_model, precision="bfloat16", backends=("tensorrt",))
    ]
    assert subjects == ["card", "file"]
    with pytest.raises(EngineError, match="expected the number format float32, found 'int8'"):
        create_backend("onnxruntime", "int8")
    with pytest.raises(EngineError, match="name the back end"):
        load_engine(tiny_model, precision="float32")


def test_openvino_computes_in_what_is_asked(tiny_model: Path) -> None:
    if reason := unavailable_reason("openvino"):
        pytest.skip(reason)
    with load_engine(tiny_model, "openvino", precision="float32") as engine:
        assert engine.precision == "float32"


def test_a_build_that_leaves_its_tolerance_is_refused_and_not_kept(
    fake_machine: Fake, tiny_model: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    fake_machine()
    card, path = load_card(tiny_model), tiny_model / "model.onnx"
    right = TensorRtBackend.run
    monkeypatch.setattr(
        TensorRtBackend, "run", lambda self, batch: {k: v[::-1].copy() for k, v in right(self, batch).items()}
    )
    backend = TensorRtBackend("float16")
    with pytest.raises(
        EngineError, match=r"expected TensorRT-RTX fp16 GPU to say what ONNX Runtime says, found that"
    ):
        backend.load(path, card, None)
    assert not list((user_cache_folder() / "engines").glob("*.plan"))
    with pytest.raises(EngineError, match="load it first"):
        backend.describe()
    monkeypatch.setattr(TensorRtBackend, "run", right)
    backend.load(path, card, None)
    check_build(backend, create_backend(REFERENCE), path, card)
    assert len(list((user_cache_folder() / "engines").glob("*.plan"))) == 1
    backend.close()
