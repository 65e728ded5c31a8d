from __future__ import annotations

import logging
import shutil
import sys
import threading
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

pytest.importorskip("onnx", reason="tiny models are made with it: pip install onnx")
from onnx import helper, numpy_helper

from engines import choice, models
from engines.backends import MAX_BATCH, backend_names, unavailable_reason
from engines.card import load_card
from engines.engine import Engine, load_engine
from engines.errors import CardError, EngineError
from engines.models import find_model, model_folder, model_names
from engines.preprocess import face_matrix, prepare_batch
from engines.verify import fixed_chips
from tests.tiny_models import save_graph, write_tiny_card, write_tiny_model

BOX = np.array([170, 60, 280, 190], np.float32)
USABLE = [name for name in backend_names() if not unavailable_reason(name)]


@pytest.fixture
def engine(tiny_model: Path) -> Iterator[Engine]:
    with load_engine(tiny_model, "onnxruntime") as loaded:
        yield loaded


class FakeBackend:
    """A back end that does what a test asks for."""

    description = "Fake CPU"
    precision = "float32"

    def __init__(self) -> None:
        self.batches: list[int] = []
        self.closed = 0
        self.rows_lost = 0
        self.entered, self.go_on = threading.Event(), threading.Event()
        self.go_on.set()

    def load(self, path: Path, card: object, threads: int | None) -> None:
        """Nothing to load."""

    def run(self, batch: np.ndarray) -> dict[str, np.ndarray]:
        self.batches.append(len(batch))
        self.entered.set()
        assert self.go_on.wait(30)
        count = len(batch) - self.rows_lost
        probabilities = np.zeros((count, 2), np.float32)
        probabilities[:, 1] = batch[:count, 0, 0] / 255
        return {"smile": probabilities}

    def close(self) -> None:
        self.closed += 1


@pytest.fixture
def unmeasured(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Remember no choice of a back end from the tests before."""
    for name in ("XDG_CACHE_HOME", "LOCALAPPDATA"):
        monkeypatch.setenv(name, str(tmp_path / "cache"))


@pytest.fixture
def fake(tmp_path: Path) -> tuple[Engine, FakeBackend]:
    folder = write_tiny_model(tmp_path / "model", tasks=("smile",))
    backend = FakeBackend()
    return Engine(load_card(folder), backend, "fake"), backend


def test_predict_is_crop_then_infer_of_the_one_crop_code(
    engine: Engine, astronaut: np.ndarray, astronaut_landmarks: np.ndarray
) -> None:
    meshes, boxes = [astronaut_landmarks, None], [BOX, BOX]
    matrices = [face_matrix(engine.card.input, *face) for face in zip(meshes, boxes, strict=True)]
    expected = prepare_batch(astronaut, matrices, engine.card.input)
    np.testing.assert_array_equal(engine.crop(astronaut, meshes, boxes), expected)
    found = engine.predict(astronaut, meshes, boxes)
    for name, values in engine.infer(expected).items():
        np.testing.assert_array_equal(found[name], values)
    assert {name: values.shape for name, values in found.items()} == {
        "emotion": (2, 8),
        "age_years": (2,),
        "age_std_years": (2,),
        "female": (2,),
        "smile": (2,),
    }


def test_the_batch_buffer_is_reused_and_grows(engine: Engine, astronaut: np.ndarray) -> None:
    first = engine.crop(astronaut, [None], [BOX])
    second = engine.crop(astronaut, [None] * MAX_BATCH, [BOX] * MAX_BATCH)
    assert np.shares_memory(first, second)
    many = engine.crop(astronaut, [None] * 20, [BOX] * 20)
    assert many.shape == (20, 48, 48) and many.dtype == np.uint8
    assert np.shares_memory(many, engine.crop(astronaut, [None] * 3, [BOX] * 3))
    assert engine.infer(many)["emotion"].shape == (20, 8)


def test_no_faces_give_empty_arrays(engine: Engine, astronaut: np.ndarray) -> None:
    found = engine.predict(astronaut, [], [])
    assert found["emotion"].shape == (0, 8)
    assert found["smile"].shape == (0,)


def test_large_batches_are_split_and_keep_their_order(fake: tuple[Engine, FakeBackend]) -> None:
    engine, backend = fake
    batch = np.zeros((MAX_BATCH * 2 + 5, 48, 48), np.uint8)
    batch[:, 0, 0] = 6 * np.arange(len(batch))
    smile = engine.infer(batch)["smile"]
    assert backend.batches == [MAX_BATCH, MAX_BATCH, 5]
    assert (np.diff(smile) > 0).all()
    assert len(smile) == len(batch)


def test_a_batch_that_is_not_contiguous_gives_the_same_numbers(engine: Engine) -> None:
    chips = fixed_chips(engine.card.input, 6)
    np.testing.assert_array_equal(
        engine.infer(chips[::2])["emotion"], engine.infer(chips[::2].copy())["emotion"]
    )


@pytest.mark.parametrize(
    "batch",
    [
        np.zeros((1, 48, 47), np.uint8),
        np.zeros((1, 1, 48, 48), np.uint8),
        np.zeros((1, 48, 48), np.float32),
        np.zeros((1, 48, 48), np.int8),
        np.zeros((48, 48), np.uint8),
    ],
)
def test_another_batch_is_refused(engine: Engine, batch: np.ndarray) -> None:
    with pytest.raises(EngineError, match=r"batch: expected uint8 \(N, 48, 48\), found .*prepare_batch"):
        engine.infer(batch)


@pytest.mark.parametrize(
    "picture",
    [
        np.zeros((10, 10, 3), np.float32),
        np.zeros((10, 10, 4), np.uint8),
        np.zeros((0, 10, 3), np.uint8),
        np.zeros(10, np.uint8),
    ],
)
def test_another_picture_is_refused(engine: Engine, picture: np.ndarray) -> None:
    with pytest.raises(EngineError, match="picture: expected uint8"):
        engine.crop(picture, [None], [BOX])


def test_faces_that_do_not_match_or_have_no_box_are_refused(engine: Engine, astronaut: np.ndarray) -> None:
    with pytest.raises(EngineError, match="as many landmarks as boxes, found 2 and 1"):
        engine.crop(astronaut, [None, None], [BOX])
    with pytest.raises(EngineError, match="box: expected finite"):
        engine.crop(astronaut, [None], [BOX * np.nan])
    assert engine.predict(astronaut, [None], [BOX])["smile"].shape == (1,)


def test_a_back_end_that_loses_rows_is_refused(fake: tuple[Engine, FakeBackend]) -> None:
    engine, backend = fake
    backend.rows_lost = 1
    with pytest.raises(EngineError, match="expected 3 rows in output 'smile', found 2"):
        engine.infer(np.zeros((3, 48, 48), np.uint8))


def test_a_closed_engine_refuses_clearly(engine: Engine, astronaut: np.ndarray) -> None:
    engine.close()
    engine.close()
    for call in (
        lambda: engine.infer(np.zeros((1, 48, 48), np.uint8)),
        lambda: engine.crop(astronaut, [None], [BOX]),
    ):
        with pytest.raises(EngineError, match="found it closed; load it again"):
            call()


def test_it_may_be_used_on_another_thread(engine: Engine, astronaut: np.ndarray) -> None:
    here = engine.predict(astronaut, [None], [BOX])
    there: list[dict[str, np.ndarray]] = []
    thread = threading.Thread(target=lambda: there.append(engine.predict(astronaut, [None], [BOX])))
    thread.start()
    thread.join(30)
    for name, values in here.items():
        np.testing.assert_array_equal(there[0][name], values)


def test_a_second_thread_at_the_same_time_is_refused_and_closing_waits(
    fake: tuple[Engine, FakeBackend],
) -> None:
    engine, backend = fake
    backend.go_on.clear()
    batch = np.zeros((1, 48, 48), np.uint8)
    answers: list[dict[str, np.ndarray]] = []
    running = threading.Thread(target=lambda: answers.append(engine.infer(batch)))
    running.start()
    assert backend.entered.wait(30)
    with pytest.raises(EngineError, match="one thread at a time"):
        engine.infer(batch)
    closing = threading.Thread(target=engine.close)
    closing.start()
    closing.join(0.05)
    assert closing.is_alive()
    assert backend.closed == 0
    backend.go_on.set()
    for thread in (running, closing):
        thread.join(30)
    assert len(answers) == 1
    assert backend.closed == 1


def test_auto_takes_the_fastest_that_loads_and_logs_why_others_were_refused(
    unmeasured: None, tiny_model: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    times_ms = {name: {1: 9.0 - place, 4: 9.0} for place, name in enumerate(USABLE)}
    monkeypatch.setattr(choice, "measure_backends", lambda *_: (times_ms, {}))
    with load_engine(tiny_model) as chosen:
        assert chosen.backend_name == USABLE[-1]
        assert chosen.backend_description
    monkeypatch.setitem(sys.modules, "openvino", None)
    with caplog.at_level(logging.INFO), load_engine(tiny_model) as chosen:
        assert chosen.backend_name == [name for name in USABLE if name != "openvino"][-1]
    assert "back end openvino refused: OpenVINO is not installed" in caplog.text


def test_auto_passes_over_a_back_end_that_does_not_load_the_model(
    unmeasured: None, tiny_model: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    times_ms = {name: {1: 1.0 + (name != "openvino"), 4: 2.0} for name in USABLE}
    monkeypatch.setattr(choice, "measure_backends", lambda *_: (times_ms, {}))

    def refuse(*_: object) -> None:
        raise EngineError("no such kernel")

    monkeypatch.setattr("engines.backends.openvino.OpenVinoBackend.load", refuse)
    with load_engine(tiny_model) as chosen:
        assert chosen.backend_name == "onnxruntime"
    assert "back end openvino refused for model tiny: no such kernel" in caplog.text


@pytest.mark.parametrize("name", USABLE)
def test_every_back_end_by_name(name: str, tiny_model: Path) -> None:
    with load_engine(tiny_model, name, threads=1) as chosen:
        assert chosen.backend_name == name
        assert chosen.card.name == "tiny"
        assert chosen.infer(fixed_chips(chosen.card.input, 2))["smile"].shape == (2,)


def test_a_named_back_end_is_never_replaced(tiny_model: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "openvino", None)
    with pytest.raises(EngineError, match="pip install openvino"):
        load_engine(tiny_model, "openvino")
    with pytest.raises(EngineError, match="expected auto or one of"):
        load_engine(tiny_model, "opengl")


def test_a_model_that_no_back_end_loads_says_each_reason_once(tmp_path: Path) -> None:
    # An operator that no back end knows: the file is well formed, so each library itself refuses it.
    nodes = [
        helper.make_node("Flatten", ["pixels"], ["flat"]),
        helper.make_node("Unheard", ["flat"], ["emotion"]),
    ]
    save_graph(tmp_path, nodes, [], emotion=8)
    write_tiny_card(tmp_path, tasks=("emotion",))
    with pytest.raises(EngineError) as caught:
        load_engine(tmp_path)
    text = str(caught.value)
    assert "\n" not in text
    for name in backend_names():
        assert f"{name}: " in text


@pytest.mark.parametrize("name", USABLE)
def test_nan_in_the_outputs_gives_an_engine_error(name: str, tmp_path: Path) -> None:
    weight = np.ones((48 * 48, 8), np.float32)
    weight[7, 3] = np.nan
    nodes = [
        helper.make_node("Flatten", ["pixels"], ["flat"]),
        helper.make_node("MatMul", ["flat", "weight"], ["emotion"]),
    ]
    save_graph(tmp_path, nodes, [numpy_helper.from_array(weight, "weight")], emotion=8)
    write_tiny_card(tmp_path, tasks=("emotion",))
    with (
        load_engine(tmp_path, name) as loaded,
        pytest.raises(EngineError, match="NaN or infinity for 2 of 2 faces"),
    ):
        loaded.infer(np.ones((2, 48, 48), np.uint8))


def test_a_model_that_is_not_its_card_s_is_refused(tiny_model: Path, tmp_path: Path) -> None:
    shutil.copytree(tiny_model, tmp_path / "model")
    with (tmp_path / "model" / "model.onnx").open("ab") as stream:
        stream.write(b"\0")
    with pytest.raises(CardError, match="SHA-256"):
        load_engine(tmp_path / "model")
    (tmp_path / "model" / "model.onnx").unlink()
    with pytest.raises(CardError, match="expected a model file, found none"):
        load_engine(tmp_path / "model")


def test_models_are_found_by_name_and_by_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(models, "MODELS_DIR", tmp_path / "models")
    assert model_names() == ()
    with pytest.raises(CardError, match="expected one of none in"):
        model_folder("tiny")
    for name in ("tiny", "other"):
        write_tiny_model(tmp_path / "models" / name, name=name)
    (tmp_path / "models" / "no card").mkdir()
    assert model_names() == ("other", "tiny")
    assert model_folder("tiny") == find_model("tiny") == tmp_path / "models" / "tiny"
    assert find_model(str(tmp_path / "models" / "other")) == tmp_path / "models" / "other"
    assert find_model(tmp_path / "models" / "other") == tmp_path / "models" / "other"
    with pytest.raises(CardError, match="expected one of other, tiny, found 'third'"):
        find_model("third")
    with load_engine("other", "onnxruntime") as loaded:
        assert loaded.card.name == "other"
