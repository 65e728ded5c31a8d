"""A drawn VR headset."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import cv2
import numpy as np
import numpy.typing as npt

from engines.occlusion.canvas import Canvas
from engines.occlusion.head_frame import HeadFrame, facing

Floats = npt.NDArray[np.float32]
Bytes = npt.NDArray[np.uint8]

# The shell in face widths (about 14.5 cm) around the eyes: the usual width, height and depth of headsets.
_HALF_WIDTH, _TOP, _BOTTOM, _FACE_Z, _FRONT_Z = 0.57, -0.39, 0.20, 0.02, -0.42
_CORNER, _NOSE_HALF_WIDTH, _NOSE_HEIGHT = 0.17, 0.14, 0.09
_FRONT_SHRINK = 0.93
_PLATE_PX = (256, 136)
_LIGHT = np.array([-0.35, -0.75, -0.56])
_STRAP_COLOUR = (24.0, 24.0, 26.0)
_SHELLS = ((38, 40, 44), (226, 226, 222), (70, 74, 82), (24, 25, 28), (196, 199, 204))


def _outline() -> Floats:
    """Return the shell's contour, a rounded box with a notch for the nose: (N, 3) at z 0, clockwise."""
    points: list[tuple[float, float]] = []
    x, top, bottom = _HALF_WIDTH - _CORNER, _TOP + _CORNER, _BOTTOM - _CORNER
    corners = ((-x, top, 180), (x, top, 270), (x, bottom, 0), (-x, bottom, 90))
    for number, (centre_x, centre_y, start_deg) in enumerate(corners):
        angles = np.radians(np.linspace(start_deg, start_deg + 90, 6))
        points += [(centre_x + _CORNER * np.cos(a), centre_y + _CORNER * np.sin(a)) for a in angles]
        if number == 2:
            across = np.linspace(1, -1, 9)
            notch = _BOTTOM - _NOSE_HEIGHT * np.cos(across * np.pi / 2) ** 0.7
            points += zip(_NOSE_HALF_WIDTH * across, notch, strict=True)
    return np.array([(px, py, 0.0) for px, py in points], np.float32)


def _straps() -> Floats:
    """Return the two side straps from the shell to the ears, (2, 4, 3)."""
    left = [(-0.55, -0.17, 0.0), (-0.61, -0.14, 0.62), (-0.61, 0.0, 0.62), (-0.55, 0.03, 0.0)]
    right = [(-x, y, z) for x, y, z in reversed(left)]
    return np.array([left, right], np.float32)


_TO_FRONT = np.array([_FRONT_SHRINK, _FRONT_SHRINK, 1], np.float32)
_BACK = _outline() + np.array([0, 0, _FACE_Z], np.float32)
_FRONT = _outline() * _TO_FRONT + np.array([0, 0, _FRONT_Z], np.float32)
_STRAPS = _straps()
_PLATE_CORNERS = (
    np.array(
        [(-_HALF_WIDTH, _TOP, _FRONT_Z), (_HALF_WIDTH, _TOP, _FRONT_Z), (-_HALF_WIDTH, _BOTTOM, _FRONT_Z)],
        np.float32,
    )
    * _TO_FRONT
)


@dataclass(frozen=True, slots=True)
class _Look:
    shell: tuple[float, float, float]
    strap: tuple[float, float, float]
    plate: Bytes
    size: float
    shift: float


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


def paint_headset(landmarks: npt.NDArray[np.floating[Any]], seed: int) -> Canvas:
    """Return a canvas with the headset; arguments and errors as of `draw_headset`."""
    look = _look(seed)
    head = HeadFrame.of(landmarks)
    size = np.array([look.size, look.size, 1], np.float32)
    place = np.array([0, look.shift, 0], np.float32)
    back, front, straps, corners = (
        head.to_picture(shape * size + place) for shape in (_BACK, _FRONT, _STRAPS, _PLATE_CORNERS)
    )
    canvas = Canvas(np.concatenate([back, front, straps.reshape(-1, 3)]), head.width_px)
    for strap in sorted(straps, key=lambda quad: -float(quad[:, 2].mean())):
        canvas.fill(strap, look.strap)
    _fill_walls(canvas, back, front, look.shell)
    canvas.lay(look.plate, corners, front)
    return canvas


def _fill_walls(canvas: Canvas, back: Floats, front: Floats, shell: tuple[float, float, float]) -> None:
    """Fill the walls between the face and the front plate, the farthest first."""
    walls = np.stack([back, np.roll(back, -1, axis=0), np.roll(front, -1, axis=0), front], axis=1)
    light = 0.62 + 0.3 * np.clip(facing(walls, _LIGHT), -0.6, 1)
    for index in np.argsort(-walls[:, :, 2].mean(axis=1)):
        canvas.fill(walls[index], [channel * light[index] for channel in shell])


@lru_cache(maxsize=64)
def _look(seed: int) -> _Look:
    if seed == 0:
        return _Look(_SHELLS[0], _STRAP_COLOUR, _plate(_SHELLS[0], False), 1.0, 0.0)
    generator = np.random.default_rng(seed)
    shell = _SHELLS[int(generator.integers(len(_SHELLS)))]
    plate = _plate(shell, bool(generator.random() < 0.4))
    return _Look(shell, _STRAP_COLOUR, plate, generator.uniform(0.94, 1.07), generator.uniform(-0.03, 0.02))


def _plate(shell: tuple[float, float, float], visor: bool) -> Bytes:
    """Paint the front: a shell with three camera windows or one glossy visor, uint8 (h, w, 3)."""
    width, height = _PLATE_PX
    rows = np.linspace(1.22, 0.78, height, dtype=np.float32)[:, None, None]
    columns = 1 - 0.18 * np.linspace(-1, 1, width, dtype=np.float32)[None, :, None] ** 4
    plate: Bytes = np.clip(np.array(shell, np.float32) * rows * columns + 4, 0, 255).astype(np.uint8)
    if visor:
        _window(plate, (14, 18), (width - 14, height - 34), 34)
    else:
        for x in (52, 128, 204):
            _window(plate, (x - 13, 28), (x + 13, height - 40), 13)
            for y in (46, height - 58):
                cv2.circle(plate, (x, y), 8, (52, 56, 66), 1, cv2.LINE_AA)
                cv2.circle(plate, (x, y), 5, (30, 34, 52), -1, cv2.LINE_AA)
                cv2.circle(plate, (x - 2, y - 2), 1, (190, 200, 220), -1, cv2.LINE_AA)
    smooth: Bytes = cv2.GaussianBlur(plate, (0, 0), 0.7)
    return smooth


def _window(plate: Bytes, low: tuple[int, int], high: tuple[int, int], radius_px: int) -> None:
    """Paint a rounded window of dark glass with a reflection."""
    (x0, y0), (x1, y1) = low, high
    mask = np.zeros(plate.shape[:2], np.uint8)
    cv2.rectangle(mask, (x0 + radius_px, y0), (x1 - radius_px, y1), 255, -1)
    cv2.rectangle(mask, (x0, y0 + radius_px), (x1, y1 - radius_px), 255, -1)
    for x in (x0 + radius_px, x1 - radius_px):
        for y in (y0 + radius_px, y1 - radius_px):
            cv2.circle(mask, (x, y), radius_px, 255, -1, cv2.LINE_AA)
    rows, columns = np.mgrid[: plate.shape[0], : plate.shape[1]].astype(np.float32)
    slope = (columns - x0) / (x1 - x0) + 0.8 * (rows - y0) / (y1 - y0)
    shine = 46 * np.exp(-(((slope - 0.45) / 0.16) ** 2)) + 16 * np.exp(-(((slope - 0.95) / 0.07) ** 2))
    glass = np.stack([10 + 0.85 * shine, 11 + 0.92 * shine, 15 + 1.1 * shine], axis=2)
    weight = mask[..., None].astype(np.float32) / 255
    plate[:] = (plate * (1 - weight) + glass * weight).astype(np.uint8)
    edges = cv2.morphologyEx(mask, cv2.MORPH_GRADIENT, np.ones((3, 3), np.uint8))
    plate[edges > 128] = (plate[edges > 128] * 0.6).astype(np.uint8)
