"""What can't work is told in the first line: another Python, another numpy, another package of our name."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from faceapp import surroundings
from faceapp.__main__ import main

ROOT = Path(__file__).resolve().parents[2]


@pytest.mark.parametrize("found", [(3, 9, 18), (3, 13, 1), (4, 0, 0)])
def test_another_python_is_named_with_how_to_get_one(found: tuple[int, int, int]) -> None:
    said = surroundings.python_problem(found)

    assert "expected Python 3.10, 3.11 or 3.12" in said and "found " + ".".join(map(str, found)) in said
    assert "uv python install 3.12" in said and "\n" not in said


@pytest.mark.parametrize("found", [(3, 10, 0), (3, 11, 7), (3, 12, 9)])
def test_these_pythons_will_do(found: tuple[int, int, int]) -> None:
    assert surroundings.python_problem(found) == ""


def test_numpy_2_is_named_with_what_to_install() -> None:
    assert surroundings.numpy_problem("1.26.4") == surroundings.numpy_problem("") == ""
    said = surroundings.numpy_problem("2.1.3")
    assert "expected numpy 1.26" in said and "found 2.1.3" in said and "pip install" in said


def test_the_program_ends_with_that_line_before_anything_else(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(sys, "version_info", (3, 13, 0, "final", 0))

    assert main(["--version"]) == 2
    out, errors = capsys.readouterr()
    assert out == "" and errors.startswith("faceapp: expected Python 3.10") and errors.count("\n") == 1


def run_version(folder: Path, search: Path) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "faceapp", "--version"]
    environment = {**os.environ, "PYTHONPATH": str(search)}
    return subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True, timeout=60)


def other_engines(folder: Path) -> Path:
    """Write a package of another project, which can't even be imported here."""
    package = folder / "engines"
    package.mkdir(exist_ok=True)
    (package / "__init__.py").write_text("import something_that_is_not_here\n", encoding="utf-8")
    return package


def test_another_package_engines_that_comes_first_is_told(tmp_path: Path) -> None:
    package = other_engines(tmp_path)
    done = run_version(tmp_path, ROOT)

    (line,) = done.stderr.splitlines()
    assert done.returncode == 2 and done.stdout == ""
    assert line.startswith("faceapp: expected the program's own package engines") and str(package) in line
    assert "start faceapp in another folder" in line and "pipx install faceapp" in line


def test_another_package_engines_written_over_ours_is_told(tmp_path: Path) -> None:
    for name in ("faceapp", "engines"):
        shutil.copytree(ROOT / name, tmp_path / name, ignore=shutil.ignore_patterns("__pycache__"))
    other_engines(tmp_path)
    done = run_version(tmp_path, tmp_path)

    (line,) = done.stderr.splitlines()
    assert (
        done.returncode == 2
        and "another package has overwritten it" in line
        and "pip uninstall engines" in line
    )


def test_a_missing_package_engines_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(surroundings, "find_spec", lambda name: None)

    assert "found none; install faceapp again" in surroundings.shadow_problem(tmp_path)


def test_ours_is_fine() -> None:
    assert surroundings.problem() == ""


def test_the_version_is_told_without_loading_numpy() -> None:
    code = """
import sys
from faceapp.__main__ import main
try:
    main(["--version"])
finally:
    assert "numpy" not in sys.modules
"""
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    done = subprocess.run([sys.executable, "-c", code], env=environment, capture_output=True, text=True)

    assert done.returncode == 0 and done.stdout.startswith("faceapp "), done.stderr
