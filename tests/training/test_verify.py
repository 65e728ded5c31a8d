"""`python -m training verify`: which sets and back ends it compares, its figures, and what it refuses."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from engines.engine import Engine
from engines.parity import REFERENCE
from tests.training.made_faces import made_faces
from training.__main__ import main
from training.commands import verify
from training.errors import MissingDatasetError
from training.measuring import report

pytest.importorskip("openvino", reason="a second back end is compared: pip install openvino")

HERE = ("ferplus", "utkface")


@pytest.fixture(autouse=True)
def two_sets(monkeypatch: pytest.MonkeyPatch) -> None:
    def load(name: str, *_: object, **__: object):
        if name not in HERE:
            raise MissingDatasetError(f"no {name}")
        return made_faces(name, 48)

    monkeypatch.setattr(report, "load_prepared", load)
    monkeypatch.setattr(verify, "precisions", lambda name: ("float32",))


def test_a_back_end_that_agrees_is_accepted_with_its_figures(
    tmp_path: Path, tiny_model: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    arguments = ["verify", "--model", str(tiny_model), "--data", str(tmp_path), "--cache", str(tmp_path)]

    assert main([*arguments, "--backend", f"{REFERENCE},openvino"]) == 0

    lines = capsys.readouterr().out.splitlines()
    assert [line for line in lines if not line.startswith(" ")] == [
        "ok      ferplus visible, openvino float32, 16 faces",
        "ok      utkface visible, openvino float32, 16 faces",
    ]
    said = {line.split()[0] for line in lines if "(float32 " in line}
    assert said == set(verify.SHOWN) - {"smile_accuracy"}, "neither set says who smiles"
    assert all("+0.0000)" in line for line in lines if "accuracy" in line)


def test_a_back_end_that_says_something_else_is_refused(
    tmp_path: Path, tiny_model: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def predict(engine: Engine, **which: Any) -> dict[str, np.ndarray]:
        said = report.predict_set(engine, **which)
        return said if engine.backend_name == REFERENCE else {**said, "age_years": said["age_years"] + 3}

    monkeypatch.setattr(verify, "predict_set", predict)
    arguments = ["verify", "--model", str(tiny_model), "--data", str(tmp_path), "--cache", str(tmp_path)]

    assert main([*arguments, "--backend", "openvino"]) == 2

    lines = capsys.readouterr().out.splitlines()
    assert (
        "failed  utkface visible, openvino float32, 16 faces: age_years differs by 3 years (at most 0.01)"
        in lines
    )


def test_faces_are_hidden_as_the_model_expects_them(
    tmp_path: Path, tiny_model: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(verify.VIEWS_OF_OCCLUSION, "none", ("visible", "upper_half"))

    found = verify.parities(tiny_model, tmp_path, tmp_path, "test", ("openvino",))

    assert [one.name for one in found] == [
        "ferplus visible",
        "utkface visible",
        "ferplus upper_half",
        "utkface upper_half",
    ]


def test_no_set_at_all_is_an_error(tmp_path: Path, tiny_model: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("tests.training.test_verify.HERE", ())

    with pytest.raises(MissingDatasetError, match="found none"):
        next(verify.parities(tiny_model, tmp_path, tmp_path, "test", ("openvino",)))
