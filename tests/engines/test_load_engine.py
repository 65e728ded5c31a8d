"""Which back end and which model `load_engine` takes, and what it refuses."""

from __future__ import annotations

import logging
import shutil
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

pytest.importorskip("onnx", reason="tiny models are made with it: pip install onnx")
import onnx
from onnx import helper, numpy_helper

from engines import choice, engine, models
from engines.backends import backend_names, unavailable_reason
from engines.card import CARD_FILE, MODEL_FILE, load_card
from engines.engine import load_engine
from engines.errors import CardError, EngineError
from engines.measure.verify import fixed_chips
from engines.model_file import file_sha256
from engines.models import find_model, model_folder, model_names
from tests.tiny_models import save_graph, write_tiny_card, write_tiny_model

USABLE = [name for name in backend_names() if not unavailable_reason(name)]


@pytest.fixture
def unmeasured(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Remember no choice of a back end from the tests before."""
    for name in ("XDG_CACHE_HOME", "LOCALAPPDATA"):
        monkeypatch.setenv(name, str(tmp_path / "cache"))


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


def test_auto_never_loads_a_file_that_was_replaced_after_its_hash_was_checked(
    unmeasured: None, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = write_tiny_model(tmp_path / "model")
    checked = engine.verify_model

    def check_and_replace(*file: Any) -> None:
        checked(*file)
        write_tiny_model(tmp_path / "other", seed=9)
        shutil.copyfile(tmp_path / "other" / "model.onnx", folder / "model.onnx")

    monkeypatch.setattr(engine, "verify_model", check_and_replace)
    with pytest.raises(
        EngineError, match=r"onnxruntime: .* it was replaced while it was loaded; load it again"
    ):
        load_engine(folder)


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


def test_a_model_that_takes_weights_from_another_file_is_refused(tiny_model: Path, tmp_path: Path) -> None:
    folder = shutil.copytree(tiny_model, tmp_path / "outside")
    model = onnx.load(str(folder / MODEL_FILE))
    onnx.save(
        model, str(folder / MODEL_FILE), save_as_external_data=True, location="weights.bin", size_threshold=0
    )
    card = load_card(folder)
    replace(card, sha256=file_sha256(folder / MODEL_FILE)).save(folder / CARD_FILE)
    with pytest.raises(
        CardError, match="expected a model in one file, found one that takes weights from another"
    ):
        load_engine(folder, "onnxruntime")
