"""Pictures of the portrait's head at chosen places."""

from __future__ import annotations

import cv2
import numpy as np

from faceapp.types import FaceTrack, Frame, Image

FRAMES_PER_S = 30

FACE = slice(60, 260), slice(130, 330)  # the astronaut's head in the 512x512 portrait


def frame(image: Image, time_s: float = 0.0) -> Frame:
    return Frame(round(time_s * FRAMES_PER_S), time_s, image, "test", 0.0)


def centre(face: FaceTrack) -> tuple[float, float]:
    x0, y0, x1, y1 = face.box.tolist()
    return (x0 + x1) / 2, (y0 + y1) / 2


def scene(
    portrait: Image, places: list[tuple[int, int, float]], shape: tuple[int, int] = (480, 640)
) -> Image:
    """Return a gray picture with the portrait's head pasted at each place: left, top, scale."""
    picture = np.full((*shape, 3), 128, dtype=np.uint8)
    for left, top, scale in places:
        head = cv2.resize(portrait[FACE], None, fx=scale, fy=scale, interpolation=cv2.INTER_AREA)
        x0, y0 = max(left, 0), max(top, 0)
        part = head[y0 - top : shape[0] - top, x0 - left : shape[1] - left]
        picture[y0 : y0 + part.shape[0], x0 : x0 + part.shape[1]] = part
    return picture
