"""Finds a file by its name alone: what can be chosen is what lies in a folder, and nothing is registered anywhere."""

from __future__ import annotations

import importlib
import pkgutil
from types import ModuleType

from training.errors import RecipeError


def names_in(folder: str) -> tuple[str, ...]:
    """Return the names of the files of a folder of `training`, sorted.

    Args:
        folder: Dotted path below `training`, such as "nets" or "data.sets".
    """
    package = importlib.import_module(f"training.{folder}")
    return tuple(sorted(found.name for found in pkgutil.iter_modules(package.__path__)))


def load(folder: str, name: str) -> ModuleType:
    """Return the module of a file.

    Args:
        folder: Dotted path below `training`.
        name: The file's name.

    Raises:
        RecipeError: There is no such file.
    """
    known = names_in(folder)
    if name not in known:
        kind = folder.rpartition(".")[2].removesuffix("s")
        raise RecipeError(f"{kind}: expected one of {', '.join(known)}, found {name!r}")
    return importlib.import_module(f"training.{folder}.{name}")


def load_recipe(name: str) -> ModuleType:
    """Return a recipe's module: its `Config`, `build` and what else it has.

    Args:
        name: File name in `training/recipes`.

    Raises:
        RecipeError: No such recipe.
    """
    return load("recipes", name)
