"""What the program without Python is made from: icons, menu entry, description, workflow; the build itself is `make package`."""

from __future__ import annotations

import ast
import configparser
import re
import subprocess
import sys
from pathlib import Path

import pytest
from PIL import Image

from tests.packaging.installed import ROOT

PROGRAM = ROOT / "packaging" / "program"


def test_icons_have_every_size(tmp_path: Path) -> None:
    done = subprocess.run(
        [sys.executable, str(PROGRAM / "icons.py"), str(tmp_path)],
        capture_output=True,
        text=True,
        timeout=100,
    )
    assert done.returncode == 0, done.stderr
    for size in (16, 48, 256, 1024):
        with Image.open(tmp_path / f"faceapp-{size}.png") as icon:
            assert icon.size == (size, size) and icon.getextrema()[3][1] == 255, "something is drawn"
    for name, format_ in (("faceapp.ico", "ICO"), ("faceapp.icns", "ICNS")):
        with Image.open(tmp_path / name) as icon:
            assert icon.format == format_ and len(icon.info["sizes"]) >= 6


def test_the_menu_entry_opens_files_with_a_command_that_exists() -> None:
    from faceapp.__main__ import COMMANDS

    entry = configparser.RawConfigParser()
    entry.optionxform = str  # type: ignore[assignment,method-assign]
    entry.read(ROOT / "packaging" / "linux" / "faceapp.desktop", encoding="utf-8")
    fields = dict(entry["Desktop Entry"])
    program, command, files = fields["Exec"].split()
    assert (program, files) == ("faceapp", "%f") and command in COMMANDS
    assert {"video/mp4", "video/x-matroska", "inode/directory"} <= set(fields["MimeType"].split(";"))
    application = (ROOT / "faceapp" / "ui" / "application.py").read_text(encoding="utf-8")
    assert f'setDesktopFileName("{fields["Icon"]}")' in application, "Wayland finds name and icon by it"


def test_the_description_leaves_nothing_out_that_the_program_needs() -> None:
    tree = ast.parse((PROGRAM / "faceapp.spec").read_text(encoding="utf-8"))
    (left_out,) = (
        ast.literal_eval(
            ast.Tuple([element for part in node.value.elts for element in part.value.elts], ast.Load())
        )
        for node in ast.walk(tree)
        if isinstance(node, ast.Assign) and getattr(node.targets[0], "id", "") == "LEFT_OUT"
    )
    project = (ROOT / "pyproject.toml").read_text(encoding="utf-8")
    needed = re.search(r"^dependencies = \[\n(.*?)^\]", project, re.DOTALL | re.MULTILINE)
    assert needed is not None
    names = {name.lower() for name in re.findall(r'^    "([\w.-]+)', needed[1], re.MULTILINE)}
    assert "mediapipe" in names
    assert not names & {name.lower() for name in left_out}
    assert {"jax", "jaxlib", "scipy", "torch"} <= set(left_out)


def test_the_workflow_builds_on_three_systems_with_what_is_there() -> None:
    text = (ROOT / ".github" / "workflows" / "release.yml").read_text(encoding="utf-8")

    assert {"ubuntu-22.04", "windows-2022", "macos-13"} <= set(re.findall(r"[a-z]+-[\d.]+", text))
    for file in re.findall(r"packaging/[\w/.]+", text):
        assert (ROOT / file).exists(), file
    makefile = (ROOT / "Makefile").read_text(encoding="utf-8")
    assert all(f"\n{target}:" in makefile for target in re.findall(r"make (\w+)$", text, re.MULTILINE))


@pytest.mark.parametrize("path", ["missing.mp4", "no/session"])
def test_opening_what_is_not_there_is_one_line(path: str, capsys: pytest.CaptureFixture[str]) -> None:
    from faceapp.__main__ import main

    assert main(["open", path]) == 2
    errors = capsys.readouterr().err
    assert errors.startswith(f"faceapp: {path}: expected") and errors.count("\n") == 1
