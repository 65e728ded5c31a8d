"""Hides a half of training faces: black halves as in the papers, and drawn headsets, masks and hands.

Black halves are those of Georgescu, Duta and Ionescu: Teacher-student training and triplet loss to reduce the effect of
drastic face occlusion, 2021, of the aligned chip, and of the picture before it is aligned, which is what a crop
with a black half gives. What is drawn follows each face's own mesh, see `training.occlusion.layers`.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal

import cv2
import numpy as np
import numpy.typing as npt

from engines.card import InputSpec
from engines.occlusion import KINDS, Half
from engines.preprocess import normalise
from training.data.face_cuts import UNIT_SIZE
from training.errors import RecipeError
from training.occlusion.layers import COVER, GRAY, MARGIN_PX, LayerPool, Layers

Floats = npt.NDArray[np.float32]
Bytes = npt.NDArray[np.uint8]
Form = Literal["visible", "chip_half", "picture_half", "drawn"]
FORMS: tuple[Form, ...] = ("visible", "chip_half", "picture_half", "drawn")
VISIBLE, CHIP_HALF, PICTURE_HALF, DRAWN = range(len(FORMS))

KINDS_OF_HALF: dict[Half, dict[str, float]] = {"upper": {"headset": 1.0}, "lower": {"mask": 1.0}}
"""Half -> what is drawn over it unless the settings say something else."""
_LEAST_COVER = 0.05
"""A layer that covers less of its area hides nothing: the chip's half is hidden instead."""


@dataclass(frozen=True, slots=True)
class Hiding:
    """How faces are hidden; the shares are relative to each other.

    Attributes:
        half: Which half.
        visible: Share of faces left as they are.
        chip_half: Share whose chip's half is black.
        picture_half: Share whose picture's half is black, before the chip is cut.
        drawn: Share with a drawn occlusion.
        kinds: Kind of `engines.occlusion.KINDS` -> how often it is drawn in relation to the others; empty draws
            `KINDS_OF_HALF`.
    """

    half: Half = "upper"
    visible: float = 0.05
    chip_half: float = 0.4
    picture_half: float = 0.2
    drawn: float = 0.35
    kinds: dict[str, float] = field(default_factory=dict)

    def __post_init__(self) -> None:
        if self.half not in ("upper", "lower"):
            raise RecipeError(f"half: expected upper or lower, found {self.half!r}")
        shares = self.shares()
        if min(shares) < 0 or not sum(shares) > 0:
            raise RecipeError(f"hiding: expected shares from 0 on and one above it, found {shares}")
        if unknown := [kind for kind in self.kinds if kind not in KINDS]:
            raise RecipeError(f"hiding.kinds: expected some of {', '.join(KINDS)}, found {unknown[0]!r}")
        weights = self.drawn_kinds.values()
        if min(weights) < 0 or not sum(weights) > 0:
            raise RecipeError(f"hiding.kinds: expected shares from 0 on and one above it, found {self.kinds}")

    @property
    def drawn_kinds(self) -> dict[str, float]:
        """Kind -> how often it is drawn in relation to the others."""
        return self.kinds or KINDS_OF_HALF[self.half]

    @property
    def layers_name(self) -> str:
        """Name of the layers with what is drawn: other kinds than the usual ones have their own."""
        usual = self.drawn_kinds.keys() == KINDS_OF_HALF[self.half].keys()
        return self.half if usual else "_".join((self.half, *sorted(self.drawn_kinds)))

    def shares(self) -> tuple[float, ...]:
        """Return the share of each of `FORMS`."""
        return self.visible, self.chip_half, self.picture_half, self.drawn


@dataclass(frozen=True, slots=True, eq=False)
class Hider:
    """Hides the faces of batches.

    Attributes:
        hiding: How.
        layers: For each set of the batch, in order, its layers from `load_layers` or `load_pool`.
    """

    hiding: Hiding
    layers: tuple[Layers | LayerPool, ...]

    def draw_forms(self, count: int, random: np.random.Generator) -> npt.NDArray[np.int64]:
        """Return how each face is hidden, (N,) positions in `FORMS`."""
        shares = np.array(self.hiding.shares())
        return random.choice(len(FORMS), count, p=shares / shares.sum())

    def draw_on(
        self,
        chips: Bytes,
        forms: npt.NDArray[np.int64],
        source: npt.NDArray[np.int64],
        index: npt.NDArray[np.int64],
        maps: npt.NDArray[np.floating],
    ) -> npt.NDArray[np.int64]:
        """Lay the drawn occlusions on chips, in place.

        Args:
            chips: uint8 (N, size, size) gray.
            forms: (N,), from `draw_forms`.
            source: (N,), the face's set.
            index: (N,), its position in the set.
            maps: (N, 2, 3), unchanged chip -> changed chip.

        Returns:
            The forms, `CHIP_HALF` where a face has nothing drawn on it.
        """
        forms = forms.copy()
        for row in np.flatnonzero(forms == DRAWN):
            layer = self.layers[source[row]][index[row]]
            if not lay(chips[row], layer, maps[row]):
                forms[row] = CHIP_HALF
        return forms

    def blacken(
        self,
        images: Floats,
        forms: npt.NDArray[np.int64],
        matrices: Floats,
        heights: npt.NDArray[np.int64],
        spec: InputSpec,
    ) -> None:
        """Set the hidden halves to black, in place.

        Args:
            images: float32 (N, C, size, size), normalised.
            forms: (N,), from `draw_on`.
            matrices: float32 (N, 2, 3), picture -> changed chip.
            heights: (N,), of the pictures in pixels.
            spec: The input.
        """
        black = black_level(spec)
        half = spec.size // 2
        rows = slice(0, half) if self.hiding.half == "upper" else slice(spec.size - half, None)
        images[forms == CHIP_HALF, :, rows] = black
        chosen = np.flatnonzero(forms == PICTURE_HALF)
        hidden = hidden_of_picture(matrices[chosen], heights[chosen], spec.size, self.hiding.half)
        for row, mask in zip(chosen, hidden, strict=True):
            images[row][:, mask] = black


def black_level(spec: InputSpec) -> np.float32:
    """Return what a black pixel is in the network's input."""
    level = np.empty((1, 1, 1), np.float32)
    normalise(np.zeros((1, 1), np.uint8), spec, level)
    return np.float32(level[0, 0, 0])


def hidden_of_picture(
    matrices: Floats, heights: npt.NDArray[np.int64], size: int, half: Half
) -> npt.NDArray[np.bool_]:
    """Return which pixels of a chip show the hidden half of its picture, bool (N, size, size).

    Args:
        matrices: float32 (N, 2, 3), picture -> chip.
        heights: (N,), of the pictures; the middle row of an odd number stays visible, as in `hide_half`.
        size: Side of the chips.
        half: Which half of the pictures is black.
    """
    linear = np.linalg.inv(matrices[:, :, :2].astype(np.float64))
    down = linear[:, 1]  # how the picture's y grows along the chip's x and y
    start = -(down * matrices[:, :, 2]).sum(axis=1)
    ticks = np.arange(size)
    y_px = (
        start[:, None, None]
        + down[:, 0, None, None] * ticks[None, None, :]
        + down[:, 1, None, None] * ticks[None, :, None]
    )
    hidden_rows = (heights // 2)[:, None, None]
    if half == "upper":
        return y_px < hidden_rows - 0.5
    return y_px > (heights[:, None, None] - hidden_rows) - 0.5


def lay(chip: Bytes, layer: Bytes, change: npt.NDArray[np.floating]) -> bool:
    """Lay a drawn occlusion on a chip, in place; tell whether there was one.

    Args:
        chip: uint8 (size, size) gray.
        layer: uint8 (72, 72, 2), gray and cover.
        change: (2, 3), unchanged chip -> changed chip, both of the chip's size.
    """
    if float(layer[:, :, COVER].mean()) < _LEAST_COVER * 255:
        return False
    size = chip.shape[0]
    scale = size / UNIT_SIZE
    # Layer pixel q lies at chip pixel (q - margin + 1/2) * scale - 1/2.
    matrix = np.array(change, np.float64)
    offset = scale * (0.5 - MARGIN_PX) - 0.5
    matrix[:, 2] += matrix[:, :2].sum(axis=1) * offset
    matrix[:, :2] *= scale
    moved = cv2.warpAffine(
        np.ascontiguousarray(layer),
        matrix,
        (size, size),
        flags=cv2.INTER_LINEAR,
        borderMode=cv2.BORDER_CONSTANT,
    )
    cover = moved[:, :, COVER].astype(np.uint16)
    chip[:] = (chip * (255 - cover) + moved[:, :, GRAY] * cover + 127) // 255
    return True
