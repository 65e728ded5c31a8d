from __future__ import annotations

import dataclasses
import json
from pathlib import Path

import cv2
import numpy as np
import pytest

from engines.card import InputSpec
from engines.preprocess import cut_chip, face_matrix
from faceapp.tracking.face_crops import CropLandmarker
from tests.training.made_faces import made_faces
from tests.training.native_sets import WRITERS
from training.data.face_cuts import UNIT_SIZE
from training.data.preparation import prepare
from training.data.prepared import load_prepared
from training.data.prepared_files import read_arrays
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


def test_sets_prepared_before_the_newer_columns_still_load(tmp_path: Path) -> None:
    load_prepared("utkface", WRITERS["utkface"](tmp_path / "data"), tmp_path / "cache", workers=1)
    folder = tmp_path / "cache" / "utkface"
    with np.load(folder / "labels.npz") as labels:
        newer = ("age_low_years", "age_high_years", "fold", "box")
        older = {name: array for name, array in labels.items() if name not in newer}
    np.savez(folder / "labels.npz", **older)
    (folder / "about.json").write_text('{"format": 1, "set": "utkface"}')

    faces = load_prepared("utkface", tmp_path / "data", tmp_path / "cache")

    assert len(faces) == 4 and (faces.fold == -1).all()
    assert np.isnan(faces.age_low_years).all() and np.isnan(faces.age_high_years).all()
    assert faces.box.shape == (4, 4) and np.isnan(faces.box).all()
    assert np.array_equal(dataclasses.replace(faces, smile=faces.female).smile, faces.female, equal_nan=True)


def test_age_groups_and_folds_are_carried(tmp_path: Path) -> None:
    faces = load_prepared("adience", WRITERS["adience"](tmp_path / "data"), tmp_path / "cache", workers=1)

    assert faces.fold.tolist() == [0, 1, 2, 3, 4] and faces.fold.dtype == np.int32
    assert faces.age_low_years[:3].tolist() == [25, 35, 60] and faces.age_high_years[:3].tolist() == [
        32,
        35,
        100,
    ]
    assert np.isnan(faces.age_low_years[3]) and np.isnan(faces.age_years[0]) and faces.age_years[1] == 35
    assert faces.age_low_years.dtype == np.float32 and np.isnan(faces.box).all()


def test_pixels_kept_in_a_table_are_prepared(tmp_path: Path) -> None:
    faces = load_prepared("fer2013", WRITERS["fer2013"](tmp_path / "data"), tmp_path / "cache", workers=1)

    assert faces.image(1)[0, :3].tolist() == [60, 61, 62]
    assert len(faces) == 4 and faces.subject[3] == "fer0000003"


def test_a_face_in_a_larger_picture_is_its_box(tmp_path: Path) -> None:
    faces = load_prepared("gallagher", WRITERS["gallagher"](tmp_path / "data"), tmp_path / "cache", workers=1)

    side = 40 / 0.3483
    x0, y0, x1, y1 = faces.box[0]
    assert (x1 - x0, y1 - y0) == pytest.approx((side, side), abs=0.1)
    assert faces.shapes[0].tolist() == [160, 160], "a quarter around it, as far as the picture goes"
    centre = np.array([(x0 + x1) / 2, (y0 + y1) / 2, 1]) - (0.5, 0.5, 0)
    assert faces.matrix(0, 48, align=False) @ centre == pytest.approx([23.5, 23.5], abs=0.01)


def test_a_face_that_fills_a_share_of_its_picture_is_its_middle(tmp_path: Path) -> None:
    faces = load_prepared("lfw", WRITERS["lfw"](tmp_path / "data"), tmp_path / "cache", workers=1)

    x0, y0, x1, y1 = faces.box[0]
    assert (x1 - x0, y1 - y0) == pytest.approx((250 / 2.2, 250 / 2.2), abs=0.1)
    assert max(faces.shapes[0]) <= 173


@pytest.mark.parametrize("workers", [1, 2])
def test_unreadable_pictures_are_skipped_and_counted(
    tmp_path: Path, caplog: pytest.LogCaptureFixture, workers: int
) -> None:
    root = WRITERS["ferplus"](tmp_path / "data")
    (root / "FER2013Train" / "fer0000001.png").write_bytes(b"")
    table = root / "FER2013Valid" / "label.csv"
    table.write_text(table.read_text().replace("0,10,0", "0,x,0", 1))

    with caplog.at_level("WARNING"):
        faces = load_prepared("ferplus", root, tmp_path / "cache", workers=workers, on_bad="skip")

    assert len(faces) == 4
    assert "ferplus: 2 of 8 skipped: label.csv:2, fer0000001.png; the first: " in caplog.text
    assert json.loads((tmp_path / "cache" / "ferplus" / "about.json").read_text())["skipped"] == 2


def test_a_stopped_preparation_leaves_the_older_one_whole(tmp_path: Path) -> None:
    root = WRITERS["genki4k"](tmp_path / "data")
    before = load_prepared("genki4k", root, tmp_path / "cache", workers=1)
    (root / "files" / "file0002.jpg").write_bytes(b"")

    with pytest.raises(DatasetError, match=r"file0002\.jpg: expected a picture"):
        prepare("genki4k", root, tmp_path / "cache", workers=1)

    assert np.array_equal(read_arrays(Path(before.kept), "genki4k")["pixels"], before.pixels)
    assert not list((tmp_path / "cache").rglob("*.part"))


def test_a_box_outside_its_picture_is_named(tmp_path: Path) -> None:
    root = WRITERS["gallagher"](tmp_path / "data")
    table = root / "Fam2a" / "PersonData.txt"
    table.write_text(table.read_text().replace("60\t64\t100\t64", "960\t64\t990\t64", 1))

    with pytest.raises(
        DatasetError, match=r"9284053@N07\.jpg: expected a face inside the picture of 160x160"
    ):
        load_prepared("gallagher", root, tmp_path / "cache", workers=1)


def test_an_empty_split_is_named() -> None:
    faces = made_faces("ferplus")
    faces.require("train", "validation")
    faces = dataclasses.replace(faces, split=np.zeros(len(faces), np.uint8))

    with pytest.raises(DatasetError, match="ferplus: expected pictures in validation, found none among 24"):
        faces.require("train", "validation")


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
