"""Hides the upper half of some training faces, the lower half of others, and leaves the rest bare."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from engines.card import InputSpec
from training.occlusion.hiding import FORMS, VISIBLE, Bytes, Floats, Hider

_COUNT = len(FORMS)


@dataclass(frozen=True, slots=True, eq=False)
class EitherHalf:
    """Hides faces of batches in one of several ways; has the methods of `training.occlusion.hiding.Hider`.

    A face's form is the position of its hider times the number of `FORMS`, plus the form of that hider.

    Attributes:
        bare: Share of faces that no hider touches.
        hiders: The others share the rest equally.
    """

    bare: float
    hiders: tuple[Hider, ...]

    def draw_forms(self, count: int, random: np.random.Generator) -> npt.NDArray[np.int64]:
        """Return how each face is hidden, (N,)."""
        chosen = random.integers(len(self.hiders), size=count)
        forms = np.stack([hider.draw_forms(count, random) for hider in self.hiders])
        drawn = chosen * _COUNT + forms[chosen, np.arange(count)]
        return np.where(random.random(count) < self.bare, VISIBLE, drawn)

    def draw_on(
        self,
        chips: Bytes,
        forms: npt.NDArray[np.int64],
        source: npt.NDArray[np.int64],
        index: npt.NDArray[np.int64],
        maps: npt.NDArray[np.floating],
    ) -> npt.NDArray[np.int64]:
        """Lay the drawn occlusions on chips, in place; see `Hider.draw_on`."""
        for place, hider in enumerate(self.hiders):
            own = forms // _COUNT == place
            forms = np.where(
                own, place * _COUNT + hider.draw_on(chips, _of(forms, own), source, index, maps), forms
            )
        return forms

    def blacken(
        self,
        images: Floats,
        forms: npt.NDArray[np.int64],
        matrices: Floats,
        heights: npt.NDArray[np.int64],
        spec: InputSpec,
    ) -> None:
        """Set the hidden halves to black, in place; see `Hider.blacken`."""
        for place, hider in enumerate(self.hiders):
            hider.blacken(images, _of(forms, forms // _COUNT == place), matrices, heights, spec)


def _of(forms: npt.NDArray[np.int64], own: npt.NDArray[np.bool_]) -> npt.NDArray[np.int64]:
    return np.where(own, forms % _COUNT, VISIBLE)
