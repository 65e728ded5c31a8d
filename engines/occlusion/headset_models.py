"""What headsets look like: models, colours, and how one seed chooses among them."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

import numpy as np
import numpy.typing as npt

from engines.occlusion.headset_fronts import STYLES, Style

Floats = npt.NDArray[np.float32]
Colour = tuple[float, float, float]


@dataclass(frozen=True, slots=True)
class Model:
    """A headset's body in face widths (about 14.5 cm) around the middle between the eyes.

    Attributes:
        half_width: Half of its width.
        top: Upper edge, negative.
        bottom: Lower edge, which rests on the cheeks.
        corner: Radius of the corners.
        depth: From the face to the front.
        taper: Size of the front compared with the back.
        nose: Height of the notch for the nose.
        straps: Which straps hold it: side, top, halo.
        styles: Fronts it comes with.
    """

    half_width: float
    top: float
    bottom: float
    corner: float
    depth: float
    taper: float
    nose: float
    straps: tuple[str, ...]
    styles: tuple[Style, ...]


_BOX = Model(0.57, -0.39, 0.20, 0.17, 0.44, 0.93, 0.09, ("side",), ("cameras", "visor", "plain"))
MODELS: tuple[Model, ...] = (
    _BOX,
    Model(0.56, -0.37, 0.22, 0.26, 0.38, 0.86, 0.11, ("side",), ("visor", "glossy")),  # goggles
    Model(0.55, -0.27, 0.19, 0.13, 0.24, 0.95, 0.10, ("side", "top"), ("plain", "cameras")),  # pancake lenses
    Model(0.54, -0.42, 0.11, 0.12, 0.40, 0.94, 0.02, ("side", "halo"), ("glossy", "plain")),  # open below
    Model(0.66, -0.33, 0.19, 0.15, 0.36, 0.84, 0.09, ("side", "top"), ("stripe", "plain")),  # wide view
    Model(0.53, -0.40, 0.21, 0.05, 0.52, 0.97, 0.10, ("side", "top"), ("plain", "stripe")),  # holds a phone
    Model(0.60, -0.41, 0.21, 0.20, 0.34, 0.90, 0.09, ("side", "halo", "top"), ("cameras", "visor")),  # halo
)
_SHELLS: tuple[Colour, ...] = (
    (38, 40, 44),
    (226, 226, 222),
    (70, 74, 82),
    (24, 25, 28),
    (196, 199, 204),
    (128, 130, 134),
    (52, 66, 104),
    (142, 44, 46),
    (176, 142, 100),
    (58, 88, 74),
)
# Most headsets are black, gray or white: the first five.
_COMMON_SHARE = 0.6
_STRAPS: tuple[Colour, ...] = ((24, 24, 26), (60, 62, 68), (198, 200, 202), (36, 44, 72))


@dataclass(frozen=True, slots=True)
class Look:
    """One headset on one head.

    Attributes:
        model: Its body.
        style: Its front.
        shell: RGB of the body.
        strap: RGB of the straps.
        size: Factor on width and height.
        place: float32 (3,), by how much it sits away from its place, face widths.
        turn: float32 (3, 3), how it sits turned.
    """

    model: Model
    style: Style
    shell: Colour
    strap: Colour
    size: float
    place: Floats
    turn: Floats


def turn(pitch_deg: float, roll_deg: float) -> Floats:
    """Return the rotation, float32 (3, 3), of row vectors first about x, then about z."""
    pitch, roll = np.radians([pitch_deg, roll_deg])
    about_x = np.array([[1, 0, 0], [0, np.cos(pitch), np.sin(pitch)], [0, -np.sin(pitch), np.cos(pitch)]])
    about_z = np.array([[np.cos(roll), np.sin(roll), 0], [-np.sin(roll), np.cos(roll), 0], [0, 0, 1]])
    rotation: Floats = (about_x @ about_z).astype(np.float32)
    return rotation


@lru_cache(maxsize=256)
def look(seed: int, loose: bool) -> Look:
    """Return the headset of a seed.

    Args:
        seed: 0 is a dark box with three camera windows, straight and in its place.
        loose: Whether it sits anywhere from the forehead to the nose, aslant, instead of as it should.
    """
    generator = np.random.default_rng(seed)
    model = MODELS[int(generator.integers(len(MODELS)))]
    style = model.styles[int(generator.integers(len(model.styles)))]
    common = 5 if generator.random() < _COMMON_SHARE else len(_SHELLS)
    shell = _SHELLS[int(generator.integers(common))]
    strap = _STRAPS[int(generator.integers(len(_STRAPS)))]
    if seed == 0:
        model, style, shell, strap = _BOX, STYLES[0], _SHELLS[0], _STRAPS[0]
    if loose:
        return Look(model, style, shell, strap, generator.uniform(0.88, 1.15), *_loose_place(generator))
    if seed == 0:
        return Look(model, style, shell, strap, 1.0, np.zeros(3, np.float32), turn(0, 0))
    shift = np.array([generator.normal(0, 0.012), generator.uniform(-0.03, 0.02), 0], np.float32)
    slant = turn(generator.uniform(-4, 4), float(np.clip(generator.normal(0, 1.8), -4, 4)))
    return Look(model, style, shell, strap, generator.uniform(0.94, 1.07), shift, slant)


def _loose_place(generator: np.random.Generator) -> tuple[Floats, Floats]:
    """Return place and turn of a headset pushed up, sitting low, or aslant."""
    up, low = (-0.62, -0.16), (0.03, 0.12)
    height = generator.uniform(*(up if generator.random() < 0.65 else low))
    pitch_deg = -45 * max(0.0, -height) + generator.uniform(-6, 6)  # pushed up it lies on the forehead
    place = np.array([generator.normal(0, 0.04), height, 0.3 * max(0.0, -height)], np.float32)
    return place, turn(pitch_deg, float(np.clip(generator.normal(0, 7), -16, 16)))
