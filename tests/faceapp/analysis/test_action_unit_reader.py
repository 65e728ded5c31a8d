from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

import engines.second_opinion
import faceapp.analysis.action_unit_reader
from engines.card import EMOTIONS
from engines.errors import CardError
from engines.second_opinion import load_second_opinion
from faceapp.analysis.action_unit_reader import MovementReader
from faceapp.analysis.face_reader import FaceReader
from faceapp.pipeline import Pipeline
from faceapp.tracking.action_units import MEASURED_UNITS, seen_units
from faceapp.tracking.movements import movements
from faceapp.types import FaceTrack, Prediction
from tests.faceapp.fakes import FakeEngine, FakeSource, FakeTracker, frame
from tests.waiting import wait_until

BOX = np.array([0, 0, 100, 100], dtype=np.float32)


def track(mesh: np.ndarray, track_id: int = 1, occlusion: str = "none") -> FaceTrack:
    return FaceTrack(track_id, BOX, mesh, 0.9, occlusion=occlusion)  # type: ignore[arg-type]


def said(track_id: int = 1, **shares: float) -> Prediction:
    emotion = np.full(8, 0.01, dtype=np.float32)
    for name, share in shares.items():
        emotion[EMOTIONS.index(name)] = share
    return Prediction(track_id, emotion, 30.0, 5.0, 0.5, 0.5, "multitask")


def test_off_is_off(astronaut_landmarks: np.ndarray) -> None:
    reader = FaceReader({"none": FakeEngine()}, 0.0)  # type: ignore[dict-item]
    result = reader.read(frame(), [track(astronaut_landmarks)], 0.0)
    assert not reader.movements.on
    assert result.predictions[0].movements is None
    assert result.predictions[0].second_opinion is None


def test_the_reader_of_faces_adds_movements_to_smoothed_predictions(astronaut_landmarks: np.ndarray) -> None:
    engine = FakeEngine()
    reader = FaceReader({"none": engine}, 0.0, movements=MovementReader(measures=True))  # type: ignore[dict-item]
    faces = [track(astronaut_landmarks, 1), track(astronaut_landmarks, 2, "mask")]
    result = reader.read(frame(), faces, 0.0)
    first, second = (prediction.movements for prediction in result.predictions)
    assert first is not None
    assert second is not None
    np.testing.assert_array_equal(first, movements(astronaut_landmarks[None])[0])
    np.testing.assert_array_equal(np.isfinite(second), seen_units("mask"))
    assert not first.flags.writeable
    assert [prediction.movements for prediction in result.raw_predictions] == [None, None]
    assert reader.read(frame(), [], 0.0).predictions == ()
    reader.movements.measures = False
    assert reader.read(frame(), faces, 0.0).predictions[0].movements is None


def test_a_fixed_region_has_no_mesh_and_so_no_movements() -> None:
    reader = MovementReader(measures=True, asks=True)
    nothing = np.full((478, 3), np.nan, dtype=np.float32)
    (told,) = reader.read(0.0, [track(nothing)], [said(neutral=0.48, happiness=0.46)])
    assert told.movements is not None
    assert np.isnan(told.movements).all()
    assert told.second_opinion is None


def test_a_close_call_between_neutral_and_happiness_is_decided_by_the_smile(
    astronaut_landmarks: np.ndarray,
) -> None:
    reader = MovementReader(asks=True)
    close = said(neutral=0.48, happiness=0.46)
    (told,) = reader.read(0.0, [track(astronaut_landmarks)], [close])  # she smiles broadly
    assert told.second_opinion is not None
    assert (told.second_opinion.emotion, told.second_opinion.first) == ("happiness", "neutral")
    assert 12 in told.second_opinion.units
    np.testing.assert_array_equal(told.emotion, close.emotion)  # the network's own words stay
    (clear,) = reader.read(0.1, [track(astronaut_landmarks)], [said(neutral=0.9)])
    assert clear.second_opinion is None
    for occlusion in ("headset", "mask", "hidden"):
        (hidden,) = reader.read(0.2, [track(astronaut_landmarks, 1, occlusion)], [close])
        assert hidden.second_opinion is None


def test_the_opinion_is_that_of_the_machines_on_all_peoples_scale(astronaut_landmarks: np.ndarray) -> None:
    reader, machines = MovementReader(measures=True, asks=True), load_second_opinion()
    calm = said(neutral=0.9)
    for step in range(60):  # the smiling face becomes her own calm one
        (learned,) = reader.read(step * 0.5, [track(astronaut_landmarks)], [calm])
    smile = [unit.code for unit in MEASURED_UNITS].index(12)
    assert learned.movements is not None
    assert learned.movements[smile] < movements(astronaut_landmarks[None])[0, smile] / 4
    close = said(neutral=0.48, happiness=0.46)
    (told,) = reader.read(31.0, [track(astronaut_landmarks)], [close])
    assert [told.second_opinion] == machines.opinions(
        close.emotion[None], movements(astronaut_landmarks[None])
    )
    reader.reset()
    (fresh,) = reader.read(0.0, [track(astronaut_landmarks)], [said(neutral=0.1)])
    np.testing.assert_array_equal(fresh.movements, movements(astronaut_landmarks[None])[0])


def test_it_can_be_switched_while_running(astronaut_landmarks: np.ndarray) -> None:
    reader = MovementReader()
    close = said(neutral=0.48, happiness=0.46)
    reader.set_asks(True)
    assert reader.on
    assert reader.read(0.0, [track(astronaut_landmarks)], [close])[0].second_opinion is not None
    reader.set_asks(False)
    assert not reader.on


def test_damaged_files_are_told_when_it_is_asked_for(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(
        faceapp.analysis.action_unit_reader,
        "load_second_opinion",
        lambda: engines.second_opinion.load_second_opinion(tmp_path),
    )
    reader = MovementReader(measures=True)
    with pytest.raises(CardError, match=r"expected card\.json, found none"):
        reader.set_asks(True)
    assert not reader.asks
    with pytest.raises(CardError, match=str(tmp_path)):
        MovementReader(asks=True)


def test_a_gone_face_is_forgotten(astronaut_landmarks: np.ndarray) -> None:
    reader = MovementReader(measures=True)
    face, calm = track(astronaut_landmarks), said(neutral=0.9)
    for step in range(20):
        reader.read(step * 0.5, [face], [calm])
    other = replace(face, id=2)
    for step in range(20):
        reader.read(10 + step * 0.5, [other], [said(2, neutral=0.1)])
    (back,) = reader.read(20.0, [face], [said(neutral=0.1)])
    np.testing.assert_array_equal(back.movements, movements(astronaut_landmarks[None])[0])


def test_a_running_pipeline_takes_over_and_tells_damaged_files(
    astronaut_landmarks: np.ndarray, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    tracker, engine = FakeTracker([track(astronaut_landmarks)]), FakeEngine()
    source = FakeSource(live=True, period_s=0.002)
    pipeline = Pipeline(source, lambda: tracker, lambda: FaceReader({"none": engine}, 0.5))  # type: ignore[dict-item]

    def seen(condition: Callable[[Prediction], bool]) -> bool:
        return wait_until(
            lambda: (result := pipeline.take_result()) is not None and condition(result.predictions[0])
        )

    with pipeline:
        pipeline.start()
        assert seen(lambda told: told.movements is None)
        pipeline.set_movements(True)
        assert seen(lambda told: told.movements is not None)
        pipeline.set_movements(False)
        assert seen(lambda told: told.movements is None)
        monkeypatch.setattr(
            faceapp.analysis.action_unit_reader,
            "load_second_opinion",
            lambda: engines.second_opinion.load_second_opinion(tmp_path),
        )
        pipeline.set_second_opinion(True)
        assert seen(lambda told: pipeline.swap_error is not None)
        assert "expected card.json, found none" in str(pipeline.swap_error)
        monkeypatch.undo()
        pipeline.set_second_opinion(True)
        assert seen(lambda told: told.movements is not None)
    with pytest.raises(ValueError, match="second_opinion: expected bool"):
        pipeline.set_second_opinion("yes")  # type: ignore[arg-type]
