"""The wheel, installed into an empty environment and used in an unrelated folder, does what the checkout does."""

from __future__ import annotations

import csv
import json
import tarfile
import zipfile
from pathlib import Path

import cv2
import numpy as np
import pytest

from tests.packaging.installed import ROOT, Environment, build_wheel, install

LARGEST_WHEEL_BYTES = 32 << 20
ASSETS = {
    path.relative_to(ROOT / "assets").as_posix()
    for path in (ROOT / "assets").rglob("*")
    if path.is_file() and "__pycache__" not in path.parts
}


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return build_wheel(ROOT, tmp_path_factory.mktemp("wheel"))


@pytest.fixture(scope="module")
def installed(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Environment:
    return install(wheel, tmp_path_factory.mktemp("installed"))


@pytest.fixture(scope="module")
def picture(installed: Environment) -> str:
    from skimage.data import astronaut

    name = "person.png"
    cv2.imwrite(
        str(installed.place / name), cv2.cvtColor(np.ascontiguousarray(astronaut()), cv2.COLOR_RGB2BGR)
    )
    return name


def test_the_wheel_is_small_and_holds_program_engines_and_assets(wheel: Path) -> None:
    names = set(zipfile.ZipFile(wheel).namelist())

    assert {name.split("/")[0] for name in names if ".dist-info/" not in name} == {
        *("faceapp", "engines", "faceapp_assets"),
    }, "training is a distribution of its own"
    assert {
        name.removeprefix("faceapp_assets/") for name in names if name.startswith("faceapp_assets/")
    } == ASSETS
    assert {"faceapp/py.typed", "engines/py.typed"} <= names
    assert not [name for name in names if "__pycache__" in name or name.endswith(".pyc")]
    assert wheel.stat().st_size < LARGEST_WHEEL_BYTES


@pytest.mark.slow
def test_the_installed_program_knows_its_version(installed: Environment) -> None:
    done = installed.run("faceapp", "--version")

    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.startswith("faceapp ") and done.stdout.split()[1][0].isdigit()


@pytest.mark.slow
def test_the_installed_doctor_finds_the_models_of_the_wheel(installed: Environment) -> None:
    done = installed.run("faceapp", "doctor")

    assert done.returncode == 0, done.stderr
    assert "multitask-mask" in done.stdout and "damaged" not in done.stdout
    code = "import engines.models, faceapp; print(engines.models.MODELS_DIR); print(faceapp.__file__)"
    models, program = installed.run("python", "-c", code).stdout.splitlines()
    assert Path(models) == installed.site_packages / "faceapp_assets" / "models"
    assert Path(program).parent == installed.site_packages / "faceapp"


@pytest.mark.slow
def test_the_installed_program_reads_a_picture(installed: Environment, picture: str) -> None:
    done = installed.run(
        "faceapp", "predict", "--model", "multitask", "--images", picture, "--out", "said.csv"
    )

    assert done.returncode == 0, done.stderr
    with (installed.place / "said.csv").open(encoding="utf-8") as table:
        (row,) = csv.DictReader(table)
    assert row["emotion"] == "happiness" and float(row["p_female"]) > 0.5


@pytest.mark.slow
def test_the_installed_program_analyses(installed: Environment, picture: str) -> None:
    done = installed.run("faceapp", "analyze", picture, "--out", "sessions")

    assert done.returncode == 0, done.stderr
    session = json.loads(
        (installed.place / "sessions" / "person" / "session.json").read_text(encoding="utf-8")
    )
    assert session["state"] == "closed" and session["frames"]["with_faces"] == 1


@pytest.mark.slow
def test_the_installed_window_is_drawn_offscreen(installed: Environment) -> None:
    done = installed.run("faceapp", "--source", "demo", "--sessions", "recorded")

    assert done.returncode == 0, done.stderr
    (drawn,) = (installed.place / "recorded").glob("*/window.png")
    window = cv2.imread(str(drawn))
    assert min(window.shape[:2]) > 400 and window.std() > 10, "a window with something on it"


@pytest.mark.slow
def test_the_source_distribution_builds_the_same_wheel(wheel: Path, tmp_path: Path) -> None:
    from hatchling.builders.sdist import SdistBuilder

    (archive,) = (Path(each) for each in SdistBuilder(str(ROOT)).build(directory=str(tmp_path)))
    with tarfile.open(archive) as packed:
        packed.extractall(tmp_path / "unpacked", filter="data")
    (source,) = (tmp_path / "unpacked").iterdir()
    again = build_wheel(source, tmp_path / "wheel")

    assert (source / "training" / "__main__.py").is_file() and (source / "packaging").is_dir()
    assert zipfile.ZipFile(again).namelist() == zipfile.ZipFile(wheel).namelist()


@pytest.mark.slow
def test_the_engines_alone_read_a_crop(tmp_path: Path) -> None:
    environment = install(build_wheel(ROOT / "packaging" / "engines", tmp_path / "wheel"), tmp_path)
    code = """
import sys
import numpy as np
from engines.engine import load_engine
with load_engine("multitask", "onnxruntime") as engine:
    print(engine.predict(np.zeros((64, 64, 3), np.uint8), [None], [(0, 0, 64, 64)])["emotion"].shape)
print(sorted(name for name in ("faceapp", "PySide6", "mediapipe", "torch") if name in sys.modules))
"""
    done = environment.run("python", "-c", code)

    assert (done.returncode, done.stdout) == (0, "(1, 8)\n[]\n"), done.stderr
    assert not (environment.site_packages / "faceapp").exists()


def test_training_is_a_distribution_that_names_what_it_needs(tmp_path: Path) -> None:
    with zipfile.ZipFile(build_wheel(ROOT / "packaging" / "training", tmp_path)) as wheel:
        (description,) = (name for name in wheel.namelist() if name.endswith("/METADATA"))
        text = wheel.read(description).decode()
        tops = {name.split("/")[0] for name in wheel.namelist() if ".dist-info/" not in name}

    assert tops == {"training"}
    assert "Requires-Dist: torch==" in text and "Requires-Dist: faceapp==" in text
