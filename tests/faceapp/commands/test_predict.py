from __future__ import annotations

import csv
from contextlib import closing
from pathlib import Path

import cv2
import numpy as np
import pytest

import engines.models
from engines.card import EMOTIONS, InputSpec
from engines.engine import load_engine
from engines.preprocess import cut_chip, face_matrix, prepare_batch
from engines.visibility import load_visibility
from faceapp.__main__ import main
from faceapp.tracking.face_crops import CropLandmarker, PlacedCrop, place_crop
from tests.tiny_models import VISIBILITY_TASKS, write_tiny_model

FACE = (slice(40, 220), slice(140, 300))
HEADER = (
    "image,emotion,p_neutral,p_happiness,p_surprise,p_sadness,p_anger,p_disgust,p_fear,p_contempt,"
    "age_years,age_std_years,p_female,p_smile,occlusion,model,"
    "face,x0_px,y0_px,x1_px,y1_px,score,yaw_deg,pitch_deg,roll_deg"
)


def save(path: Path, image: np.ndarray) -> Path:
    bgr = image if image.ndim == 2 else cv2.cvtColor(image, cv2.COLOR_RGB2BGR)
    path.write_bytes(cv2.imencode(path.suffix, bgr)[1].tobytes())
    return path


@pytest.fixture
def crops(tmp_path: Path, astronaut: np.ndarray) -> Path:
    """Eighteen crops, more than a batch: faces of several sizes, every third gray, one without a face."""
    folder = tmp_path / "crops"
    folder.mkdir()
    for index in range(1, 18):
        crop = astronaut[40 + index : 220, 140 + 2 * index : 300]
        crop = cv2.resize(crop, (48, 48 + index), interpolation=cv2.INTER_AREA)
        save(folder / f"face{index}.png", cv2.cvtColor(crop, cv2.COLOR_RGB2GRAY) if index % 3 == 0 else crop)
    save(folder / "face18.png", np.full((50, 40), 90, dtype=np.uint8))
    return folder


def predict(tiny_model: Path, out: Path, *arguments: str) -> tuple[int, list[dict[str, str]]]:
    code = main(["predict", "--model", str(tiny_model), "--out", str(out), *arguments])
    with out.open(newline="", encoding="utf-8") as stream:
        return code, list(csv.DictReader(stream))


def test_crops_give_a_row_each_in_order_with_all_columns(tiny_model: Path, crops: Path, tmp_path: Path):
    out = tmp_path / "out.csv"
    code, rows = predict(tiny_model, out, "--crops", "--images", str(crops), "--occlusion", "none")
    assert code == 0
    assert out.read_text().splitlines()[0] == HEADER
    assert [row["image"] for row in rows] == [str(crops / f"face{index}.png") for index in range(1, 19)]
    for row in rows:
        emotions = [float(row[f"p_{name}"]) for name in EMOTIONS]
        assert sum(emotions) == pytest.approx(1, abs=1e-5)
        assert row["emotion"] == EMOTIONS[int(np.argmax(emotions))]
        assert 0 <= float(row["age_years"]) <= 100 and float(row["age_std_years"]) > 0
        assert 0 <= float(row["p_female"]) <= 1 and 0 <= float(row["p_smile"]) <= 1
        assert (row["occlusion"], row["model"]) == ("none", "tiny")
        assert row["face"] == row["x0_px"] == row["roll_deg"] == "", "nothing is looked for in a crop"


def test_crops_are_prepared_as_in_training(tiny_model: Path, crops: Path, tmp_path: Path):
    """The reference is what training does with a file: mesh on the crop, then aligned or whole, one chip."""
    plain = ("--crops", "--images", str(crops), "--occlusion", "none")
    _, rows = predict(tiny_model, tmp_path / "out.csv", *plain)
    with load_engine(tiny_model) as engine, CropLandmarker() as landmarker:
        aligned = 0
        for row in rows:
            rgb = cv2.cvtColor(cv2.imread(row["image"], cv2.IMREAD_COLOR), cv2.COLOR_BGR2RGB)
            landmarks = landmarker.find(rgb)
            aligned += landmarks is not None
            box = np.array([0, 0, rgb.shape[1], rgb.shape[0]], dtype=np.float32)
            spec = engine.card.input
            expected = engine.infer(cut_chip(rgb, face_matrix(spec, landmarks, box), spec)[None])
            found = [float(row[f"p_{name}"]) for name in EMOTIONS]
            np.testing.assert_allclose(found, expected["emotion"][0], atol=2e-3)  # batches differ in rounding
            assert float(row["age_years"]) == pytest.approx(expected["age_years"][0], abs=0.2)
    assert 10 <= aligned <= 17, "both branches are covered"


def test_a_gray_file_gives_the_very_chip_of_its_gray_pixels(astronaut: np.ndarray, tmp_path: Path):
    gray = cv2.cvtColor(astronaut[FACE], cv2.COLOR_RGB2GRAY)
    path = save(tmp_path / "gray.png", gray)
    as_colour = cv2.cvtColor(cv2.imread(str(path), cv2.IMREAD_COLOR), cv2.COLOR_BGR2RGB)
    with CropLandmarker() as landmarker:
        landmarks = landmarker.find(as_colour)
        assert landmarks is not None
        np.testing.assert_array_equal(landmarks, landmarker.find(gray))
    for size in (48, 112):
        for points in (landmarks, None):
            spec = InputSpec(size=size)
            matrix = PlacedCrop(*gray.shape, points).matrix(spec)
            np.testing.assert_array_equal(
                prepare_batch(as_colour, [matrix], spec), prepare_batch(gray, [matrix], spec)
            )


def test_the_number_of_threads_changes_nothing(tiny_model: Path, crops: Path, tmp_path: Path):
    tables = [
        predict(tiny_model, tmp_path / f"{jobs}.csv", "--crops", "--jobs", jobs, "--images", str(crops))[1]
        for jobs in ("1", "5")
    ]
    assert tables[0] == tables[1]


def test_files_keep_the_order_given(tiny_model: Path, crops: Path, tmp_path: Path):
    names = [str(crops / f"face{index}.png") for index in (3, 1, 2, 1)]
    _, rows = predict(tiny_model, tmp_path / "out.csv", "--crops", "--images", *names)
    assert [row["image"] for row in rows] == names
    assert rows[1] == rows[3]


def test_a_picture_that_is_none_is_named_and_the_others_stay(
    tiny_model: Path, crops: Path, tmp_path: Path, capfd: pytest.CaptureFixture[str]
):
    _, before = predict(tiny_model, tmp_path / "before.csv", "--crops", "--images", str(crops))
    for name in ("face2.png", "face9.png"):
        (crops / name).write_bytes(b"nothing")
    capfd.readouterr()
    code, rows = predict(tiny_model, tmp_path / "out.csv", "--crops", "--images", str(crops))
    assert code == 2
    assert [row["image"] for row in rows] == [
        row["image"] for row in before if not row["image"].endswith(("face2.png", "face9.png"))
    ]
    errors = [line for line in capfd.readouterr().err.splitlines() if line.startswith("faceapp:")]
    assert [line.split(":")[1].strip() for line in errors] == [
        str(crops / "face2.png"),
        str(crops / "face9.png"),
    ]


def test_whole_pictures_give_a_row_per_face(tiny_model: Path, astronaut: np.ndarray, tmp_path: Path, capfd):
    two = np.concatenate([astronaut, astronaut], axis=1)
    paths = [
        save(tmp_path / "1.png", two),
        save(tmp_path / "2.png", np.full((200, 300, 3), 120, dtype=np.uint8)),
        save(tmp_path / "3.png", astronaut),
    ]
    code, rows = predict(tiny_model, tmp_path / "out.csv", "--images", *map(str, paths))
    assert code == 0
    assert [row["image"] for row in rows] == [str(paths[0]), str(paths[0]), str(paths[1]), str(paths[2])]
    assert not any(value for name, value in rows.pop(2).items() if name != "image")
    assert "no face found in 1 of 3 pictures" in capfd.readouterr().err
    assert [row["face"] for row in rows] == ["1", "2", "1"]
    width = astronaut.shape[1]
    for row, shift in zip(rows, (0, width, 0), strict=True):
        assert shift < float(row["x0_px"]) < float(row["x1_px"]) < shift + width
        assert float(row["y0_px"]) < float(row["y1_px"]) and abs(float(row["yaw_deg"])) < 45
        assert 0 < float(row["score"]) <= 1
    left, right, alone = ([float(row[f"p_{name}"]) for name in EMOTIONS] for row in rows)
    np.testing.assert_allclose(left, alone, atol=0.1)
    np.testing.assert_allclose(right, alone, atol=0.1)


@pytest.fixture
def models(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder of models as the program ships it, tiny and random, without the one for masks."""
    folder = tmp_path / "models"
    write_tiny_model(folder / "multitask", name="multitask")
    write_tiny_model(folder / "multitask-headset", name="multitask-headset", occlusion="headset", seed=1)
    write_tiny_model(folder / "visibility", name="visibility", tasks=VISIBILITY_TASKS, seed=2)
    monkeypatch.setattr(engines.models, "MODELS_DIR", folder)
    return folder


def test_auto_takes_the_model_that_suits_each_crop(models: Path, crops: Path, tmp_path: Path):
    """The occlusions come from random weights: what matters is that model and emptiness follow from them."""
    table = tmp_path / "out.csv"
    assert main(["predict", "--crops", "--images", str(crops), "--out", str(table)]) == 0
    with table.open(newline="", encoding="utf-8") as stream:
        rows = list(csv.DictReader(stream))
    assert len(rows) == 18
    expected = {"none": "multitask", "headset": "multitask-headset", "mask": "multitask", "hidden": ""}
    with closing(load_visibility()) as visibility, CropLandmarker() as landmarker:
        for row in rows:
            crop = cv2.cvtColor(cv2.imread(row["image"], cv2.IMREAD_COLOR), cv2.COLOR_BGR2RGB)
            placed = place_crop(crop, landmarker.find(crop), visibility)
            assert row["occlusion"] == placed.occlusion
            assert row["model"] == expected[placed.occlusion]
            assert (row["emotion"] == "") == (row["p_smile"] == "") == (placed.occlusion == "hidden")


@pytest.mark.parametrize("mode", ["none", "headset", "mask"])
def test_a_forced_occlusion_takes_its_model_for_every_crop(
    models: Path, crops: Path, tmp_path: Path, mode: str
):
    _, rows = predict(
        Path("auto"), tmp_path / "out.csv", "--crops", "--images", str(crops), "--occlusion", mode
    )
    assert {row["occlusion"] for row in rows} == {mode}
    assert {row["model"] for row in rows} == {"multitask-headset" if mode == "headset" else "multitask"}


def test_a_named_model_answers_for_every_crop_and_every_picture(
    models: Path, crops: Path, tmp_path: Path, astronaut: np.ndarray
):
    headset = models / "multitask-headset"
    _, rows = predict(headset, tmp_path / "out.csv", "--crops", "--images", str(crops))
    assert len(rows) == 18
    assert all(row["model"] == "multitask-headset" and row["emotion"] for row in rows)
    whole = save(tmp_path / "whole.png", astronaut)
    _, (row,) = predict(headset, tmp_path / "out.csv", "--images", str(whole))
    assert row["model"] == "multitask-headset" and row["emotion"]


def test_auto_reads_whole_pictures_as_the_window_does(models: Path, tmp_path: Path, astronaut: np.ndarray):
    whole = save(tmp_path / "whole.png", astronaut)
    _, (row,) = predict(Path("auto"), tmp_path / "a.csv", "--images", str(whole), "--occlusion", "headset")
    assert (row["occlusion"], row["model"]) == ("headset", "multitask-headset")


def test_an_output_that_cannot_be_written_is_one_line_and_leaves_nothing(
    tiny_model: Path, crops: Path, tmp_path, capfd
):
    (tmp_path / "file").write_text("")
    code = main(
        [
            "predict",
            "--model",
            str(tiny_model),
            "--crops",
            "--images",
            str(crops),
            "--out",
            str(tmp_path / "file" / "x.csv"),
        ]
    )
    assert code == 2
    (line,) = capfd.readouterr().err.splitlines()
    assert "expected a file that can be written" in line


@pytest.mark.parametrize("damage", ["model", "card", "missing"])
def test_a_damaged_model_is_one_line_and_an_older_table_stays(
    tiny_model: Path, crops: Path, tmp_path: Path, capfd: pytest.CaptureFixture[str], damage: str
):
    import shutil

    model = shutil.copytree(tiny_model, tmp_path / "model")
    if damage == "model":
        (model / "model.onnx").write_bytes((model / "model.onnx").read_bytes()[:-1])
    elif damage == "card":
        (model / "card.json").write_text("{")
    else:
        shutil.rmtree(model)
    out = tmp_path / "out.csv"
    out.write_text("older")
    assert main(["predict", "--model", str(model), "--crops", "--images", str(crops), "--out", str(out)]) == 2
    (line,) = capfd.readouterr().err.splitlines()
    assert line.startswith("faceapp: ") and "expected" in line
    assert out.read_text() == "older"
    assert not list(tmp_path.glob(".*.part"))
