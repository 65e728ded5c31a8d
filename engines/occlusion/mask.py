"""A drawn surgical mask."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from typing import Any, Literal

import cv2
import numpy as np
import numpy.typing as npt

from engines.occlusion.canvas import FRACTION_BITS, Canvas
from engines.occlusion.head_frame import HeadFrame, facing

Floats = npt.NDArray[np.float32]
Bytes = npt.NDArray[np.uint8]

# The cloth hangs on four rows of seven mesh points, left to right in an upright picture: upper edge over the
# bridge of the nose, cheeks and tip of the nose, mouth, lower edge under the chin.
_POINTS = np.array(
    [
        [137, 123, 101, 197, 330, 352, 366],
        [177, 187, 205, 4, 425, 411, 401],
        [215, 212, 61, 14, 291, 432, 435],
        [172, 150, 176, 152, 400, 379, 397],
    ]
)
# How far the cloth stands off the skin there, in face widths: x, y, z of the head (z away from the camera).
_STAND_OFF = np.zeros((4, 7, 3), np.float32)
_STAND_OFF[0, :, 2] = (0, 0, 0, -0.02, 0, 0, 0)
_STAND_OFF[1, :, 2] = (0, -0.01, -0.05, -0.03, -0.05, -0.01, 0)
_STAND_OFF[2, :, 2] = (0, -0.03, -0.10, -0.15, -0.10, -0.03, 0)
_STAND_OFF[3, :, 2] = (0, 0, -0.02, -0.04, -0.02, 0, 0)
_STAND_OFF[3, :, 1] = (0.01, 0.03, 0.04, 0.05, 0.04, 0.03, 0.01)
_UPPER_EDGE = np.zeros((4, 7, 3), np.float32)
_UPPER_EDGE[0, :, 1] = (0.4, 0.6, 1, 1, 1, 0.6, 0.4)
_ROWS, _COLUMNS = 10, 13
# The ear loops' course from the cloth to behind the ears: left and right, upper and lower, middle and end.
_LEFT_LOOPS = [[(-0.535, 0.13, 0.34), (-0.53, 0.06, 0.50)], [(-0.525, 0.40, 0.36), (-0.525, 0.27, 0.50)]]
_LOOPS = np.stack([np.array(_LEFT_LOOPS), np.array(_LEFT_LOOPS) * (-1, 1, 1)]).astype(np.float32)
Worn = Literal["nose", "below_nose", "chin"]
"""Over the nose as it should be, with the nose bare, or pulled under the chin."""
_FLAT = 200
_LIGHT = np.array([-0.25, -0.60, -0.76])
_COLOURS = (
    (160, 204, 228),
    (240, 242, 244),
    (168, 214, 202),
    (46, 48, 52),
    (228, 200, 212),
    (128, 168, 206),
    (206, 166, 138),
    (24, 25, 28),
    (118, 46, 52),
    (58, 74, 110),
)
_PLEATS: tuple[float, ...] = (0.36, 0.52, 0.68)
_CUP_SHARE, _STRIPED_SHARE = 0.25, 0.2
"""Of masks that are a stiff cup with a seam down the middle, and of cloth with stripes; the rest has pleats."""


def _spline(count: int, samples: int, first: float = 0.0) -> Floats:
    """Return Catmull-Rom weights, float32 (samples, count), for even samples from a place to the last point."""
    weights = np.zeros((samples, count), np.float32)
    for row, place in enumerate(np.linspace(first, count - 1, samples)):
        start = min(int(place), count - 2)
        t = place - start
        basis = (-t + 2 * t**2 - t**3, 2 - 5 * t**2 + 3 * t**3, t + 4 * t**2 - 3 * t**3, t**3 - t**2)
        for offset, weight in enumerate(basis):
            weights[row, min(max(start - 1 + offset, 0), count - 1)] += weight / 2
    return weights


_UPPER_ROW: dict[Worn, float] = {"nose": 0.0, "below_nose": 1.45, "chin": 2.45}
"""Where the cloth begins among the four rows of mesh points."""
_WEIGHTS = {worn: np.kron(_spline(4, _ROWS, row), _spline(7, _COLUMNS)) for worn, row in _UPPER_ROW.items()}
_BELOW_CHIN = np.array([0, 0.07, 0.02], np.float32)
"""How far the cloth sinks when it is pulled under the chin, in face widths."""


@dataclass(frozen=True, slots=True)
class _Look:
    colour: tuple[float, float, float]
    fullness: float
    upper_edge: float
    folds: tuple[float, ...]
    seam: bool = False
    stripes: int = 0


def draw_mask(
    image: Bytes, landmarks: npt.NDArray[np.floating[Any]], *, seed: int = 0, out: Bytes | None = None
) -> Bytes:
    """Draw a surgical mask with folds and ear loops, from the bridge of the nose to under the chin.

    Args:
        image: uint8 (H, W, 3) RGB or (H, W) gray.
        landmarks: (478, 3) mesh points in picture pixels.
        seed: Chooses colour, fullness, height on the nose and folds; the same seed, the same mask.
        out: Where the result goes; `image` itself to draw in place. None: a new array.

    Returns:
        uint8, the picture with the mask, of the shape of `image`.

    Raises:
        ValueError: The landmarks have another shape or are no face.
    """
    return paint_mask(landmarks, seed).blend(image, out)


def paint_mask(landmarks: npt.NDArray[np.floating[Any]], seed: int, worn: Worn = "nose") -> Canvas:
    """Return a canvas with the mask; arguments and errors as of `draw_mask`, and how it is worn."""
    look = _look(seed)
    head = HeadFrame.of(landmarks)
    controls = landmarks[_POINTS].astype(np.float32)
    controls += head.shift(_STAND_OFF * np.float32(look.fullness) + _UPPER_EDGE * np.float32(look.upper_edge))
    grid = (_WEIGHTS[worn] @ controls.reshape(-1, 3)).reshape(_ROWS, _COLUMNS, 3)
    if worn == "chin":
        grid = grid + head.shift(_BELOW_CHIN)
    loops = head.to_picture(_LOOPS)
    canvas = Canvas(np.concatenate([grid.reshape(-1, 3), loops.reshape(-1, 3)]), head.width_px)
    _draw_ear_loops(canvas, grid, loops, head, look)
    _draw_cloth(canvas, grid, look)
    return canvas


def _draw_ear_loops(canvas: Canvas, grid: Floats, loops: Floats, head: HeadFrame, look: _Look) -> None:
    """Draw the loops that are seen; on the far side of a turned head they lie behind the face."""
    colour = [0.4 * channel + 130 for channel in look.colour]
    for side, column, outwards in ((0, 0, -1), (1, -1, 1)):
        reach = (loops[side, 0, 1, :2] - grid[0, column, :2]) @ head.axes[0, :2] * outwards
        if reach > 0.01 * head.width_px:
            for end, row in ((0, 0), (1, -1)):
                canvas.line(np.vstack([grid[row, column], loops[side, end]]), colour, 2)


def _draw_cloth(canvas: Canvas, grid: Floats, look: _Look) -> None:
    """Paint the cloth: its colour times the light on it times the relief of folds and seams."""
    shade, cloth = _shade(canvas, grid)
    shade = cv2.multiply(shade, _relief(canvas, grid, look), scale=1 / _FLAT)
    colours = np.arange(256, dtype=np.float32)[:, None, None] / 255 * np.array(look.colour, np.float32)
    painted = cv2.LUT(cv2.cvtColor(shade, cv2.COLOR_GRAY2RGB), colours.astype(np.uint8))
    cv2.copyTo(painted, cloth, canvas.colour)
    cv2.bitwise_or(canvas.cover, cloth, dst=canvas.cover)


def _shade(canvas: Canvas, grid: Floats) -> tuple[Bytes, Bytes]:
    """Return the light on the cloth (255: full light) and where cloth is, uint8 of the canvas's size."""
    quads = np.stack([grid[:-1, :-1], grid[:-1, 1:], grid[1:, 1:], grid[1:, :-1]], axis=2).reshape(-1, 4, 3)
    light = 255 * (0.62 + 0.36 * np.clip(facing(quads, _LIGHT), 0, 1))
    shade, cloth = np.full_like(canvas.cover, 215), np.zeros_like(canvas.cover)
    corners = canvas.corners(quads)
    for index in np.argsort(-quads[:, :, 2].mean(axis=1)):  # the farthest first
        cv2.fillConvexPoly(shade, corners[index], float(light[index]), cv2.LINE_8, FRACTION_BITS)
        cv2.fillConvexPoly(cloth, corners[index], 255, cv2.LINE_8, FRACTION_BITS)
    width = canvas.pixels(9)
    return cv2.blur(cv2.blur(shade, (width, width)), (width, width)), cloth


def _relief(canvas: Canvas, grid: Floats, look: _Look) -> Bytes:
    """Return the folds' edges with the shadows below, stripes and seams; uint8, `_FLAT` where none is."""
    relief = np.full_like(canvas.cover, _FLAT)
    middle = _COLUMNS // 2
    shadow = 0.022 * (grid[-1, middle] - grid[0, middle])
    for place in look.folds:
        row = place * (_ROWS - 1)
        start = min(int(row), _ROWS - 2)
        fold = grid[start] + (row - start) * (grid[start + 1] - grid[start])
        for line, value, width in ((fold + shadow, 0.88 * _FLAT, 5), (fold, 1.05 * _FLAT, 2)):
            cv2.polylines(
                relief, [canvas.corners(line)], False, value, canvas.pixels(width), cv2.LINE_AA, FRACTION_BITS
            )
    if look.seam:
        seam = canvas.corners(grid[:, middle])
        cv2.polylines(relief, [seam], False, 0.82 * _FLAT, canvas.pixels(3), cv2.LINE_AA, FRACTION_BITS)
    for row in np.linspace(1, _ROWS - 2, look.stripes).astype(int):
        stripe = canvas.corners(grid[row])
        cv2.polylines(relief, [stripe], False, 0.7 * _FLAT, canvas.pixels(5), cv2.LINE_AA, FRACTION_BITS)
    for line in (grid[0] + 2 * shadow, grid[-1] - 1.5 * shadow):
        cv2.polylines(
            relief, [canvas.corners(line)], False, 0.9 * _FLAT, canvas.pixels(2), cv2.LINE_AA, FRACTION_BITS
        )
    smooth: Bytes = cv2.blur(relief, (3, 3))
    return smooth


@lru_cache(maxsize=256)
def _look(seed: int) -> _Look:
    if seed == 0:
        return _Look(_COLOURS[0], 1.0, 0.0, _PLEATS)
    generator = np.random.default_rng(seed)
    colour = _COLOURS[int(generator.integers(len(_COLOURS)))]
    folds = tuple(fold + generator.uniform(-0.04, 0.04) for fold in _PLEATS)
    fullness, upper_edge = generator.uniform(0.7, 1.3), generator.uniform(-0.03, 0.06)
    kind = generator.random()
    if kind < _CUP_SHARE:
        return _Look(colour, 1.15 * fullness, upper_edge, (), seam=True)
    if kind < _CUP_SHARE + _STRIPED_SHARE:
        return _Look(colour, fullness, upper_edge, (), stripes=int(generator.integers(3, 7)))
    return _Look(colour, fullness, upper_edge, folds)
