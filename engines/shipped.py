"""Where the files lie that come with the program: models, the demo's portrait, icons."""

from __future__ import annotations

from importlib import resources
from pathlib import Path

from engines.errors import CardError

PACKAGE = "faceapp_assets"
"""The name under which an installed program carries the folder `assets` of a checkout."""


def find_assets(packages: Path) -> Path:
    """Return the folder with models, demo and icons.

    In a checkout it is the folder `assets` beside the packages, so that what is edited there is what runs, also when
    another version is installed. An installed program carries it as the package `faceapp_assets`.

    Args:
        packages: The folder that holds the package `engines`.

    Raises:
        CardError: There is neither.
    """
    if (packages / "pyproject.toml").is_file() and (packages / "assets").is_dir():
        return packages / "assets"
    try:
        return Path(str(resources.files(PACKAGE)))
    except ModuleNotFoundError as error:
        raise CardError(
            f"assets: expected the package {PACKAGE} beside {packages / 'engines'}, found none; install the program again"
        ) from error


ASSETS_DIR = find_assets(Path(__file__).resolve().parent.parent)
"""Folder with `models`, `demo`, `icons` and `second-opinion`."""
