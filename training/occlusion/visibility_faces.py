"""Training faces for the visibility network: what hides them, how badly they are cut, and where their points are.

A face is cut as the tracker might cut it (aligned, by its box, turned, shifted, too large or too small), and hidden by a
black half, a drawn headset, mask, hand or glasses, by several at once, or it is not in the picture. The label says
which half is hidden; the alignment points come from the mesh of the whole face.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import numpy.typing as npt

from engines.card import OCCLUSIONS, InputSpec
from engines.occlusion import hidden_shares
from engines.preprocess import ALIGNMENT_POINTS, cut_chip
from training.data.face_cuts import UNIT_SIZE
from training.data.prepared import PreparedFaces
from training.occlusion.hiding import KINDS_OF_HALF, hidden_of_picture, lay
from training.occlusion.layers import COVER, MARGIN_PX, Layers, load_layers

Floats = npt.NDArray[np.float32]
Bytes = npt.NDArray[np.uint8]

NONE, HEADSET, MASK, HIDDEN = range(len(OCCLUSIONS))
SHARES = (0.34, 0.23, 0.25, 0.18)
"""How often each occlusion is trained on, where what is drawn does not say it."""
OTHER_SHARE = 0.25
"""How often something else is drawn, whose hidden shares say what it is."""
OTHER_KINDS = {
    "sunglasses": 1.0,
    "glasses": 0.7,
    "chin_mask": 1.0,
    "nose_mask": 0.8,
    "hand": 1.2,
    "loose_headset": 0.8,
    "both": 0.5,
}
LOST_SHARE = 0.5
"""How often the cut of a hidden face shows a part of it only."""
_LOST_SCALE, _LOST_SHIFT, _LOST_ROTATION_DEG = (0.0, 0.7), 0.3, 120.0
"""Natural logarithm of how much larger that part is shown than the face would be; its offset, a share of the chip's side;
its rotation: seen from the side, the cameras on a headset's front are a face to the mesh network."""
_SEEN, _UNSEEN = 0.38, 0.5
"""A half with at most the first share hidden is seen, with at least the second it is not; between them no label is sure."""
_UNSURE = -1
_CHIP = slice(MARGIN_PX, MARGIN_PX + UNIT_SIZE)


@dataclass(frozen=True, slots=True)
class Jitter:
    """How far the cut of a face may be off, as the tracker's is under an occlusion.

    Attributes:
        rotation_deg: Largest rotation either way.
        scale: Largest natural logarithm of the change of size.
        shift: Largest shift, as a share of the chip's side.
        whole: Share of faces that are cut by the whole picture instead of their points.
        gain: Largest relative change of contrast.
        bias: Largest change of brightness, as a share of white.
    """

    rotation_deg: float = 20.0
    scale: float = 0.25
    shift: float = 0.13
    whole: float = 0.25
    gain: float = 0.35
    bias: float = 0.15


@dataclass(frozen=True, slots=True)
class VisibilityFaces:
    """Makes samples of one set.

    Attributes:
        faces: The set.
        upper: Layers of headsets.
        lower: Layers of masks.
        other: Layers of glasses, hands and misplaced headsets and masks.
        other_occlusion: int64 (N,), the occlusion that each of them is, -1 where it can't be told.
        spec: The network's input.
        jitter: How far cuts are off.
    """

    faces: PreparedFaces
    upper: Layers
    lower: Layers
    other: Layers
    other_occlusion: npt.NDArray[np.int64]
    spec: InputSpec
    jitter: Jitter

    @classmethod
    def load(cls, faces: PreparedFaces, cache: Path, spec: InputSpec, jitter: Jitter) -> VisibilityFaces:
        """Return a set with its layers, drawing them first where the cache lacks them."""
        other = load_layers(faces, cache, "other", OTHER_KINDS)
        return cls(
            faces,
            load_layers(faces, cache, "upper", KINDS_OF_HALF["upper"]),
            load_layers(faces, cache, "lower", KINDS_OF_HALF["lower"]),
            other,
            np.array([_occlusion(layer[_CHIP, _CHIP, COVER]) for layer in other]),
            spec,
            jitter,
        )

    def usable(self, split: str) -> npt.NDArray[np.int64]:
        """Return the positions of one split whose mesh is known."""
        positions = self.faces.where(split)
        return positions[np.isfinite(self.faces.aligned[positions, 0, 0])]

    def sample(self, position: int, random: np.random.Generator) -> tuple[Bytes, int, Floats]:
        """Return one face.

        Args:
            position: Which, one of `usable`.
            random: Source of chance.

        Returns:
            The chip, uint8 (size, size); the occlusion, a position in `OCCLUSIONS`; the alignment points, float32
            (10, 2) as shares of the chip's side, NaN where too little is seen to ask for them.
        """
        other = self.other_occlusion[position] != _UNSURE and random.random() < OTHER_SHARE
        kind = int(self.other_occlusion[position] if other else random.choice(len(SHARES), p=SHARES))
        away = kind == HIDDEN and not other and random.random() < 0.3
        lost = kind == HIDDEN and not away and random.random() < LOST_SHARE
        matrix = self._map(position, random, away, lost)
        chip = cut_chip(self.faces.image(position), matrix, self.spec)
        if other:
            lay(chip, self.other[position], self._change(position, matrix))
        else:
            self._hide(chip, position, matrix, kind, away, random)
        points = self._points(position, matrix)
        if kind == HIDDEN:
            points[:] = np.nan
        return _other_light(chip, self.jitter, random), kind, points

    def _map(self, position: int, random: np.random.Generator, away: bool, lost: bool = False) -> Floats:
        """Return a map picture -> chip that is off by the jitter.

        `away` puts most of the face out of the chip; `lost` is a cut of a part of the face, as the tracker makes where
        the front of a headset with the mask below it looks like a small face.
        """
        size, jitter = self.spec.size, self.jitter
        aligned = bool(random.random() >= jitter.whole)
        base = self.faces.matrix(position, size, aligned).astype(np.float64)
        amount = 1.0 if aligned else 0.6
        turn_deg = _LOST_ROTATION_DEG if lost else amount * jitter.rotation_deg
        angle = np.deg2rad(turn_deg * random.uniform(-1, 1))
        scale = np.exp(amount * jitter.scale * random.uniform(-1, 1))
        cosine, sine = scale * np.cos(angle), scale * np.sin(angle)
        flip = -1.0 if random.random() < 0.5 else 1.0
        linear = np.array([[flip * cosine, -flip * sine], [sine, cosine]])
        shift = amount * jitter.shift * size * random.uniform(-1, 1, 2)
        if lost:
            # The part comes to the middle and is as large as a face.
            scale = np.exp(random.uniform(*_LOST_SCALE))
            linear *= scale
            shift = scale * _LOST_SHIFT * size * random.uniform(-1, 1, 2)
        if away:
            direction = random.uniform(0, 2 * np.pi)
            shift = size * random.uniform(0.62, 0.9) * np.array([np.cos(direction), np.sin(direction)])
        centre = np.full(2, (size - 1) / 2)
        change = np.column_stack([linear, centre + shift - linear @ centre])
        changed: Floats = (change @ np.vstack([base, [0, 0, 1]])).astype(np.float32)
        return changed

    def _points(self, position: int, matrix: Floats) -> Floats:
        """Return the alignment points on the chip as shares of its side; sides swapped where the chip is mirrored."""
        order = list(ALIGNMENT_POINTS)
        if np.linalg.det(matrix[:, :2]) < 0:
            order = [order[place] for place in (3, 2, 1, 0, 4, 5, 7, 6, 9, 8)]
        points = self.faces.landmarks[position][order, :2] @ matrix[:, :2].T + matrix[:, 2]
        shares: Floats = ((points + 0.5) / self.spec.size).astype(np.float32)
        return shares

    def _hide(
        self, chip: Bytes, position: int, matrix: Floats, kind: int, away: bool, random: np.random.Generator
    ) -> None:
        change = self._change(position, matrix)
        chance = random.random()
        if kind == NONE:
            if chance < 0.15:
                _cover(chip, random, 0.1)
        elif kind == HIDDEN:
            self._hide_all(chip, position, matrix, away, random)
        else:
            half, layers = ("upper", self.upper) if kind == HEADSET else ("lower", self.lower)
            if chance < 0.6 and lay(chip, layers[position], change):
                return
            self._blacken(chip, position, matrix, half, random)

    def _change(self, position: int, matrix: Floats) -> npt.NDArray[np.float64]:
        """Return the map aligned chip -> chip."""
        aligned = np.vstack([self.faces.matrix(position, self.spec.size), [0, 0, 1]]).astype(np.float64)
        change: npt.NDArray[np.float64] = matrix.astype(np.float64) @ np.linalg.inv(aligned)
        return change

    def _blacken(
        self, chip: Bytes, position: int, matrix: Floats, half: Any, random: np.random.Generator
    ) -> None:
        """Make a half black: of the picture, or of the aligned chip, its edge up to 5% off the middle."""
        if random.random() < 0.5:
            frame, height = matrix, int(self.faces.shapes[position, 0])
        else:
            unit = self.faces.matrix(position, UNIT_SIZE)
            inverse = np.linalg.inv(np.vstack([unit, [0, 0, 1]]).astype(np.float64))
            frame = (matrix.astype(np.float64) @ inverse).astype(np.float32)
            frame[:, 2] += frame[:, 1] * random.uniform(-0.05, 0.05) * UNIT_SIZE
            height = UNIT_SIZE
        hidden = hidden_of_picture(frame[None], np.array([height]), self.spec.size, half)[0]
        chip[hidden] = 0 if random.random() < 0.8 else random.integers(0, 256)

    def _hide_all(
        self, chip: Bytes, position: int, matrix: Floats, away: bool, random: np.random.Generator
    ) -> None:
        if away:
            return
        change, chance = self._change(position, matrix), random.random()
        if chance < 0.45:
            headset = lay(chip, self.upper[position], change)
            if random.random() < 0.6 and headset and lay(chip, self.lower[position], change):
                return
            self._blacken(chip, position, matrix, "lower" if headset else "upper", random)
            if not headset:
                self._blacken(chip, position, matrix, "lower", random)
        elif chance < 0.9:
            _cover(chip, random, random.uniform(0.72, 1.0))
        else:
            chip[:] = random.integers(0, 256)


def _occlusion(cover: Bytes) -> int:
    """Return the occlusion that a cover of an aligned chip is."""
    upper, lower = hidden_shares(cover)
    if not all(share <= _SEEN or share >= _UNSEEN for share in (upper, lower)):
        return _UNSURE
    return int((upper >= _UNSEEN) * HEADSET + (lower >= _UNSEEN) * MASK)


def _cover(chip: Bytes, random: np.random.Generator, share: float) -> None:
    """Put a rectangle of one brightness, or of noise, over a share of a chip, in place."""
    size = chip.shape[0]
    ratio = np.exp(0.3 * random.uniform(-1, 1))
    rows, columns = (
        int(np.clip(round(size * np.sqrt(share * part)), 1, size)) for part in (ratio, 1 / ratio)
    )
    top, left = int(random.integers(0, size - rows + 1)), int(random.integers(0, size - columns + 1))
    region = chip[top : top + rows, left : left + columns]
    region[:] = random.integers(0, 256)
    if random.random() < 0.4:
        noise = cv2.resize(
            random.integers(0, 256, (6, 6)).astype(np.uint8), (columns, rows), interpolation=cv2.INTER_CUBIC
        )
        region[:] = noise


def _other_light(chip: Bytes, jitter: Jitter, random: np.random.Generator) -> Bytes:
    gain = 1 + jitter.gain * random.uniform(-1, 1)
    bias = 255 * jitter.bias * random.uniform(-1, 1)
    if random.random() < 0.2:
        chip = cv2.GaussianBlur(chip, (0, 0), random.uniform(0.4, 1.2))
    # Black stays black: a covered lens or a black half does not grow brighter with the room.
    lit: Bytes = cv2.convertScaleAbs(chip, alpha=gain, beta=max(bias, 0.0) if chip.min() > 0 else 0.0)
    return lit
