"""What has to hold before anything else of the program is loaded; needs nothing but Python itself."""

from __future__ import annotations

import sys
from importlib.util import find_spec
from pathlib import Path

OLDEST, NEWEST = (3, 10), (3, 12)
"""Pythons that MediaPipe 0.10.21 is built for and that know the syntax used here."""
PACKAGES = Path(__file__).resolve().parent.parent
"""The folder that holds the packages `faceapp` and `engines`."""
OWN_MARK = "OF_FACEAPP"
"""Stands in the first file of the package `engines`, so that another package put over it is known."""


def problem() -> str:
    """Return why the program can't run here, in one line; empty when it can."""
    return (
        python_problem(sys.version_info[:3]) or shadow_problem(PACKAGES) or numpy_problem(_version("numpy"))
    )


def python_problem(found: tuple[int, ...]) -> str:
    """Return why a version of Python won't do; empty when it will."""
    if OLDEST <= tuple(found[:2]) <= NEWEST:
        return ""
    return (
        f"expected Python 3.10, 3.11 or 3.12, for which MediaPipe 0.10.21 is built, found {_dotted(found)}; get one, "
        "for example with `uv python install 3.12`, and install faceapp with it: `uv tool install --python 3.12 faceapp`"
    )


def numpy_problem(found: str) -> str:
    """Return why a version of numpy won't do; empty when it will, or when there is none: its import says so."""
    if not found or found.split(".")[0] == "1":
        return ""
    return (
        f"expected numpy 1.26, for which MediaPipe 0.10.21 is built, found {found}; `pip install 'numpy>=1.26,<2'`, "
        "or keep faceapp in an environment of its own: `pipx install faceapp`"
    )


def shadow_problem(packages: Path) -> str:
    """Return which other package stands in the place of our own `engines`; empty when none does."""
    if getattr(sys, "frozen", False):
        return ""
    spec = find_spec("engines")
    expected = packages / "engines"
    origin = Path(spec.origin) if spec is not None and spec.origin else None
    if origin is None:
        return f"expected the program's own package engines in {expected}, found none; install faceapp again"
    if origin.resolve().parent != expected.resolve():
        return (
            f"expected the program's own package engines in {expected}, found another package of that name in "
            f"{origin.parent}; start faceapp in another folder, or keep it in an environment of its own: "
            "`pipx install faceapp`"
        )
    if OWN_MARK not in origin.read_text(encoding="utf-8", errors="replace"):
        return (
            f"expected the program's own package engines in {expected}, found that another package has overwritten it; "
            "`pip uninstall engines` and install faceapp again, best in an environment of its own: `pipx install faceapp`"
        )
    return ""


def program_version() -> str:
    """Return the installed version of the program."""
    return _version("faceapp") or "unknown (run from a folder that is not installed)"


def _version(distribution: str) -> str:
    from importlib.metadata import PackageNotFoundError, version  # 15 ms, for those who ask

    try:
        return version(distribution)
    except PackageNotFoundError:
        return ""


def _dotted(found: tuple[int, ...]) -> str:
    return ".".join(str(part) for part in found)
