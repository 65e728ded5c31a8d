from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np
import pytest

from engines.card import InputSpec
from engines.preprocess import cut_chip, face_matrix
from faceapp.tracking.face_crops import CropLandmarker
from tests.training.native_sets import WRITERS
from training.data.prepared import UNIT_SIZE, load_prepared
from training.errors import DatasetError


def test_a_set_is_prepared_once_and_read_back(tmp_path: Path) -> None:
    WRITERS["ferplus"](tmp_path / "data")

    first = load_prepared("ferplus", tmp_path / "data", tmp_path / "cache", workers=1)
    WRITERS["ferplus"](tmp_path / "elsewhere")
    second = load_prepared("ferplus", tmp_path / "elsewhere", tmp_path / "cache")

    assert len(first) == len(second) == 6
    assert np.array_equal(first.pixels, second.pixels)
    assert len(second.where("train")) == len(second.where("validation")) == 3
    assert np.isnan(second.age_years).all()
    assert second.image(0).shape == (48, 48)


def test_a_damaged_cache_is_refused_with_advice(tmp_path: Path) -> None:
    WRITERS["ckplus"](tmp_path / "data")
    load_prepared("ckplus", tmp_path / "data", tmp_path / "cache", workers=1)
    labels = tmp_path / "cache" / "ckplus" / "labels.npz"
    labels.write_bytes(labels.read_bytes()[:100])

    with pytest.raises(DatasetError, match="remove the folder"):
        load_prepared("ckplus", tmp_path / "data", tmp_path / "cache")


def test_a_picture_that_is_none_is_named(tmp_path: Path) -> None:
    root = WRITERS["genki4k"](tmp_path / "data")
    (root / "files" / "file0002.jpg").write_bytes(b"not a picture")

    with pytest.raises(DatasetError, match=r"file0002\.jpg"):
        load_prepared("genki4k", root, tmp_path / "cache", workers=1)


def test_training_faces_are_the_chips_the_program_cuts(tmp_path: Path, astronaut: np.ndarray) -> None:
    crop = astronaut[20:220, 125:325]
    folder = tmp_path / "data" / "UTKFace"
    folder.mkdir(parents=True)
    path = folder / "36_1_0_19990101000000000.jpg.chip.jpg"
    cv2.imwrite(str(path), cv2.cvtColor(crop, cv2.COLOR_RGB2BGR))
    stored = cv2.cvtColor(cv2.imread(str(path)), cv2.COLOR_BGR2RGB)

    faces = load_prepared("utkface", tmp_path / "data", tmp_path / "cache", workers=1)

    spec = InputSpec(size=UNIT_SIZE)
    with CropLandmarker() as landmarker:
        landmarks = landmarker.find(stored)
    assert landmarks is not None
    live = cut_chip(stored, face_matrix(spec, landmarks, np.array([0, 0, 200, 200])), spec)
    trained = cut_chip(faces.image(0), faces.matrix(0, UNIT_SIZE), spec)
    # Only the order of warp and gray conversion differs: one level of rounding.
    assert np.abs(live.astype(int) - trained.astype(int)).max() <= 1


def test_another_chip_size_shows_the_same_part_of_the_picture(tmp_path: Path) -> None:
    faces = load_prepared("ferplus", WRITERS["ferplus"](tmp_path / "data"), tmp_path / "cache", workers=1)
    object.__setattr__(
        faces, "aligned", np.tile(np.float32([[0.9, 0.1, 1.5], [-0.1, 0.9, 2.5]]), (len(faces), 1, 1))
    )

    small, large = faces.matrix(0, 48), faces.matrix(0, 96)

    point = np.array([10.0, 20.0, 1.0])
    # Centres of pixels: position p of 48 lies at 2 p + 0.5 of 96.
    assert large @ point == pytest.approx(2 * (small @ point) + 0.5)
