"""What a field of a checked record may hold: said once, for the form that shows it and the check."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from typing import Any

from faceapp.settings.region import Region, make_region


def field_metadata(kind: type, label: str, **limits: Any) -> dict[str, Any]:
    """Return a field's metadata: what a form needs to show it and `check_value` needs to check it.

    Args:
        kind: str, bool, int, float (takes whole numbers too), Path or Region.
        label: Text beside the control, with its unit.
        limits: `choices`, or `minimum` and `maximum` (inclusive); `optional=True` allows None, which a form shows
            as `nothing` ("automatic" by itself); `check` is called with a text and raises ValueError where it is wrong.
    """
    return {"kind": kind, "label": label, **limits}


def check_value(name: str, value: object, limits: Mapping[str, Any]) -> None:
    """Check one value of any record whose fields say what they take.

    Args:
        name: Name of the field, for the error.
        value: The value.
        limits: As `field_metadata` returns them.

    Raises:
        ValueError: Wrong type, or a value outside the limits; the text names the field.
    """
    if value is None and limits.get("optional"):
        return
    kind = limits["kind"]
    if kind is Region:
        make_region(value)
        return
    accepted = (int, float) if kind is float else kind
    if not isinstance(value, accepted) or (isinstance(value, bool) and kind is not bool):
        raise ValueError(f"{name}: expected {kind.__name__}, found {value!r}")
    choices = limits.get("choices")
    if choices and value not in choices:
        raise ValueError(f"{name}: expected one of {', '.join(choices)}, found {value!r}")
    if isinstance(value, int | float) and not isinstance(value, bool):
        _check_range(name, value, limits["minimum"], limits["maximum"])
    if isinstance(value, str) and not value.strip():
        raise ValueError(f"{name}: expected a text, found none")
    if "check" in limits:
        _check_text(name, value, limits["check"])


def _check_range(name: str, value: float, minimum: float, maximum: float) -> None:
    if not (math.isfinite(value) and minimum <= value <= maximum):
        raise ValueError(f"{name}: expected a number from {minimum} to {maximum}, found {value!r}")


def _check_text(name: str, text: object, check: Callable[[object], object]) -> None:
    try:
        check(text)
    except ValueError as error:
        raise ValueError(f"{name}: {error}") from error
