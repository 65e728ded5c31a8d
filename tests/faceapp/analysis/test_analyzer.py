from __future__ import annotations

import logging
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

import faceapp.analysis.analyzer
from engines.errors import CardError
from faceapp.analysis.analyzer import Analyzer, make_reader, make_tracker, open_visibility_reader
from faceapp.analysis.engines_on_demand import EnginesOnDemand
from faceapp.analysis.face_reader import FaceReader
from faceapp.settings import Settings
from faceapp.types import FaceTrack, Frame
from tests.faceapp.fakes import FakeEngine, FakeTracker, face, frame
from tests.tiny_models import VISIBILITY_TASKS, write_tiny_model

STAGES = {"track", "crop", "infer", "smooth", "total", "capture_to_result"}


def reader_of(engine: FakeEngine, smoothing: float = 0.0, **others: FakeEngine) -> FaceReader:
    return FaceReader({"none": engine, **others}, smoothing)  # type: ignore[arg-type]


def test_step_tracks_then_reads() -> None:
    tracker, engine = FakeTracker([face(1)]), FakeEngine()
    analyzer = Analyzer(tracker, reader_of(engine))
    result = analyzer.step(frame())
    assert [prediction.track_id for prediction in result.predictions] == [1]
    assert result.timing_ms["track"] >= 0
    analyzer.reset()
    analyzer.close()
    assert (tracker.resets, tracker.closed, engine.closed) == (1, 1, 1)


@pytest.fixture
def models(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setattr("engines.models.MODELS_DIR", tmp_path)
    write_tiny_model(tmp_path / "multitask", name="multitask")
    return tmp_path


def test_auto_takes_the_specialised_models_that_are_there(
    models: Path, caplog: pytest.LogCaptureFixture
) -> None:
    write_tiny_model(models / "multitask-mask", name="multitask-mask", occlusion="mask")
    with caplog.at_level(logging.INFO, logger=faceapp.analysis.analyzer.__name__):
        reader = make_reader(replace(Settings(), backend="onnxruntime", smoothing=0.25))
    assert [card.name for card in reader.cards] == ["multitask", "multitask-mask"]
    assert reader.smoothing == 0.25
    said = [
        record.getMessage() for record in caplog.records if record.name == faceapp.analysis.analyzer.__name__
    ]
    assert len(said) == 1
    assert "multitask-headset" in said[0]
    reader.close()


def test_a_named_model_reads_every_face(tiny_model: Path) -> None:
    reader = make_reader(replace(Settings(), model=str(tiny_model), backend="onnxruntime", occlusion="mask"))
    assert [card.name for card in reader.cards] == ["tiny"]
    assert reader.occlusion == "mask"
    reader.close()


def test_a_missing_or_damaged_model_is_an_error(models: Path) -> None:
    with pytest.raises(CardError):
        make_reader(replace(Settings(), model="nobody"))
    write_tiny_model(models / "multitask-headset", name="multitask-headset", occlusion="headset")
    (models / "multitask-headset" / "model.onnx").write_bytes(b"cut")
    with pytest.raises(CardError):
        make_reader(Settings())


def test_a_real_face_is_tracked_and_read(astronaut: np.ndarray, tiny_model: Path) -> None:
    settings = replace(Settings(), model=str(tiny_model), backend="onnxruntime")
    analyzer = Analyzer(make_tracker(settings), make_reader(settings))
    result = analyzer.step(Frame(0, 0.0, astronaut, "astronaut", 0.0))
    analyzer.close()
    assert len(result.faces) == len(result.predictions) == 1
    prediction = result.predictions[0]
    assert isinstance(result.faces[0], FaceTrack)
    assert prediction.emotion.sum() == pytest.approx(1, abs=1e-4)
    assert 0 <= prediction.age_years <= 100


def test_a_model_that_does_not_read_faces_is_refused(tmp_path: Path) -> None:
    folder = write_tiny_model(tmp_path / "visibility", name="visibility", tasks=VISIBILITY_TASKS)
    with pytest.raises(CardError, match="expected a model that reads faces"):
        make_reader(replace(Settings(), model=str(folder), backend="onnxruntime"))


def test_the_tracker_looks_at_what_hides_a_face_where_the_model_is_there(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("engines.models.MODELS_DIR", tmp_path)
    settings = replace(Settings(), backend="onnxruntime")
    assert open_visibility_reader(settings) is None
    write_tiny_model(tmp_path / "visibility", name="visibility", tasks=VISIBILITY_TASKS)
    reader = open_visibility_reader(settings)
    assert reader is not None and reader.card.name == "visibility"
    reader.close()


def test_an_analyzer_closes_at_the_end_of_its_block() -> None:
    engine, tracker = FakeEngine(), FakeTracker()
    with Analyzer(tracker, reader_of(engine)) as analyzer:
        analyzer.step(frame())
    assert engine.closed and tracker.closed


def test_a_second_thread_is_refused_and_changes_nothing() -> None:
    analyzer = Analyzer(FakeTracker(), reader_of(FakeEngine()))
    analyzer.step(frame())
    with ThreadPoolExecutor(4, thread_name_prefix="other") as threads:
        refused = [
            threads.submit(call) for call in (lambda: analyzer.step(frame()), analyzer.reset, analyzer.close)
        ]
    for each in refused:
        with pytest.raises(RuntimeError, match=r"expected calls from the thread 'MainThread'.*found 'other"):
            each.result()
    assert analyzer.step(frame()).frame is not None


def test_engines_for_hidden_faces_load_with_the_first_such_face() -> None:
    loaded: list[str] = []

    def load(name: str) -> FakeEngine:
        loaded.append(name)
        return FakeEngine(name)

    engines = EnginesOnDemand({"none": "plain", "headset": "special"}, load)  # type: ignore[arg-type]
    reader = FaceReader(engines, 0.0)
    reader.read(frame(), [face(1), face(2, "mask")], 0.0)
    assert loaded == ["plain"]
    reader.read(frame(), [face(1), face(2, "headset")], 0.0)
    reader.read(frame(), [face(2, "headset")], 0.0)
    assert loaded == ["plain", "special"] and [card.name for card in reader.cards] == loaded
    reader.close()
    assert all(engine.closed for engine in engines.values())  # type: ignore[attr-defined]
