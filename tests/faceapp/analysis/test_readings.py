from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from engines.card import EMOTIONS
from engines.errors import EngineError
from faceapp.analysis.analyzer import make_reader
from faceapp.analysis.face_reader import FaceReader
from faceapp.settings import Settings
from faceapp.types import Frame
from tests.faceapp.fakes import FakeEngine, face, fail_from, frame

STAGES = {"track", "crop", "infer", "smooth", "total", "capture_to_result"}


def reader_of(engine: FakeEngine, smoothing: float = 0.0, **others: FakeEngine) -> FaceReader:
    return FaceReader({"none": engine, **others}, smoothing)  # type: ignore[arg-type]


def test_no_face_gives_empty_tuples_and_calls_no_engine() -> None:
    engine = FakeEngine()
    result = reader_of(engine).read(frame(), (), 1.5)
    assert (result.faces, result.predictions, result.raw_predictions) == ((), (), ())
    assert engine.batches == []
    assert set(result.timing_ms) == STAGES
    assert result.timing_ms["track"] == 1.5


def test_predictions_follow_the_order_of_the_faces() -> None:
    result = reader_of(FakeEngine(value=0.25)).read(frame(), [face(3), face(7)], 2.0)
    assert [prediction.track_id for prediction in result.predictions] == [3, 7]
    for prediction in result.predictions:
        assert prediction.age_years == pytest.approx(25)
        assert prediction.age_std_years == pytest.approx(2.5)
        assert prediction.female == pytest.approx(0.25)
        assert prediction.smile == pytest.approx(0.25)
        assert prediction.model == "fake"
        assert prediction.emotion.shape == (len(EMOTIONS),)
        assert prediction.emotion.sum() == pytest.approx(1)
        assert not prediction.emotion.flags.writeable
    assert result.timing_ms["total"] == pytest.approx(
        sum(result.timing_ms[stage] for stage in ("track", "crop", "infer", "smooth"))
    )


def test_each_occlusion_goes_to_its_own_engine_in_one_batch() -> None:
    plain, headset = FakeEngine("plain", value=0.1), FakeEngine("headset", value=0.9)
    reader = reader_of(plain, headset=headset)
    faces = [face(1), face(2, "headset"), face(3), face(4, "mask"), face(5, "headset")]
    result = reader.read(frame(), faces, 0.0)
    assert plain.batches == [3]
    assert headset.batches == [2]
    assert [prediction.model for prediction in result.predictions] == [
        "plain",
        "headset",
        "plain",
        "plain",
        "headset",
    ]
    assert [round(prediction.female, 1) for prediction in result.predictions] == [0.1, 0.9, 0.1, 0.1, 0.9]


def test_an_occlusion_mode_overrides_the_tracker_in_the_engine_and_in_the_record() -> None:
    plain, mask = FakeEngine("plain"), FakeEngine("mask")
    reader = reader_of(plain, mask=mask)
    reader.occlusion = "mask"
    result = reader.read(frame(), [face(1), face(2, "headset")], 0.0)
    assert plain.batches == []
    assert mask.batches == [2]
    assert [track.occlusion for track in result.faces] == ["mask", "mask"]


def test_a_hidden_face_is_given_to_no_engine_and_says_nothing() -> None:
    plain, headset = FakeEngine("plain"), FakeEngine("headset")
    faces = [face(1), face(2, "hidden"), face(3, "headset")]
    result = reader_of(plain, headset=headset).read(frame(), faces, 0.0)
    assert (plain.batches, headset.batches) == ([1], [1])
    for prediction in (result.predictions[1], result.raw_predictions[1]):
        assert prediction.model == ""
        assert np.isnan(prediction.emotion).all()
        assert np.isnan([prediction.age_years, prediction.age_std_years, prediction.female]).all()
    only_hidden = reader_of(plain, headset=headset).read(frame(), [face(2, "hidden")], 0.0)
    assert (plain.batches, headset.batches) == ([1], [1]), "nothing to read, no engine called"
    assert only_hidden.predictions[0].model == ""


def test_a_reader_that_does_not_abstain_reads_hidden_faces_with_the_plain_engine() -> None:
    plain = FakeEngine("plain")
    reader = FaceReader({"none": plain}, 0.0, abstains=False)  # type: ignore[dict-item]
    prediction = reader.read(frame(), [face(1, "hidden")], 0.0).predictions[0]
    assert prediction.model == "plain" and np.isfinite(prediction.smile)


def test_an_abstention_is_not_bridged_by_what_was_said_before() -> None:
    engine = FakeEngine(value=0.0)
    reader = reader_of(engine, smoothing=1.0)
    for index in range(20):
        reader.read(frame(index), [face()], 0.0)
    hidden = reader.read(frame(20), [face(1, "hidden")], 0.0).predictions[0]
    assert np.isnan(hidden.smile) and hidden.model == ""
    engine.value = 1.0
    assert reader.read(frame(21), [face()], 0.0).predictions[0].smile == 1.0


def test_another_engine_is_not_mixed_with_the_one_before_for_seconds() -> None:
    plain, headset = FakeEngine("plain", value=0.0), FakeEngine("headset", value=1.0)
    reader = reader_of(plain, smoothing=1.0, headset=headset)
    for index in range(60):
        reader.read(frame(index), [face()], 0.0)
    smiles = [
        reader.read(frame(60 + index), [face(1, "headset")], 0.0).predictions[0].smile for index in range(15)
    ]
    assert smiles[0] == pytest.approx(0.5), "the first frame does not jump all the way"
    assert smiles[8] > 0.899, "a tenth of the old one is left after nine frames"
    assert smiles == sorted(smiles)


def test_heads_the_model_lacks_are_nan() -> None:
    result = reader_of(FakeEngine(tasks=("emotion",)), smoothing=0.8).read(frame(), [face()], 0.0)
    prediction = result.predictions[0]
    assert np.isfinite(prediction.emotion).all()
    for value in (prediction.age_years, prediction.age_std_years, prediction.female, prediction.smile):
        assert np.isnan(value)


def test_a_head_that_appears_later_is_not_poisoned_by_its_absence() -> None:
    emotions, everything = FakeEngine("emotions", tasks=("emotion",)), FakeEngine("everything", value=0.5)
    reader = reader_of(everything, smoothing=0.8, mask=emotions)
    for index in range(5):
        reader.read(frame(index), [face(1, "mask")], 0.0)
    result = reader.read(frame(5), [face(1)], 0.0)
    assert np.isfinite(result.predictions[0].age_years)


def test_twenty_faces_are_read_as_each_alone(tiny_model: Path) -> None:
    reader = make_reader(replace(Settings(), model=str(tiny_model), backend="onnxruntime", smoothing=0))
    picture = np.random.default_rng(0).integers(0, 256, (64, 64, 3), dtype=np.uint8)
    shown = Frame(0, 0.0, picture, "noise", 0.0)
    faces = [face(number) for number in range(1, 21)]
    together = reader.read(shown, faces, 0.0).predictions
    assert [prediction.track_id for prediction in together] == list(range(1, 21))
    for track, prediction in zip(faces, together, strict=True):
        alone = reader.read(shown, [track], 0.0).predictions[0]
        np.testing.assert_allclose(prediction.emotion, alone.emotion, atol=1e-5)
    reader.close()


def test_smoothing_lags_the_raw_values_and_keeps_them() -> None:
    engine = FakeEngine(value=0.0)
    reader = reader_of(engine, smoothing=0.8)
    for index in range(20):
        reader.read(frame(index), [face()], 0.0)
    engine.value = 1.0
    result = reader.read(frame(20), [face()], 0.0)
    assert result.raw_predictions[0].smile == 1.0
    assert 0.0 < result.predictions[0].smile < 0.9
    assert result.predictions[0].emotion.sum() == pytest.approx(1, abs=1e-5)


def test_faces_are_smoothed_apart_and_reset_forgets_them() -> None:
    engine = FakeEngine(value=0.0)
    reader = reader_of(engine, smoothing=0.8)
    for index in range(20):
        reader.read(frame(index), [face(1)], 0.0)
    engine.value = 1.0
    newcomer = reader.read(frame(20), [face(1), face(2)], 0.0).predictions[1]
    assert newcomer.smile == 1.0
    reader.reset()
    assert reader.read(frame(3), [face(1)], 0.0).predictions[0].smile == 1.0


def test_no_smoothing_gives_the_raw_values() -> None:
    engine = FakeEngine(value=0.0)
    reader = reader_of(engine, smoothing=0.9)
    reader.read(frame(0), [face()], 0.0)
    reader.smoothing = 0.0
    engine.value = 1.0
    assert reader.read(frame(1), [face()], 0.0).predictions[0].smile == 1.0


def test_the_state_of_gone_faces_is_dropped() -> None:
    reader = reader_of(FakeEngine(value=0.2), smoothing=0.8)
    forgotten: list[float] = []
    keep = reader._smoother.forget
    reader._smoother.forget = lambda before_s: (forgotten.append(before_s), keep(before_s))[1]  # type: ignore
    for index in range(200):
        reader.read(frame(index), [face(index + 1)], 0.0)
    assert len(forgotten) >= 2
    assert forgotten == sorted(forgotten)


def test_every_engine_is_closed_once() -> None:
    plain, mask = FakeEngine("plain"), FakeEngine("mask")
    reader = reader_of(plain, mask=mask)
    assert [card.name for card in reader.cards] == ["plain", "mask"]
    assert reader.description == "plain, mask, Fake CPU"
    reader.close()
    assert (plain.closed, mask.closed) == (1, 1)


def test_a_reader_needs_an_engine_for_faces_in_full_view() -> None:
    with pytest.raises(ValueError, match="none"):
        FaceReader({"mask": FakeEngine()}, 0.5)  # type: ignore[dict-item]


def test_an_engine_error_passes_through() -> None:
    with pytest.raises(EngineError, match="smoke"):
        reader_of(FakeEngine(infer=fail_from(1))).read(frame(), [face()], 0.0)
