"""How much of a face's halves is hidden."""

from __future__ import annotations

from functools import lru_cache

import numpy as np
import numpy.typing as npt

from engines.preprocess import ALIGNMENT_TEMPLATE

# On an aligned chip the face is an ellipse between the outer eye corners and a little beyond, forehead to chin.
_CENTRE = (0.5, 0.54)
_HALF_AXES = (0.34, 0.44)


def hidden_shares(cover: npt.NDArray[np.uint8]) -> tuple[float, float]:
    """Return the share of the face's upper and of its lower half that is covered.

    The halves meet halfway between the eyes and the mouth of an aligned face, about at the middle of the nose.

    Args:
        cover: uint8 (size, size), of an aligned chip, 255 where the face is hidden.
    """
    upper, lower = _halves(len(cover))
    return float(cover[upper].mean() / 255), float(cover[lower].mean() / 255)


@lru_cache(maxsize=8)
def _halves(size: int) -> tuple[npt.NDArray[np.bool_], npt.NDArray[np.bool_]]:
    """Return which pixels of an aligned chip show the face's upper and its lower half, bool (size, size) each."""
    rows, columns = (np.mgrid[:size, :size] + 0.5) / size
    face = ((columns - _CENTRE[0]) / _HALF_AXES[0]) ** 2 + ((rows - _CENTRE[1]) / _HALF_AXES[1]) ** 2 <= 1
    eyes, mouth = ALIGNMENT_TEMPLATE[:4, 1].mean(), ALIGNMENT_TEMPLATE[8:, 1].mean()
    upper = face & (rows < (eyes + mouth) / 2)
    return upper, face & ~upper
