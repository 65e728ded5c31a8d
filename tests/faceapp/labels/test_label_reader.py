"""Labels in files and live: taught on real crops of the portrait, read by the reader, kept in the table."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import datetime, timezone
from pathlib import Path

import numpy as np
import pytest

from engines.crops import face_crops
from engines.engine import load_engine
from engines.errors import CardError, EngineError
from engines.features import FeatureNet, shared_tensor
from engines.models import MODELS_DIR
from faceapp.errors import SessionError
from faceapp.labels.features import face_features, feature_blocks
from faceapp.labels.judging import Judgement
from faceapp.labels.label_file import Label, label_names, label_path, load_label, remove_label, save_label
from faceapp.labels.label_reader import LabelReader
from faceapp.session.table import COLUMNS, arrow_schema, face_rows, label_columns
from faceapp.types import FaceTrack
from tests.faceapp.session.results import prediction, result

FIGURE = Judgement(0.8, 0.7, 0.9, 0.6, 0.85, 30, 60, "time")


@pytest.fixture(scope="module")
def net() -> FeatureNet:
    return FeatureNet("multitask", threads=1)


@pytest.fixture(autouse=True)
def own_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("faceapp.labels.label_file.labels_folder", lambda: tmp_path / "labels")


def face() -> FaceTrack:
    return FaceTrack(1, np.array([0, 0, 9, 9], np.float32), np.full((478, 3), np.nan, np.float32), 0.9)


def taught(net: FeatureNet, name: str = "bored") -> Label:
    """A label whose weights weigh one shared feature."""
    width = face_features(net, face_crops(net.card.input, 1), [face()]).shape[1]
    weights = np.zeros(width, np.float32)
    weights[feature_blocks(width)[2].start + 5] = 0.5
    missing = np.zeros(width, np.float32)
    return Label(name, "", "multitask", net.card.sha256, weights, -0.2, missing, (FIGURE,), ("session",))


def test_the_answers_beside_the_features_are_those_of_the_engine(net: FeatureNet):
    chips = face_crops(net.card.input, 3)
    answers, features = net.read(chips)
    assert features.shape[0] == 3
    assert features.std() > 0
    with load_engine("multitask", "onnxruntime", threads=1) as engine:
        for name, values in engine.infer(chips).items():
            np.testing.assert_allclose(answers[name], values, atol=1e-5)


@pytest.mark.parametrize("model", ["multitask", "multitask-headset", "multitask-mask"])
def test_the_shared_tensor_of_every_shipped_model_is_found(model: str):
    import onnx

    content = (MODELS_DIR / model / "model.onnx").read_bytes()
    graph = onnx.load_from_string(content).graph
    name = shared_tensor(content)
    assert sum(name in node.input for node in graph.node) >= 4


@pytest.mark.parametrize("content", [b"no protobuf at all", b"\x3a\xff\xff", b"\x3a\x05\x0a\x7f"])
def test_other_files_have_no_shared_tensor(content: bytes):
    try:
        assert shared_tensor(content) == ""
    except EngineError as error:
        assert "expected an ONNX file" in str(error)


def test_a_label_is_the_same_after_saving(net: FeatureNet):
    label = taught(net, "looks bored")
    save_label(label, label_path(label.name))
    again = load_label("looks bored")
    np.testing.assert_array_equal(again.weights, label.weights)
    assert (again.name, again.judgements, again.offset) == (label.name, label.judgements, label.offset)
    assert label_names() == ("looks_bored",)
    remove_label("looks bored")
    assert label_names() == ()
    with pytest.raises(SessionError, match="there are: none yet"):
        load_label("looks bored")


def test_damaged_files_are_refused(net: FeatureNet, tmp_path: Path):
    path = tmp_path / "x.label.json"
    save_label(taught(net), path)
    whole = path.read_text()
    content = json.loads(whole)
    for broken in (
        whole[:-200],
        "[]",
        json.dumps({**content, "offset": 3.0}),
        json.dumps({**content, "sha256": "00"}),
        json.dumps({key: value for key, value in content.items() if key != "weights"}),
    ):
        path.write_text(broken)
        with pytest.raises(SessionError, match="found a damaged file"):
            load_label(path)
    path.write_text(json.dumps({**content, "format": 2}))
    with pytest.raises(SessionError, match="expected a label of format 1, found 2"):
        load_label(path)


def test_a_label_of_another_network_is_refused(net: FeatureNet):
    with pytest.raises(SessionError, match="found another version"):
        LabelReader([replace(taught(net), model_sha256="00" * 32)])
    with pytest.raises(CardError):
        LabelReader([replace(taught(net), model="no-such-model")])


def test_live_values_are_the_labels_own_and_only_where_its_network_reads(net: FeatureNet):
    reader = LabelReader([taught(net)], smoothing=0.0)
    chips = face_crops(net.card.input, 2)
    faces = [face(), replace(face(), id=2)]
    values = reader.read("multitask", chips, faces)
    shared = net.read(chips)[1]
    np.testing.assert_allclose(values[:, 0], 1 / (1 + np.exp(-(0.5 * shared[:, 5] - 0.2))), rtol=1e-5)
    assert np.isnan(reader.read("multitask-mask", chips, faces)).all()
    joined = reader.joined(0.0, [prediction(1), prediction(2)], values)
    assert [each.labels[0][0] for each in joined] == ["bored", "bored"]
    assert joined[1].labels[0][1] == pytest.approx(float(values[1, 0]))


def test_labels_of_one_network_share_it(net: FeatureNet, monkeypatch: pytest.MonkeyPatch):
    loaded = []

    def load(model: str) -> FeatureNet:
        loaded.append(model)
        return net

    monkeypatch.setattr("faceapp.labels.label_reader.FeatureNet", load)
    reader = LabelReader([taught(net), taught(net, "keen"), taught(net, "nods")])
    assert loaded == ["multitask"]
    assert reader.read("multitask", face_crops(net.card.input, 1), [face()]).shape == (1, 3)


def test_a_session_keeps_a_column_for_each_label():
    columns = label_columns({"labels": "bored, Looks-keen"})
    assert columns == ("label_bored", "label_looks_keen")
    assert label_columns({"labels": None}) == ()
    shown = result(0)
    shown = replace(shown, predictions=(replace(shown.predictions[0], labels=(("bored", 0.25),)),))
    (row,) = face_rows(shown, 0.0, datetime(2026, 1, 1, tzinfo=timezone.utc), columns)
    assert row[-2:] == ["0.250000", ""]
    assert len(row) == len(COLUMNS) + 2
    assert arrow_schema(labels=columns).names[-2:] == list(columns)
