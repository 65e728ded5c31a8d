"""The demo's picture files, and a layer of the portrait that can be lit and laid over a canvas."""

from __future__ import annotations

import cv2
import numpy as np

from engines.shipped import ASSETS_DIR
from faceapp.errors import SourceError
from faceapp.types import Floats, Image

FOLDER = ASSETS_DIR / "demo"
# Layers are enlarged once with a good filter, so that the bilinear sampling of every frame shows no steps.
ENLARGE = 2
# A light from one side falls off over these columns of the portrait, to this share.
_LIGHT_COLUMNS_PX = (120.0, 330.0)
_LIGHT_SHARE = 0.45


class Layer:
    """One enlarged layer with premultiplied colours.

    Attributes:
        corner_px: float32 (2,), column and row of its first pixel in the portrait.
    """

    def __init__(self, pixels: Image, corner_px: Floats, light_shift_px: float) -> None:
        """Prepare the layer lit from the left and from the right; every frame mixes the two.

        Args:
            pixels: uint8 (h, w, 4) RGBA, premultiplied, `ENLARGE` pixels a portrait pixel.
            corner_px: Column and row of its first pixel in the portrait.
            light_shift_px: How far right of the unmirrored portrait's head this portrait's head is.
        """
        self.corner_px = corner_px
        first, last = (edge + light_shift_px for edge in _LIGHT_COLUMNS_PX)
        places = (np.arange(pixels.shape[1]) / ENLARGE + corner_px[0] - first) / (last - first)
        ramp = np.clip(places, 0, 1)[None, :, None].astype(np.float32)
        self._alpha = np.ascontiguousarray(pixels[..., 3])
        self._lit_left, self._lit_right = (
            (pixels * (1 - (1 - _LIGHT_SHARE) * fall)).round().astype(np.uint8) for fall in (ramp, 1 - ramp)
        )
        self._mixed = np.empty_like(pixels)

    def lit(self, brightness: float, balance: float, rows: int | None = None) -> Image:
        """Return the layer in a light; a view of a reused buffer.

        Args:
            brightness: Gain in the middle of the head.
            balance: -1 lit from the left to 1 lit from the right.
            rows: How many rows from the top are needed; None: all.

        Returns:
            uint8 (rows, w, 4) RGBA, premultiplied.
        """
        gain = brightness / (1 + _LIGHT_SHARE)
        left, right = gain * (1 - balance), gain * (1 + balance)
        mixed = self._mixed[:rows]
        cv2.addWeighted(self._lit_left[:rows], left, self._lit_right[:rows], right, 0, dst=mixed)
        cv2.insertChannel(self._alpha[:rows], mixed, 3)
        return mixed


def lay_over(region: Image, layer: Image) -> None:
    """Lay a premultiplied layer over a part of the canvas, both uint8 (h, w, 4)."""
    behind = cv2.cvtColor(cv2.bitwise_not(cv2.extractChannel(layer, 3)), cv2.COLOR_GRAY2RGBA)
    cv2.multiply(region, behind, dst=behind, scale=1 / 255)
    cv2.add(behind, layer, dst=region)


def read_layer(name: str) -> Image:
    """Return one layer of the portrait, uint8 (h, w, 4) RGBA, premultiplied and enlarged.

    Raises:
        SourceError: A file is missing or damaged.
    """
    colours = cv2.cvtColor(read_picture(f"{name}.jpg", cv2.IMREAD_COLOR), cv2.COLOR_BGR2RGB)
    alpha = read_picture(f"{name}_alpha.png", cv2.IMREAD_GRAYSCALE)
    size = (alpha.shape[1] * ENLARGE, alpha.shape[0] * ENLARGE)
    colours = cv2.resize(colours, size, interpolation=cv2.INTER_LANCZOS4)
    alpha = cv2.resize(alpha, size, interpolation=cv2.INTER_CUBIC)
    premultiplied = cv2.multiply(colours, cv2.cvtColor(alpha, cv2.COLOR_GRAY2RGB), scale=1 / 255)
    layer: Image = np.dstack([premultiplied, alpha])
    return layer


def read_picture(name: str, flags: int) -> Image:
    """Return one file of the demo as OpenCV reads it.

    Raises:
        SourceError: The file is missing or damaged.
    """
    picture = cv2.imread(str(FOLDER / name), flags)
    if picture is None:
        raise SourceError(
            f"{FOLDER / name}: expected a picture of the demo, found none; install the program again"
        )
    found: Image = picture
    return found


def read_landmarks(name: str) -> Floats:
    """Return a stored face mesh, float32 (478, 3) in portrait pixels.

    Raises:
        SourceError: The file is missing or damaged.
    """
    try:
        points: Floats = np.load(FOLDER / name, allow_pickle=False)
    except (OSError, ValueError) as error:
        raise SourceError(
            f"{FOLDER / name}: expected the demo's face mesh, found {error}; install the program again"
        ) from error
    return points
