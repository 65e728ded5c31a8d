"""One engine: what goes in, what comes out, threads and closing."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

pytest.importorskip("onnx", reason="tiny models are made with it: pip install onnx")
from engines.backend import MAX_BATCH
from engines.card import load_card
from engines.engine import Engine, load_engine
from engines.errors import EngineError
from engines.measure.verify import fixed_chips
from engines.preprocess import face_matrix, prepare_batch
from tests.tiny_models import write_tiny_model

BOX = np.array([170, 60, 280, 190], np.float32)


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
