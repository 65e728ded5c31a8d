"""Numbers as the tables write them."""

from __future__ import annotations

import math


def number_text(value: float, digits: int) -> str:
    """Return a number with a fixed count of digits after the point, or nothing where it is not finite."""
    return f"{value:.{digits}f}" if math.isfinite(value) else ""
