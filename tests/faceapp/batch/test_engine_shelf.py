from __future__ import annotations

import shutil
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from engines.errors import EngineError
from faceapp.analysis.face_reader import FaceReader
from faceapp.batch.engine_shelf import EngineShelf
from faceapp.settings import Settings


def is_open(reader: FaceReader) -> bool:
    picture = np.zeros((64, 64, 3), dtype=np.uint8)
    try:
        reader.engines["none"].predict(picture, [None], [np.float32([8, 8, 40, 40])])
    except EngineError as error:
        assert "found it closed" in str(error)
        return False
    return True


def test_the_next_job_gets_the_same_engines_and_its_own_past(tiny_model: Path) -> None:
    shelf, settings = EngineShelf(), Settings(model=str(tiny_model))
    first = shelf.reader(settings)
    first.close()
    second = shelf.reader(replace(settings, smoothing=0.9))
    assert second is not first and second.engines == first.engines
    assert (first.smoothing, second.smoothing) == (settings.smoothing, 0.9)
    assert is_open(second)
    shelf.close()
    assert not is_open(second)


def test_other_engines_are_loaded_where_others_are_wanted(tiny_model: Path, tmp_path: Path) -> None:
    shelf = EngineShelf()
    other = shutil.copytree(tiny_model, tmp_path / "other")
    first = shelf.reader(Settings(model=str(tiny_model)))
    second = shelf.reader(Settings(model=str(other)))
    assert second.engines["none"] is not first.engines["none"]
    assert is_open(second) and not is_open(first)
    shelf.close()


def test_engines_of_a_gpu_are_not_kept(tiny_model: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("faceapp.batch.engine_shelf._KEPT", ())
    shelf = EngineShelf()
    reader = shelf.reader(Settings(model=str(tiny_model)))
    assert is_open(reader)
    reader.close()
    assert not is_open(reader)
