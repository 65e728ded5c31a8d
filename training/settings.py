"""Recipe settings from the command line: `--set name=value`, `--set part.name=value`."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Sequence
from typing import Any, TypeVar

from training.errors import RecipeError

Config = TypeVar("Config")


def with_settings(config: Config, assignments: Sequence[str]) -> Config:
    """Return a configuration with some fields changed.

    Args:
        config: A frozen dataclass; its fields may be dataclasses or dicts.
        assignments: Texts such as "epochs=3", "shares.genki4k=20" or "augmentation.flip=0"; values are JSON or text.

    Raises:
        RecipeError: An unknown field, a value of another type, or no "=".
    """
    for assignment in assignments:
        path, separator, text = assignment.partition("=")
        if not separator:
            raise RecipeError(f"--set: expected name=value, found {assignment!r}")
        config = _changed(config, path.strip().split("."), text, assignment)
    return config


def _changed(holder: Any, path: Sequence[str], text: str, assignment: str) -> Any:
    name = path[0]
    names = list(holder) if isinstance(holder, dict) else [field.name for field in dataclasses.fields(holder)]
    if name not in names:
        raise RecipeError(f"--set {assignment}: expected one of {', '.join(names)}, found {name!r}")
    old = holder[name] if isinstance(holder, dict) else getattr(holder, name)
    if len(path) == 1 and isinstance(_value(text), str) and hasattr(old, "SHORT"):
        path = (name, old.SHORT)  # a part of the settings that one text can stand for
    new = _changed(old, path[1:], text, assignment) if len(path) > 1 else _checked(old, text, assignment)
    if isinstance(holder, dict):
        return {**holder, name: new}
    try:
        return dataclasses.replace(holder, **{name: new})
    except ValueError as error:
        raise RecipeError(f"--set {assignment}: {error}") from error


def _checked(old: Any, text: str, assignment: str) -> Any:
    """Return the value in the old one's type; None may become anything."""
    value = _value(text)
    if isinstance(old, str) and isinstance(value, int | float):
        return text  # a version such as 1.2
    if isinstance(old, float) and isinstance(value, int) and not isinstance(value, bool):
        return float(value)
    if isinstance(old, tuple) and isinstance(value, list):
        return tuple(value)
    if old is not None and value is not None and type(value) is not type(old):
        raise RecipeError(f"--set {assignment}: expected a {type(old).__name__}, found {value!r}")
    return value


def config_from_json(kind: type[Config], saved: dict[str, Any]) -> Config:
    """Return a configuration that was saved as JSON; fields it does not know are left out.

    Args:
        kind: A dataclass whose fields may be dataclasses.
        saved: Field name -> value.

    Raises:
        RecipeError: A value that the configuration does not accept.
    """
    fields: dict[str, Any] = {}
    for field in dataclasses.fields(kind):  # type: ignore[arg-type]
        if field.name not in saved:
            continue
        value = saved[field.name]
        default = _default(field)
        if dataclasses.is_dataclass(default) and isinstance(value, dict):
            value = config_from_json(type(default), value)
        fields[field.name] = tuple(value) if isinstance(default, tuple) else value
    try:
        return kind(**fields)
    except (TypeError, ValueError) as error:
        raise RecipeError(
            f"{kind.__name__}: expected settings of this recipe, found others ({error})"
        ) from error


def _default(field: dataclasses.Field[Any]) -> Any:
    return field.default if field.default_factory is dataclasses.MISSING else field.default_factory()


def _value(text: str) -> Any:
    try:
        return json.loads(text)
    except ValueError:
        return text
