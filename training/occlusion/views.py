"""Held-out faces with a half hidden, as a model made for that is measured on them."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import numpy.typing as npt

from engines.card import InputSpec
from engines.occlusion import Half, hide_half
from training.data.prepared import PreparedFaces
from training.errors import RecipeError
from training.occlusion.hiding import KINDS_OF_HALF, lay
from training.occlusion.layers import Layers, load_layers

Bytes = npt.NDArray[np.uint8]
Positions = npt.NDArray[np.int64]
Hide = Callable[[Bytes, PreparedFaces, Positions], Bytes]
"""(chips uint8 (N, size, size) or (N, size, size, 3), their set, their positions in it) -> the same with a half hidden."""

VIEWS = ("visible", "upper_half", "lower_half", "headset", "mask")
"""Nothing hidden, a black half of the chip, and drawn occlusions."""
VIEWS_OF_OCCLUSION = {
    "none": ("visible",),
    "headset": ("upper_half", "headset"),
    "mask": ("lower_half", "mask"),
}
"""What a card's occlusion is measured on; the first is what a model is chosen and calibrated by."""
_PLAIN_MAP = np.float32([[1, 0, 0], [0, 1, 0]])


def view(name: str, spec: InputSpec, cache: Path) -> Hide | None:
    """Return what hides faces in a view; None for "visible".

    Args:
        name: One of `VIEWS`.
        spec: Input of the network.
        cache: Folder for prepared faces, where drawn occlusions are kept.

    Raises:
        RecipeError: No such view.
    """
    if name == "visible":
        return None
    if name in ("upper_half", "lower_half"):
        return BlackHalf("upper" if name == "upper_half" else "lower", spec)
    if name in ("headset", "mask"):
        return Drawn("upper" if name == "headset" else "lower", spec, cache)
    raise RecipeError(f"view: expected one of {', '.join(VIEWS)}, found {name!r}")


@dataclass(frozen=True, slots=True)
class BlackHalf:
    """A half of the aligned chip is black.

    Attributes:
        half: Which.
        spec: Input of the network.
    """

    half: Half
    spec: InputSpec

    def __call__(self, chips: Bytes, faces: PreparedFaces, positions: Positions) -> Bytes:
        """Return the chips with their half black; see `Hide`."""
        return hide_half(chips, self.half, row_axis=1)


@dataclass(frozen=True, slots=True)
class Drawn:
    """A headset or mask is drawn on every held-out face with a mesh; a half is black on the others.

    Attributes:
        half: Which half is hidden.
        spec: Input of the network.
        cache: Folder for prepared faces.
    """

    half: Half
    spec: InputSpec
    cache: Path
    _layers: dict[str, Layers] = field(default_factory=dict, compare=False, repr=False)

    def __call__(self, chips: Bytes, faces: PreparedFaces, positions: Positions) -> Bytes:
        """Return the chips with the drawing on them; see `Hide`."""
        if faces.name not in self._layers:
            held_out = np.sort(np.concatenate([faces.where("validation"), faces.where("test")]))
            self._layers[faces.name] = load_layers(
                faces, self.cache, self.half, KINDS_OF_HALF[self.half], positions=held_out
            )
        layers = self._layers[faces.name]
        hidden = BlackHalf(self.half, self.spec)(chips, faces, positions)
        for row, position in enumerate(positions):
            chip = chips[row].copy()
            if lay(chip, layers[position], _PLAIN_MAP):
                hidden[row] = chip
        return hidden


def named(name: str, shown: str, views: Sequence[str]) -> str:
    """Return the name of a set in one of several views: the set's own where nothing is hidden."""
    return name if tuple(views) == ("visible",) else f"{name}_{shown}"
