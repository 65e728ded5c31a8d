"""Faces with a piece covered, and how much an answer falls for it: occlusion sensitivity, for any network.

Zeiler and Fergus: Visualizing and understanding convolutional networks, ECCV 2014, section 4.2. We differ: a piece is
replaced by its blurred surroundings, not by gray, which would be a new edge; and falls are of log-odds: a network that is
sure stays at 0.99 whatever is covered, but its log-odds tell what it would miss.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import cv2
import numpy as np
import numpy.typing as npt

from engines.preprocess import Floats

PLACES = 7
"""Pieces along a side; half of each overlaps with the next."""
_SURE = 1e-4
"""Probabilities are taken from here to 1 less this: beyond it bfloat16 tells nothing."""


def log_odds(probs: Floats) -> Floats:
    """Return log(p / (1 - p)) of probabilities, float32 of their shape."""
    sure = np.clip(probs, _SURE, 1 - _SURE)
    odds: Floats = np.log(sure) - np.log1p(-sure)
    return odds


class Covers:
    """Covers pieces of chips of one shape.

    Args:
        shape: (size, size) or (size, size, 3).
        pieces: How many at a time.
        kind: dtype of the chips.
    """

    def __init__(self, shape: tuple[int, ...], pieces: int, kind: npt.DTypeLike = np.uint8) -> None:
        self.shape = shape
        size = shape[0]
        self._side = max(1, round(2 * size / (PLACES + 1)))
        self._starts = np.round(np.linspace(0, size - self._side, PLACES)).astype(int)
        self._batch: npt.NDArray[Any] = np.empty((pieces, *shape), kind)
        self._spread = self._shares(size)

    def over(self, chip: npt.NDArray[Any], pieces: Sequence[int]) -> npt.NDArray[Any]:
        """Return the chip once for each piece with that piece covered, (P, ...): a buffer, overwritten by the next call."""
        width = 2 * self._side + 1
        blurred = cv2.blur(chip, (width, width), borderType=cv2.BORDER_REPLICATE).reshape(chip.shape)
        self._batch[:] = chip
        for copy, piece in zip(self._batch, pieces, strict=True):
            place = self._place(int(piece))
            copy[place] = blurred[place]
        return self._batch

    def spread(self, pieces: Floats) -> Floats:
        """Return each pixel's weighted mean over the pieces around it, float32 (size, size), of values (pieces,)."""
        size = self.shape[0]
        heat: Floats = (pieces.astype(np.float32) @ self._spread).reshape(size, size)
        return heat

    def _place(self, piece: int) -> tuple[slice, slice]:
        top, left = (int(self._starts[place]) for place in divmod(piece, PLACES))
        return slice(top, top + self._side), slice(left, left + self._side)

    def _shares(self, size: int) -> Floats:
        """Return each piece's share in each pixel, float32 (pieces, size * size): bells as wide as a piece, sum 1."""
        centres, pixels = self._starts + (self._side - 1) / 2, np.arange(size)
        bells = np.exp(-0.5 * ((pixels - centres[:, None]) / (self._side / 3)) ** 2)
        held = np.einsum("ty,lx->tlyx", bells, bells).reshape(PLACES * PLACES, -1)
        shares: Floats = (held / held.sum(axis=0)).astype(np.float32)
        return shares
