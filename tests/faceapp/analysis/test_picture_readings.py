"""Crops go to the engine that suits them, one batch per engine, and hidden ones to none when none was named."""

from __future__ import annotations

from pathlib import Path
from typing import cast

import cv2
import numpy as np
import pytest

from engines.card import OCCLUSIONS, Occlusion
from engines.engine import Engine
from engines.preprocess import ALIGNMENT_POINTS
from engines.visibility import Visibility, VisibilityReader
from faceapp.analysis.picture_readings import CropReading
from tests.faceapp.fakes import FakeEngine
from tests.faceapp.tracking.meshes import face_mesh
from tests.faceapp.tracking.visibility import KnowingReader

KINDS: tuple[Occlusion, ...] = ("none", "headset", "hidden", "mask", "headset")


class GrayReader(KnowingReader):
    """Reads what hides a face from how gray the crop is."""

    def look(self, image: np.ndarray, matrices: list[np.ndarray]) -> Visibility:
        occlusion = np.zeros((1, 4), dtype=np.float32)
        occlusion[0, int(image[0, 0, 0]) // 60] = 1
        return Visibility(occlusion, face_mesh(30, 30, 40)[None, list(ALIGNMENT_POINTS), :2])


@pytest.fixture
def pictures(tmp_path: Path) -> list[Path]:
    paths = [tmp_path / f"{index}.png" for index in range(len(KINDS))]
    for path, kind in zip(paths, KINDS, strict=True):
        gray = np.full((60, 60), 60 * OCCLUSIONS.index(kind), dtype=np.uint8)
        path.write_bytes(cv2.imencode(".png", gray)[1].tobytes())
    return paths


def reading_of(abstains: bool, **named: FakeEngine) -> tuple[CropReading, list[GrayReader]]:
    readers: list[GrayReader] = []

    def open_visibility() -> VisibilityReader:
        readers.append(GrayReader())
        return cast(VisibilityReader, readers[-1])

    engines = cast("dict[Occlusion, Engine]", named)
    return CropReading(engines, open_visibility, "auto", abstains, jobs=2), readers


def test_each_crop_goes_to_its_engine_in_one_batch(pictures: list[Path]) -> None:
    full, headset = FakeEngine("full", value=0.1), FakeEngine("headset", value=0.9)
    reading, readers = reading_of(True, none=full, headset=headset)
    found = list(reading.read(pictures))
    assert [entry.picture for entry in found] == pictures
    assert tuple(entry.occlusion for entry in found) == KINDS
    assert [entry.prediction and entry.prediction.model for entry in found] == [
        *("full", "headset", "", "full", "headset")
    ]
    smiles = [entry.prediction.smile for entry in found if entry.prediction]
    np.testing.assert_allclose(smiles, [0.1, 0.9, np.nan, 0.1, 0.9], atol=1e-6)
    assert (full.batches, headset.batches) == ([2], [2])
    assert [reader.closed for reader in readers] == [1] * len(readers) and readers


def test_a_model_that_was_named_answers_for_hidden_faces_too(pictures: list[Path]) -> None:
    full = FakeEngine("full")
    reading, _ = reading_of(False, none=full)
    found = list(reading.read(pictures))
    assert {entry.prediction and entry.prediction.model for entry in found} == {"full"}
    assert tuple(entry.occlusion for entry in found) == KINDS
    assert full.batches == [5]
