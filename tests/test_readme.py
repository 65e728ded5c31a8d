"""Runs every command of the README, in a folder that holds what its examples name."""

from __future__ import annotations

import os
import re
import shlex
import subprocess
import sys
from importlib.metadata import metadata
from pathlib import Path

import cv2
import numpy as np
import pytest

from tests.training.native_sets import WRITERS

ROOT = Path(__file__).resolve().parent.parent
README = (ROOT / "README.md").read_text(encoding="utf-8")
COMMANDS = [
    line for block in re.findall(r"```sh\n(.*?)```", README, re.DOTALL) for line in block.splitlines() if line
]
API_CODE, ENGINE_CODE = re.findall(r"```python\n(.*?)```", README, re.DOTALL)
FRAMES = 30  # of the folder's video


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with the README's inputs: a video, pictures, crops and tiny data sets."""
    from skimage.data import astronaut

    place = tmp_path_factory.mktemp("readme")
    picture = cv2.cvtColor(np.ascontiguousarray(astronaut()), cv2.COLOR_RGB2BGR)
    for name, part in (("pictures/full.png", picture), ("crops/portrait.png", picture[20:220, 125:325])):
        (place / name).parent.mkdir()
        cv2.imwrite(str(place / name), part)
    writer = cv2.VideoWriter(str(place / "interview.mp4"), cv2.VideoWriter_fourcc(*"mp4v"), 25, (512, 512))
    for shift in range(FRAMES):
        writer.write(np.roll(picture, shift, axis=1))
    writer.release()
    for write in WRITERS.values():
        write(place / "data")
    return place


def run(arguments: list[str], folder: Path) -> subprocess.CompletedProcess[str]:
    environment = {
        **os.environ,
        "HOME": str(folder),
        "XDG_CONFIG_HOME": str(folder / "config"),
        "QT_QPA_PLATFORM": "offscreen",
    }
    environment.update(PYTHONPATH=str(ROOT), OMP_NUM_THREADS="2")
    return subprocess.run(
        arguments, cwd=folder, env=environment, capture_output=True, text=True, timeout=170, check=False
    )


def decimal_numbers(text: str) -> list[str]:
    return re.findall(r"\d+\.\d*", text)


def test_the_readme_shows_the_two_commands() -> None:
    assert COMMANDS[:2] == ["make run", "make test"]


@pytest.mark.slow
@pytest.mark.parametrize("command", COMMANDS)
def test_command_of_the_readme_works(command: str, folder: Path) -> None:
    program, *arguments = shlex.split(command)
    if program == "make":
        # They are what runs these tests; a dry run shows that the target is there.
        done = subprocess.run(
            ["make", "--dry-run", "--directory", str(ROOT), *arguments],
            capture_output=True,
            text=True,
            check=False,
        )
    elif program == "pip":
        extra = re.fullmatch(r"\.\[(\w+)\]", arguments[-1])
        extras = metadata("faceapp").get_all("Provides-Extra")
        assert extra and extra[1] in extras
        return
    else:
        prefix = [sys.executable, "-m", "faceapp"] if program == "faceapp" else [sys.executable]
        done = run([*prefix, *arguments], folder)
    assert done.returncode == 0, f"{command}\n{done.stdout}\n{done.stderr}"
    assert "Traceback" not in done.stderr


@pytest.mark.slow
def test_the_engine_code_of_the_readme_works(folder: Path) -> None:
    done = run([sys.executable, "-c", ENGINE_CODE], folder)

    assert done.returncode == 0, done.stderr
    assert len(decimal_numbers(done.stdout)) == 11, "eight emotions, age, gender and smile"


@pytest.mark.slow
def test_the_three_lines_of_the_readme_work(folder: Path) -> None:
    done = run([sys.executable, "-c", API_CODE], folder)

    assert done.returncode == 0, done.stderr
    assert done.stdout.startswith("happiness ") and len(decimal_numbers(done.stdout)) == 3


def test_links_of_the_readme_lead_somewhere() -> None:
    targets = re.findall(r"\]\(([^)#]+)\)", README)

    assert targets
    assert [target for target in targets if not (ROOT / target).exists()] == []
