"""Every recipe of docs/embedding.md runs as it stands there, in a folder that holds what it names."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import cv2
import numpy as np
import pytest

ROOT = Path(__file__).resolve().parent.parent
PAGE = (ROOT / "docs" / "embedding.md").read_text(encoding="utf-8")
BLOCKS = re.findall(r"```python\n(.*?)```", PAGE, re.DOTALL)
RECIPES = {found[1]: block for block in BLOCKS if (found := re.match(r"# recipe: (\w+)\n", block))}


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory, astronaut: np.ndarray) -> Path:
    """A folder with a portrait, pictures and a video."""
    place = tmp_path_factory.mktemp("embedding")
    picture = cv2.cvtColor(astronaut, cv2.COLOR_RGB2BGR)
    (place / "pictures").mkdir()
    for name in ("portrait.jpg", "pictures/one.png", "pictures/two.png"):
        cv2.imwrite(str(place / name), picture)
    writer = cv2.VideoWriter(str(place / "interview.mp4"), cv2.VideoWriter_fourcc(*"mp4v"), 25, (512, 512))
    for shift in range(8):
        writer.write(np.roll(picture, shift, axis=1))
    writer.release()
    return place


def run(code: str, folder: Path) -> str:
    environment = {**os.environ, "HOME": str(folder), "PYTHONPATH": str(ROOT), "OMP_NUM_THREADS": "2"}
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=folder, env=environment, capture_output=True, text=True, timeout=170
    )
    assert done.returncode == 0, done.stderr
    assert "Traceback" not in done.stderr
    return done.stdout


def test_every_block_is_known() -> None:
    assert set(RECIPES) == {"pandas", "opencv", "frames", "fastapi", "experiment", "notebook"}
    assert len(BLOCKS) == len(RECIPES) + 1


@pytest.mark.slow
def test_the_three_lines(folder: Path) -> None:
    assert run(BLOCKS[0], folder).startswith("happiness ")


@pytest.mark.slow
def test_a_folder_becomes_a_table(folder: Path) -> None:
    pytest.importorskip("pandas")
    said = run(RECIPES["pandas"], folder)

    assert re.search(r"happiness +2 ", said)
    assert len((folder / "faces.csv").read_text(encoding="utf-8").splitlines()) == 3


@pytest.mark.slow
def test_a_loop_with_opencv_draws(folder: Path) -> None:
    run(RECIPES["opencv"], folder)

    reader = cv2.VideoCapture(str(folder / "drawn.mp4"))
    count = 0
    while reader.read()[0]:
        count += 1
    assert count == 8


@pytest.mark.slow
def test_frames_of_another_program_are_taken(folder: Path) -> None:
    assert run(RECIPES["frames"], folder) == "", "no face in black pictures"


@pytest.mark.slow
def test_a_service_answers(folder: Path) -> None:
    pytest.importorskip("fastapi")
    pytest.importorskip("httpx")
    ask = """
from fastapi.testclient import TestClient
from concurrent.futures import ThreadPoolExecutor
client = TestClient(app)
content = open("portrait.jpg", "rb").read()
with ThreadPoolExecutor(4) as threads:
    answers = list(threads.map(lambda _: client.post("/faces", content=content), range(4)))
print([answer.json()["faces"][0]["emotion"] for answer in answers])
wrong = client.post("/faces", content=b"no picture")
print(wrong.status_code, wrong.json()["detail"])
"""
    said = run(RECIPES["fastapi"] + ask, folder).splitlines()

    assert said[0] == str(["happiness"] * 4)
    assert said[1].startswith("422 bytes: expected a picture")


@pytest.mark.slow
def test_an_experiment_sends_markers(folder: Path) -> None:
    pytest.importorskip("pylsl")
    said = run(RECIPES["experiment"], folder)

    assert {line.split()[0] for line in said.splitlines()} == {"first", "second"}


@pytest.mark.slow
def test_a_notebook_plots(folder: Path) -> None:
    for library in ("pandas", "matplotlib"):
        pytest.importorskip(library)
    run(RECIPES["notebook"], folder)

    assert cv2.imread(str(folder / "emotions.png")).std() > 5
