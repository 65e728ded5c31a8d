"""Drawn glasses and sunglasses: what hides little of a face and must not be taken for a headset."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from engines.occlusion.canvas import Canvas
from engines.occlusion.head_frame import HeadFrame

Floats = npt.NDArray[np.float32]

# In face widths around the middle between the eyes: where a lens is, how large, and where it stands.
_LENS_X, _LENS_Y, _LENS_Z = 0.215, 0.015, -0.06
_HALF_WIDTH, _HALF_HEIGHT = 0.155, 0.105
_BRIDGE_Y = -0.02
_EAR = (0.53, 0.0, 0.45)
_FRAMES = ((22, 22, 24), (60, 42, 30), (140, 140, 146), (120, 24, 30), (30, 44, 90))
_GLASS = ((16, 16, 18), (44, 34, 28), (30, 40, 52))
_CORNERS = 28
_DARK_COVER, _CLEAR_COVER = 248, 26


def paint_spectacles(landmarks: npt.NDArray[np.floating[Any]], seed: int, *, dark: bool) -> Canvas:
    """Return a canvas with glasses.

    Args:
        landmarks: (478, 3) mesh points in picture pixels.
        seed: Chooses shape, size and colours; the same seed, the same glasses.
        dark: Sunglasses instead of clear lenses.

    Raises:
        ValueError: The landmarks have another shape or are no face.
    """
    generator = np.random.default_rng(seed)
    head = HeadFrame.of(landmarks)
    lens = _lens(generator, dark)
    lenses = np.stack([head.to_picture(lens * np.array([side, 1, 1], np.float32)) for side in (-1, 1)])
    temples = _temples(head, lens)
    canvas = Canvas(np.concatenate([lenses.reshape(-1, 3), *temples]), head.width_px)
    frame = _FRAMES[int(generator.integers(len(_FRAMES)))]
    glass = np.array(_GLASS[int(generator.integers(len(_GLASS)))] if dark else (150, 152, 156), np.float32)
    width = generator.uniform(3, 8) if dark else generator.uniform(2, 7)
    for temple in temples:
        canvas.line(temple, frame, width)
    canvas.fill(lenses, np.tile(glass, (2, 1)), _DARK_COVER if dark else _CLEAR_COVER)
    for outline in lenses:
        canvas.line(np.vstack([outline, outline[:1]]), frame, width)
    canvas.line(head.to_picture(_bridge(lens)), frame, width)
    return canvas


def _lens(generator: np.random.Generator, dark: bool) -> Floats:
    """Return the contour of the lens on the picture's right, (N, 3) in face widths: from a circle to a box."""
    angles = np.linspace(0, 2 * np.pi, _CORNERS, endpoint=False)
    power = generator.uniform(0.45, 1.0)
    x, y = (np.sign(wave) * np.abs(wave) ** power for wave in (np.cos(angles), np.sin(angles)))
    size = generator.uniform(0.85, 1.15) * (1.08 if dark else 1.0)
    half_height = _HALF_HEIGHT * size * generator.uniform(0.75, 1.15)
    shift = generator.uniform(-0.01, 0.035)
    return np.column_stack(
        [
            _LENS_X + _HALF_WIDTH * size * x,
            _LENS_Y + shift + half_height * y,
            np.full(_CORNERS, _LENS_Z),
        ]
    ).astype(np.float32)


def _bridge(lens: Floats) -> Floats:
    inner = float(lens[:, 0].min())
    return np.array([(-inner, _BRIDGE_Y, _LENS_Z), (inner, _BRIDGE_Y, _LENS_Z)], np.float32)


def _temples(head: HeadFrame, lens: Floats) -> list[Floats]:
    """Return the sides that are seen: on the far side of a turned head they lie behind the face."""
    outer = float(lens[:, 0].max())
    found = []
    for side in (-1.0, 1.0):
        points = head.to_picture(
            np.array([(side * outer, _BRIDGE_Y, _LENS_Z), (side * _EAR[0], *_EAR[1:])], np.float32)
        )
        if float((points[1, :2] - points[0, :2]) @ head.axes[0, :2]) * side > 0:
            found.append(points)
    return found
