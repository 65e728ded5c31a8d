"""One recipe a file: configuration, and the experiment it builds."""

from __future__ import annotations

import importlib
from types import ModuleType

from training.errors import RecipeError


def load_recipe(name: str) -> ModuleType:
    """Return a recipe's module: its `Config`, `build` and what else it has.

    Args:
        name: File name here.

    Raises:
        RecipeError: No such recipe.
    """
    if not name.isidentifier():
        raise RecipeError(
            f"recipe: expected a name such as multitask, found {name!r}; see `python -m training list`"
        )
    try:
        return importlib.import_module(f"{__name__}.{name}")
    except ModuleNotFoundError as error:
        if error.name != f"{__name__}.{name}":
            raise
        raise RecipeError(
            f"recipe: expected a name that `python -m training list` shows, found {name!r}"
        ) from error
