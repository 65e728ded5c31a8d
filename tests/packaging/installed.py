"""A wheel built from this checkout and installed into an empty environment, far from the checkout."""

from __future__ import annotations

import os
import subprocess
import sys
import sysconfig
import venv
from dataclasses import dataclass
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]


def build_wheel(project: Path, out: Path) -> Path:
    """Build the wheel of a folder with a pyproject.toml, without downloading anything.

    Args:
        project: The folder.
        out: Where the wheel goes.
    """
    pytest.importorskip("hatchling", reason="needs hatchling, which builds the wheels")
    command = [sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", str(out)]
    done = subprocess.run(command, cwd=project, capture_output=True, text=True, timeout=120)
    assert done.returncode == 0, done.stderr
    (wheel,) = out.glob("*.whl")
    return wheel


@dataclass(frozen=True)
class Environment:
    """An environment with one wheel of ours, and the libraries that are installed where the tests run.

    Attributes:
        folder: Of the environment.
        place: An empty folder to work in.
    """

    folder: Path
    place: Path

    @property
    def site_packages(self) -> Path:
        """Where the wheel was installed to."""
        scheme = "nt_venv" if os.name == "nt" else "posix_venv"
        base = {"base": str(self.folder), "platbase": str(self.folder)}
        paths = sysconfig.get_path(
            "purelib", scheme if scheme in sysconfig.get_scheme_names() else None, base
        )
        return Path(paths)

    def program(self, name: str) -> str:
        """Return the path of a program of the environment."""
        return str(self.folder / ("Scripts" if os.name == "nt" else "bin") / name)

    def run(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        """Run a program of the environment in the empty folder, with a home of its own and no display."""
        environment = {name: value for name, value in os.environ.items() if name != "PYTHONPATH"}
        environment.update(HOME=str(self.place), XDG_CONFIG_HOME=str(self.place / "config"))
        environment.update(XDG_STATE_HOME=str(self.place / "state"), QT_QPA_PLATFORM="offscreen")
        return subprocess.run(
            [self.program(arguments[0]), *arguments[1:]],
            cwd=self.place,
            env=environment,
            capture_output=True,
            text=True,
            timeout=170,
        )


def install(wheel: Path, folder: Path) -> Environment:
    """Make an environment that holds the wheel and sees the libraries of this one.

    Args:
        wheel: The wheel.
        folder: Empty; gets the environment and the place to work in.
    """
    pytest.importorskip("pip", reason="needs pip, which installs the wheel")
    environment = Environment(folder / "environment", folder / "somewhere")
    environment.place.mkdir()
    venv.create(environment.folder, with_pip=False)
    libraries = environment.site_packages / "libraries_of_the_tests.pth"
    libraries.write_text(sysconfig.get_path("purelib") + "\n", encoding="utf-8")
    command = [sys.executable, "-m", "pip", "--disable-pip-version-check", "--python"]
    command += [environment.program("python"), "install", "--no-deps", "--no-index", "--quiet", str(wheel)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=120)
    assert done.returncode == 0, done.stderr
    return environment
