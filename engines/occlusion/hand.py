"""A drawn hand before a face."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from engines.occlusion.canvas import Canvas
from engines.occlusion.head_frame import HeadFrame

Floats = npt.NDArray[np.float32]

# A hand in face widths, fingers up, its middle at 0: roots and tips of four fingers and the thumb, and their widths in
# 1/200 of the face's width. A hand is about as long as a face is wide.
_FINGERS = (
    ((-0.19, -0.02), (-0.24, -0.38), 25),
    ((-0.06, -0.05), (-0.07, -0.47), 27),
    ((0.06, -0.04), (0.09, -0.43), 26),
    ((0.18, 0.01), (0.24, -0.30), 22),
    ((-0.22, 0.25), (-0.42, 0.02), 28),
)
_PALM = ((-0.26, -0.03), (0.24, -0.03), (0.27, 0.22), (0.19, 0.46), (-0.17, 0.46), (-0.27, 0.26))
_WRIST = ((-0.16, 0.40), (0.18, 0.40), (0.2, 1.1), (-0.18, 1.1))
_SKINS = ((236, 190, 160), (222, 170, 136), (196, 140, 104), (150, 102, 72), (98, 66, 48), (70, 48, 38))
_DEPTH = -0.45
# Where a hand usually is: before the mouth, a cheek, an eye.
_PLACES = ((0.0, 0.50), (0.0, 0.42), (-0.3, 0.35), (0.3, 0.35), (0.22, 0.02), (-0.22, 0.02))


def paint_hand(landmarks: npt.NDArray[np.floating[Any]], seed: int) -> Canvas:
    """Return a canvas with a hand before the mouth, a cheek or an eye.

    Args:
        landmarks: (478, 3) mesh points in picture pixels.
        seed: Chooses place, turn, size and skin; the same seed, the same hand.

    Raises:
        ValueError: The landmarks have another shape or are no face.
    """
    generator = np.random.default_rng(seed)
    head = HeadFrame.of(landmarks)
    place = np.array(_PLACES[int(generator.integers(len(_PLACES)))]) + generator.normal(0, 0.05, 2)
    angle = generator.uniform(-1.2, 1.2)
    turn = np.array([[np.cos(angle), np.sin(angle)], [-np.sin(angle), np.cos(angle)]])
    if generator.random() < 0.5:
        turn = np.diag([-1.0, 1.0]) @ turn  # the other hand
    size = generator.uniform(0.85, 1.15)

    def laid(points: tuple[tuple[float, float], ...]) -> Floats:
        flat = size * np.array(points) @ turn + place
        return head.to_picture(np.column_stack([flat, np.full(len(flat), _DEPTH)]))

    fingers = [laid((root, tip)) for root, tip, _ in _FINGERS]
    palm, wrist = laid(_PALM), laid(_WRIST)
    reach = 0.12 * head.width_px
    parts = np.concatenate([*fingers, palm, wrist])
    canvas = Canvas(np.concatenate([parts - reach, parts + reach]), head.width_px)
    skin = np.array(_SKINS[int(generator.integers(len(_SKINS)))], np.float32)
    for polygon in (wrist, palm):
        canvas.fill(polygon[None], skin[None])
    shade = [float(channel) * 0.78 for channel in skin]
    for finger, (_, _, width) in zip(fingers, _FINGERS, strict=True):
        canvas.line(finger, shade, size * (width + 3))
        canvas.line(finger, skin.tolist(), size * width)
    canvas.shadow(0.3)
    return canvas
