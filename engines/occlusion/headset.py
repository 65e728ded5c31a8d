"""A drawn VR headset."""

from __future__ import annotations

from itertools import pairwise
from typing import Any

import numpy as np
import numpy.typing as npt

from engines.occlusion.canvas import Canvas
from engines.occlusion.head_frame import HeadFrame, facing
from engines.occlusion.headset_fronts import front
from engines.occlusion.headset_models import Colour, look
from engines.occlusion.headset_shape import shape

Floats = npt.NDArray[np.float32]
Bytes = npt.NDArray[np.uint8]

_LIGHT = np.array([-0.35, -0.75, -0.56])
_TO_CAMERA = np.array([0.0, 0.0, -1.0])
_SHADOW = 0.3


def draw_headset(
    image: Bytes, landmarks: npt.NDArray[np.floating[Any]], *, seed: int = 0, out: Bytes | None = None
) -> Bytes:
    """Draw a VR headset over forehead, brows and eyes down to the tip of the nose.

    Args:
        image: uint8 (H, W, 3) RGB or (H, W) gray.
        landmarks: (478, 3) mesh points in picture pixels.
        seed: Chooses colour, model, size and place within what headsets differ by; same seed, same headset.
        out: Where the result goes; `image` itself to draw in place. None: a new array.

    Returns:
        uint8, the picture with the headset, of the shape of `image`.

    Raises:
        ValueError: The landmarks have another shape or are no face.
    """
    return paint_headset(landmarks, seed).blend(image, out)


def paint_headset(landmarks: npt.NDArray[np.floating[Any]], seed: int, *, loose: bool = False) -> Canvas:
    """Return a canvas with the headset.

    Args:
        landmarks: (478, 3) mesh points in picture pixels.
        seed: As for `draw_headset`.
        loose: Whether it sits on the forehead, low on the nose or aslant, instead of where it should.

    Raises:
        ValueError: The landmarks have another shape or are no face.
    """
    chosen = look(seed, loose)
    head = HeadFrame.of(landmarks)
    size = np.array([chosen.size, chosen.size, 1], np.float32)
    parts = shape(chosen.model)
    rings, plate, straps = (
        head.to_picture(part * size @ chosen.turn + chosen.place)
        for part in (parts.rings, parts.plate, parts.straps)
    )
    canvas = Canvas(np.concatenate([rings.reshape(-1, 3), straps.reshape(-1, 3)]), head.width_px)
    _fill_lit(canvas, straps[facing(straps, _TO_CAMERA) > 0], chosen.strap)
    for back, fore in pairwise(rings):
        walls = np.stack([back, np.roll(back, -1, axis=0), np.roll(fore, -1, axis=0), fore], axis=1)
        _fill_lit(canvas, walls[facing(walls, _TO_CAMERA) > -0.2], chosen.shell)
    canvas.lay(front(chosen.style, chosen.shell), plate, rings[-1])
    canvas.shadow(_SHADOW)
    return canvas


def _fill_lit(canvas: Canvas, quads: Floats, colour: Colour) -> None:
    """Fill surfaces with their colour in the light that falls on them."""
    light = 0.62 + 0.3 * np.clip(facing(quads, _LIGHT), -0.6, 1)
    canvas.fill(quads, light[:, None] * np.array(colour, np.float32))
