from __future__ import annotations

import pytest

from faceapp.settings.region import Region, make_region, region_from_text


def test_a_region_is_shares_of_the_picture_and_becomes_pixels() -> None:
    region = region_from_text("0.25, 0.5,0.5,0.4")
    assert region == Region(0.25, 0.5, 0.5, 0.4)
    assert region.box_px(640, 480) == pytest.approx((160, 240, 480, 432))
    assert region_from_text(region.text()) == region


def test_numbers_that_end_just_at_the_edge_are_taken() -> None:
    assert make_region([2 / 3, 1 / 3, 1 / 3, 2 / 3]) == Region(0.6667, 0.3333, 0.3333, 0.6667)


@pytest.mark.parametrize(
    "value",
    [
        *(None, 3, (0.1, 0.1, 0.5), ("a", 0, 1, 1), (True, 0, 0.5, 0.5), (0, 0, float("nan"), 1)),
        *((0, 0, 0, 1), (0.6, 0, 0.5, 1), (-0.1, 0, 0.5, 1), (0, 0.2, 1, 0.9), (0, 0, float("inf"), 1)),
    ],
)
def test_what_is_no_region_is_refused(value: object) -> None:
    with pytest.raises(ValueError, match="region: expected"):
        make_region(value)


@pytest.mark.parametrize("text", ["", "left", "0.1,0.2,0.3", "0,0,1,1,1", "0,0,2,2"])
def test_what_names_no_region_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="region: expected"):
        region_from_text(text)
