"""Random changes of a training face: geometry by changing its crop map, then light, blur and a hidden patch.

After Sang and Cuong 2018, section 3.6 (random crop, flip, rotation within 15 degrees); light, blur and patch are ours,
for webcams and hands before the face.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import cv2
import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float32]
Bytes = npt.NDArray[np.uint8]


@dataclass(frozen=True, slots=True)
class Augmentation:
    """How far a training face may be changed; all zero leaves it as it is.

    Attributes:
        rotation_deg: Largest rotation either way.
        scale: Largest relative change of size either way.
        shift: Largest shift either way, as a share of the chip's side.
        flip: Probability of a left-right flip.
        gain: Largest relative change of contrast either way.
        bias: Largest change of brightness either way, as a share of white.
        blur: Probability of a Gaussian blur of 0.4 to 1 pixel.
        patch: Probability of a gray rectangle over 2 to 15% of the face.
    """

    rotation_deg: float = 15.0
    scale: float = 0.1
    shift: float = 0.06
    flip: float = 0.5
    gain: float = 0.25
    bias: float = 0.1
    blur: float = 0.15
    patch: float = 0.25

    def __post_init__(self) -> None:
        for name in self.__slots__:
            if not getattr(self, name) >= 0:
                raise ValueError(f"augmentation.{name}: expected 0 or more, found {getattr(self, name)!r}")

    def geometry(self, matrix: Floats, size: int, random: np.random.Generator) -> Floats:
        """Return a crop map followed by a random rotation, scale, shift and flip around the chip's centre.

        Args:
            matrix: float32 (2, 3), picture -> chip.
            size: Side of the chip in pixels.
            random: Source of chance.
        """
        angle = math.radians(random.uniform(-self.rotation_deg, self.rotation_deg))
        scale = math.exp(random.uniform(-1, 1) * math.log1p(self.scale))
        shift_x, shift_y = random.uniform(-self.shift, self.shift, 2) * size
        flip = -1.0 if random.random() < self.flip else 1.0
        cosine, sine = scale * math.cos(angle), scale * math.sin(angle)
        linear = np.array([[flip * cosine, -flip * sine], [sine, cosine]])
        centre = np.full(2, (size - 1) / 2)
        change = np.column_stack([linear, centre + np.array([shift_x, shift_y]) - linear @ centre])
        return (change @ np.vstack([matrix, [0, 0, 1]])).astype(np.float32)

    def light(self, chip: Bytes, random: np.random.Generator) -> Bytes:
        """Return a chip with another contrast and brightness, perhaps blurred, perhaps partly hidden.

        Args:
            chip: uint8 (size, size) or (size, size, 3).
            random: Source of chance.
        """
        if random.random() < self.blur:
            chip = cv2.GaussianBlur(chip, (0, 0), random.uniform(0.4, 1.0))
        gain = 1 + random.uniform(-self.gain, self.gain)
        bias = 255 * random.uniform(-self.bias, self.bias)
        middle = float(chip.mean())
        levels = np.clip((np.arange(256) - middle) * gain + middle + bias, 0, 255).astype(np.uint8)
        chip = levels[chip]
        if random.random() < self.patch:
            _hide_patch(chip, random)
        return chip


def _hide_patch(chip: Bytes, random: np.random.Generator) -> None:
    height, width = chip.shape[:2]
    area = random.uniform(0.02, 0.15) * height * width
    ratio = math.exp(random.uniform(-0.7, 0.7))
    rows = min(height, max(1, round(math.sqrt(area * ratio))))
    columns = min(width, max(1, round(math.sqrt(area / ratio))))
    top, left = random.integers(0, height - rows + 1), random.integers(0, width - columns + 1)
    chip[top : top + rows, left : left + columns] = random.integers(0, 256)
