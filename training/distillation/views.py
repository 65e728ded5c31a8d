"""The transforms of a face over which a teacher's answers are averaged (Radosavovic et al. 2018, taken up by Distill-2MD-MTL)."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float32]


@dataclass(frozen=True, slots=True)
class View:
    """One transform: flip, size and rotation around the chip's centre."""

    flip: bool = False
    scale: float = 1.0
    rotation_deg: float = 0.0

    def matrix(self, matrix: Floats, size: int) -> Floats:
        """Return the crop map followed by this view.

        Args:
            matrix: float32 (2, 3), picture -> chip.
            size: Side of the chip in pixels.
        """
        angle = math.radians(self.rotation_deg)
        cosine, sine = self.scale * math.cos(angle), self.scale * math.sin(angle)
        mirror = -1.0 if self.flip else 1.0
        linear = np.array([[mirror * cosine, -mirror * sine], [sine, cosine]])
        centre = np.full(2, (size - 1) / 2)
        change = np.column_stack([linear, centre - linear @ centre])
        return (change @ np.vstack([matrix, [0, 0, 1]])).astype(np.float32)


PLAIN = (View(),)
FLIPPED = (View(), View(flip=True))
AGGREGATED = (
    View(),
    View(flip=True),
    View(scale=1.06, rotation_deg=5),
    View(flip=True, scale=0.95, rotation_deg=5),
)
