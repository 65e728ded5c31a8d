"""Numbers as the tables write them."""

from __future__ import annotations

import math


def number_text(value: float, digits: int) -> str:
    """Return a number with a fixed count of digits after the point, or nothing where it is not finite."""
    return f"{value:.{digits}f}" if math.isfinite(value) else ""


def counted(number: int, noun: str) -> str:
    """Return a count with its noun, in the plural but for one."""
    return f"{number} {noun}" if number == 1 else f"{number} {noun}s"


def rounded_text(value: float, digits: int, sign: bool = False) -> str:
    """Return a number for people to read; what rounds to nothing has no sign.

    Args:
        value: A finite number.
        digits: Count of digits after the point.
        sign: Whether numbers above zero get a plus, as changes have.
    """
    text = f"{value:+.{digits}f}" if sign else f"{value:.{digits}f}"
    return text if float(text) else text.lstrip("+-")
