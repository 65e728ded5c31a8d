"""Random changes of training faces: geometry by changing their crop maps, then light, blur and a hidden patch.

After Sang and Cuong 2018, section 3.6 (random crop, flip, rotation within 15 degrees); light, blur and patch are ours,
for webcams and hands before the face. All numbers of a batch are drawn at once: a face costs a row of arrays, not
twenty calls.
"""

from __future__ import annotations

from dataclasses import dataclass, fields

import cv2
import numpy as np
import numpy.typing as npt

from engines.card import InputSpec
from engines.preprocess import normalise

Floats = npt.NDArray[np.float32]
Doubles = npt.NDArray[np.float64]
Bytes = npt.NDArray[np.uint8]

_LEVELS: Doubles = np.arange(256, dtype=np.float64)
_NUMBERS, _MORE_NUMBERS = 15, 6
"""Random numbers that one face takes."""


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
        gamma: Largest change of the logarithm of the gamma of the levels either way, for dark and washed-out pictures.
        resolution: Probability that a chip is made from 0.3 to 0.8 times as many pixels a side, as a small face is.
        noise: Probability of noise of 2 to 12 levels' deviation.
    """

    rotation_deg: float = 15.0
    scale: float = 0.1
    shift: float = 0.06
    flip: float = 0.5
    gain: float = 0.25
    bias: float = 0.1
    blur: float = 0.15
    patch: float = 0.25
    gamma: float = 0.0
    resolution: float = 0.0
    noise: float = 0.0

    def __post_init__(self) -> None:
        for name in self.__slots__:
            if not getattr(self, name) >= 0:
                raise ValueError(f"augmentation.{name}: expected 0 or more, found {getattr(self, name)!r}")

    def draw(self, count: int, size: int, random: np.random.Generator) -> Changes:
        """Return the changes of a batch.

        Args:
            count: Faces in the batch.
            size: Side of the chip in pixels.
            random: Source of chance.
        """
        share = random.random((_NUMBERS, count))
        either_way = 2 * share - 1
        more = random.random((_MORE_NUMBERS, count))
        return Changes(
            maps=self._maps(share, either_way, size),
            blur_px=np.where(share[5] < self.blur, 0.4 + 0.6 * share[6], 0.0),
            gain=1 + self.gain * either_way[7],
            bias=255 * self.bias * either_way[8],
            patches=self._patches(share, either_way, size),
            patch_levels=(256 * share[14]).astype(np.uint8),
            gamma=np.exp(self.gamma * (2 * more[0] - 1)),
            shrink=np.where(more[1] < self.resolution, 0.3 + 0.5 * more[2], 1.0),
            noise_levels=np.where(more[3] < self.noise, 2 + 10 * more[4], 0.0),
            noise_seeds=(2**32 * more[5]).astype(np.uint32),
        )

    def _maps(self, share: Doubles, either_way: Doubles, size: int) -> Doubles:
        """Return rotation, scale, shift and flip around the chip's centre, (N, 2, 3), chip -> chip."""
        angle = np.deg2rad(self.rotation_deg * either_way[0])
        scale = np.exp(np.log1p(self.scale) * either_way[1])
        shift = self.shift * size * either_way[2:4]
        flip = np.where(share[4] < self.flip, -1.0, 1.0)
        cosine, sine = scale * np.cos(angle), scale * np.sin(angle)
        linear = np.array([[flip * cosine, -flip * sine], [sine, cosine]])
        centre = (size - 1) / 2
        offset = centre + shift - centre * linear.sum(axis=1)
        return np.concatenate([linear, offset[:, None]], axis=1).transpose(2, 0, 1)

    def _patches(self, share: Doubles, either_way: Doubles, size: int) -> npt.NDArray[np.int64]:
        """Return top, bottom, left and right of the hidden rectangles, (N, 4); bottom = top where none is."""
        area = (0.02 + 0.13 * share[10]) * size**2
        ratio = np.exp(0.7 * either_way[11])
        rows, columns = (
            np.clip(np.rint(np.sqrt(sides)), 1, size).astype(np.int64)
            for sides in (area * ratio, area / ratio)
        )
        top = (share[12] * (size - rows + 1)).astype(np.int64)
        left = (share[13] * (size - columns + 1)).astype(np.int64)
        bottom = np.where(share[9] < self.patch, top + rows, top)
        return np.stack([top, bottom, left, left + columns], axis=1)


@dataclass(frozen=True, slots=True)
class Changes:
    """The changes of N faces.

    Attributes:
        maps: float64 (N, 2, 3), chip -> changed chip.
        blur_px: float64 (N,), deviation of the blur, 0 for none.
        gain: float64 (N,), factor of the contrast around the chip's mean.
        bias: float64 (N,), levels added.
        patches: int64 (N, 4), top, bottom, left and right of the hidden rectangle; empty where nothing is hidden.
        patch_levels: uint8 (N,), gray of the rectangle.
        gamma: float64 (N,), exponent of the levels as shares of white.
        shrink: float64 (N,), size of the chip that it is enlarged from again, 1 for none.
        noise_levels: float64 (N,), deviation of the noise, 0 for none.
        noise_seeds: uint32 (N,), of the noise.
    """

    maps: Doubles
    blur_px: Doubles
    gain: Doubles
    bias: Doubles
    patches: npt.NDArray[np.int64]
    patch_levels: Bytes
    gamma: Doubles
    shrink: Doubles
    noise_levels: Doubles
    noise_seeds: npt.NDArray[np.uint32]

    def of(self, rows: slice) -> Changes:
        """Return the changes of some of the faces."""
        return Changes(**{part.name: getattr(self, part.name)[rows] for part in fields(self)})

    def matrices(self, matrices: Floats) -> Floats:
        """Return crop maps followed by the changes of geometry, float32 (N, 2, 3).

        Args:
            matrices: float32 (N, 2, 3), picture -> chip.
        """
        changed: Doubles = self.maps[:, :, :2] @ matrices
        changed[:, :, 2] += self.maps[:, :, 2]
        return changed.astype(np.float32)

    def normalised(self, chips: Bytes, spec: InputSpec) -> Floats:
        """Return the network's input: chips with another contrast and brightness, perhaps blurred and partly hidden.

        Light and `engines.preprocess.normalise` act on the 256 levels of each chip, then one look-up a pixel writes
        the input: 3 us a chip of 48 pixels where arithmetic on every pixel took 20.

        Args:
            chips: uint8 (N, size, size) or (N, size, size, 3), from `cut_chip`; blurred in place.
            spec: The input.

        Returns:
            float32 (N, C, size, size).
        """
        for row in np.flatnonzero(self.shrink < 1):
            chips[row] = _coarser(chips[row], self.shrink[row])
        for row in np.flatnonzero(self.noise_levels):
            noise = np.random.default_rng(self.noise_seeds[row]).standard_normal(chips[row].shape, np.float32)
            chips[row] = np.clip(chips[row] + self.noise_levels[row] * noise, 0, 255)
        for row in np.flatnonzero(self.blur_px):
            chips[row] = cv2.GaussianBlur(chips[row], (0, 0), self.blur_px[row])
        tables = self._tables(chips, spec)
        hidden = np.empty((1, 1, len(chips)), np.float32)
        normalise(self.patch_levels[None], spec, hidden)
        images = np.empty((len(chips), spec.channels, spec.size, spec.size), np.float32)
        for row, (chip, table) in enumerate(zip(chips, tables, strict=True)):
            planes = cv2.LUT(chip, table)
            images[row] = planes if planes.ndim == 2 else planes.transpose(2, 0, 1)
        for row in np.flatnonzero(self.patches[:, 1] > self.patches[:, 0]):
            top, bottom, left, right = self.patches[row]
            images[row, :, top:bottom, left:right] = hidden[0, 0, row]
        return images

    def _tables(self, chips: Bytes, spec: InputSpec) -> Floats:
        """Return level -> input of each chip, float32 (N, 256)."""
        middle = chips.reshape(len(chips), -1).mean(axis=1)
        offset = middle * (1 - self.gain) + self.bias
        curved = 255 * (_LEVELS / 255) ** self.gamma[:, None]
        levels = np.clip(np.rint(curved * self.gain[:, None] + offset[:, None]), 0, 255).astype(np.uint8)
        tables = np.empty((1, *levels.shape), np.float32)
        normalise(levels, spec, tables)
        return tables[0]


def _coarser(chip: Bytes, share: float) -> Bytes:
    """Return a chip as if it had been enlarged from fewer pixels."""
    size = chip.shape[0]
    side = max(4, round(size * share))
    small = cv2.resize(chip, (side, side), interpolation=cv2.INTER_AREA)
    return cv2.resize(small, (size, size), interpolation=cv2.INTER_LINEAR).astype(np.uint8)
