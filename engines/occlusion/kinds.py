"""What can hide a face: one entry point that draws it on a picture, and one that returns it as a layer."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

import cv2
import numpy as np
import numpy.typing as npt

from engines.occlusion.canvas import Canvas
from engines.occlusion.hand import paint_hand
from engines.occlusion.head_frame import mapped
from engines.occlusion.headset import paint_headset
from engines.occlusion.mask import paint_mask
from engines.occlusion.spectacles import paint_spectacles

Floats = npt.NDArray[np.float32]
Bytes = npt.NDArray[np.uint8]
AnyFloats = npt.NDArray[np.floating[Any]]
_Paint = Callable[[AnyFloats, int], Canvas]

# Painted in this order, the first farthest from the camera.
_PAINTERS: dict[str, tuple[_Paint, ...]] = {
    "headset": (paint_headset,),
    "mask": (paint_mask,),
    "loose_headset": (partial(paint_headset, loose=True),),
    "nose_mask": (partial(paint_mask, worn="below_nose"),),
    "chin_mask": (partial(paint_mask, worn="chin"),),
    "glasses": (partial(paint_spectacles, dark=False),),
    "sunglasses": (partial(paint_spectacles, dark=True),),
    "hand": (paint_hand,),
    "both": (paint_mask, paint_headset),
}
KINDS: tuple[str, ...] = tuple(_PAINTERS)
"""Names of what can be drawn."""


def occlude(
    image: Bytes, landmarks: AnyFloats, kind: str, *, seed: int = 0, out: Bytes | None = None
) -> Bytes:
    """Draw something that hides a face, or a part of it.

    Args:
        image: uint8 (H, W, 3) RGB or (H, W) gray.
        landmarks: (478, 3) mesh points in picture pixels.
        kind: One of `KINDS`.
        seed: Chooses shape, colours, size and place; the same seed, the same picture. 0 is the plain default.
        out: Where the result goes; `image` itself to draw in place. None: a new array.

    Returns:
        uint8, the picture with what hides the face, of the shape of `image`.

    Raises:
        ValueError: The kind is unknown, or the landmarks have another shape or are no face.
    """
    for canvas in _paint(landmarks, kind, seed):
        image = canvas.blend(image, out)
        out = image
    return image


def occlusion_layer(
    landmarks: AnyFloats,
    kind: str,
    matrix: AnyFloats,
    size: int,
    *,
    seed: int = 0,
    brightness: float = 115.0,
) -> tuple[Bytes, Bytes]:
    """Return what hides a face as a layer over its chip: drawing first and cutting then gives the same.

    A hidden chip is `chip * (1 - cover / 255) + gray * cover / 255`. Around what is drawn, `gray` continues
    the brightness of its edge, so that both arrays may be turned, scaled and moved together with the chip.

    Args:
        landmarks: (478, 3) mesh points in picture pixels.
        kind: One of `KINDS`.
        matrix: (2, 3), picture pixels to layer pixels, a similarity such as `alignment_matrix` returns.
        size: Side of the layer in pixels.
        seed: As for `occlude`: the same seed, the same drawing.
        brightness: Mean brightness around the face, 0 to 255; what is drawn takes it on.

    Returns:
        gray: uint8 (size, size), brightness of what is drawn.
        cover: uint8 (size, size), 255 where the face is hidden.

    Raises:
        ValueError: The kind is unknown, the landmarks are no face, or the matrix mirrors.
    """
    drawn, cover = np.zeros((2, size, size), np.float32)
    for canvas in _paint(mapped(landmarks, matrix), kind, seed):
        upper_drawn, upper_cover = canvas.layer(size, brightness)
        drawn = upper_drawn + drawn * (1 - upper_cover)
        cover = upper_cover + cover * (1 - upper_cover)
    gray = _continued(drawn, cover)
    return np.rint(gray * 255).astype(np.uint8), np.rint(cover * 255).astype(np.uint8)


def _paint(landmarks: AnyFloats, kind: str, seed: int) -> list[Canvas]:
    if kind not in _PAINTERS:
        raise ValueError(f"kind: expected one of {', '.join(KINDS)}, found {kind!r}")
    return [paint(landmarks, seed) for paint in _PAINTERS[kind]]


def _continued(drawn: Floats, cover: Floats) -> Floats:
    """Return brightness without its coverage, continued a few pixels beyond what is covered."""
    near_drawn, near_cover = (cv2.blur(layer, (7, 7)) for layer in (drawn, cover))
    mean = float(drawn.sum() / max(float(cover.sum()), 1e-6))
    gray: Floats = np.where(near_cover > 1e-3, near_drawn / np.maximum(near_cover, 1e-3), mean)
    return np.clip(np.where(cover > 0.02, drawn / np.maximum(cover, 0.02), gray), 0, 1)
