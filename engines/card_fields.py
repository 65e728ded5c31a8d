"""Checks of a card's fields: whatever a broken file holds, the error is one readable line."""

from __future__ import annotations

import reprlib
from typing import Any

from engines.errors import CardError


def require_object(name: str, value: object) -> dict[str, Any]:
    """Return the value if it is a JSON object.

    Raises:
        CardError: It is not; the text names the field.
    """
    if not isinstance(value, dict):
        raise CardError(f"{name}: expected an object, found {shown(value)}")
    return value


def require_list(name: str, value: object) -> list[Any]:
    """Return the value if it is a JSON list.

    Raises:
        CardError: It is not; the text names the field.
    """
    if not isinstance(value, list):
        raise CardError(f"{name}: expected a list, found {shown(value)}")
    return value


def require_text(name: str, value: object) -> None:
    """Check that the value is a text that is not blank.

    Raises:
        CardError: It is not; the text names the field.
    """
    if not isinstance(value, str) or not value.strip():
        raise CardError(f"{name}: expected a text, found {shown(value)}")


def require_number(name: str, value: object) -> None:
    """Check that the value is a finite number of ordinary size.

    Raises:
        CardError: It is not; the text names the field.
    """
    # The comparison is also False for NaN, and unlike math.isfinite it takes whole numbers of any size.
    if not isinstance(value, int | float) or isinstance(value, bool) or not -1e6 < value < 1e6:
        raise CardError(f"{name}: expected a number between -1e6 and 1e6, found {shown(value)}")


def require_choice(name: str, value: object, choices: tuple[str, ...]) -> None:
    """Check that the value is one of the choices.

    Raises:
        CardError: It is not; the text names the field.
    """
    if value not in choices:
        raise CardError(f"{name}: expected one of {', '.join(choices)}, found {shown(value)}")


def shown(value: object) -> str:
    """Return a value on one short line, whatever a broken file holds."""
    return reprlib.repr(value)
