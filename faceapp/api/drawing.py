"""Draws what was read onto a picture."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Literal

import numpy as np

from faceapp.api.face import Face
from faceapp.session.drawn_labels import UNREAD_COLOUR, draw_face, emotion_colour
from faceapp.types import Image


def drawn(image: Image, faces: Iterable[Face], color: Literal["rgb", "bgr"]) -> Image:
    """Return a copy of a picture with a box and a line per face.

    Args:
        image: uint8 (H, W, 3).
        faces: Its faces.
        color: Order of the picture's channels.

    Raises:
        ValueError: It is no such picture.
    """
    if not isinstance(image, np.ndarray) or image.dtype != np.uint8 or image.shape[2:] != (3,):
        found = f"{image.dtype} {image.shape}" if isinstance(image, np.ndarray) else type(image).__name__
        raise ValueError(f"draw: expected uint8 (height, width, 3), found {found}")
    canvas = np.array(image, order="C")
    for face in faces:
        red, green, blue = UNREAD_COLOUR if face.emotion is None else emotion_colour(face.emotion)
        x0, y0, x1, y1 = (round(edge) for edge in face.box)
        colour = (red, green, blue) if color == "rgb" else (blue, green, red)
        draw_face(canvas, (x0, y0, x1, y1), _line(face), colour)
    return canvas


def _line(face: Face) -> str:
    if face.emotion is None:
        return f"{face.id}: not enough of the face visible"
    parts = [f"{face.id}: {face.emotion} {face.probabilities[face.emotion]:.2f}"]
    if face.age_years is not None:
        parts.append(f"{face.age_years:.0f} years")
    return ", ".join(parts)
