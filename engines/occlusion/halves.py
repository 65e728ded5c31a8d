"""Hidden halves of chips: the plainest occlusion, and the one of the reference experiments."""

from __future__ import annotations

from typing import Literal, TypeVar, get_args

import numpy as np
import numpy.typing as npt

Half = Literal["upper", "lower"]
Number = TypeVar("Number", bound=np.generic)


def hide_half(chip: npt.NDArray[Number], half: Half, *, row_axis: int = 0) -> npt.NDArray[Number]:
    """Return a copy of a chip with its upper or lower half set to zero.

    Georgescu and Ionescu, "Recognizing Facial Expressions of Occluded Faces Using Convolutional Neural
    Networks" (2019), hide one half of the crop this way. The middle row of an odd number stays visible.

    Args:
        chip: uint8 or float (H, W) or (H, W, C) before its mean is taken off; a batch (N, C, H, W) with
            `row_axis=-2`.
        half: Which half to hide.
        row_axis: The axis that counts rows.

    Returns:
        A new array of the same shape and dtype.

    Raises:
        ValueError: `half` is neither.
    """
    if half not in get_args(Half):
        raise ValueError(f"half: expected upper or lower, found {half!r}")
    hidden = chip.copy()
    rows = np.moveaxis(hidden, row_axis, 0)
    count = rows.shape[0] // 2
    start = 0 if half == "upper" else rows.shape[0] - count
    rows[start : start + count] = 0
    return hidden
