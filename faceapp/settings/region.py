"""A fixed place of a face in the picture, for cameras that move with the head."""

from __future__ import annotations

import math
from typing import NamedTuple

_PLACES = 4
"""Decimals that are kept: a tenth of a pixel in a picture 1000 pixels wide."""


class Region(NamedTuple):
    """Upright rectangle in shares of the picture, so that it holds at every resolution.

    Attributes:
        x: Left edge, 0 to 1.
        y: Upper edge, 0 to 1.
        width: Width, above 0; x + width is at most 1.
        height: Height, above 0; y + height is at most 1.
    """

    x: float
    y: float
    width: float
    height: float

    def box_px(self, picture_width_px: int, picture_height_px: int) -> tuple[float, float, float, float]:
        """Return x0, y0, x1, y1 in pixels of a picture of this size."""
        x0, y0 = self.x * picture_width_px, self.y * picture_height_px
        return x0, y0, x0 + self.width * picture_width_px, y0 + self.height * picture_height_px

    def text(self) -> str:
        """Return the region as the command line takes it."""
        return ",".join(f"{value:g}" for value in self)


def make_region(value: object) -> Region:
    """Return the checked region of four numbers: x, y, width and height.

    Raises:
        ValueError: Not four finite numbers, an empty rectangle, or one that leaves the picture.
    """
    numbers = value if isinstance(value, tuple | list) else ()
    if len(numbers) != 4 or not all(_is_number(number) for number in numbers):
        raise ValueError(f"region: expected x, y, width and height as shares of the picture, found {value!r}")
    region = Region(*(round(float(number), _PLACES) for number in numbers))
    step = 10.0**-_PLACES
    inside = region.x >= 0 and region.y >= 0
    inside = inside and region.x + region.width <= 1 + step and region.y + region.height <= 1 + step
    if not inside or min(region.width, region.height) < step:
        raise ValueError(
            f"region: expected a rectangle within the picture, 0 to 1, found {region.text()}; "
            "give x,y,width,height such as 0.25,0.4,0.5,0.6"
        )
    return region


def region_from_text(text: str) -> Region:
    """Return the region that a text such as "0.25,0.4,0.5,0.6" names.

    Raises:
        ValueError: As for `make_region`.
    """
    try:
        numbers = [float(part) for part in text.split(",")]
    except ValueError:
        numbers = []
    if len(numbers) != 4:
        raise ValueError(f"region: expected x,y,width,height as shares of the picture, found {text!r}")
    return make_region(numbers)


def _is_number(value: object) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value)
