"""Boxes and words burnt into a picture with OpenCV, in the colours of the window."""

from __future__ import annotations

import unicodedata

import cv2

from engines.card import EMOTIONS
from faceapp.session.timeline import COLOURS
from faceapp.types import Image

Colour = tuple[int, int, int]
UNREAD_COLOUR: Colour = (154, 160, 166)
_GROUND: Colour = (24, 26, 29)
_FONT = cv2.FONT_HERSHEY_SIMPLEX


def emotion_colour(emotion: str) -> Colour:
    """Return the colour of an emotion, red, green and blue from 0 to 255."""
    value = int(COLOURS[EMOTIONS.index(emotion)][1:], 16)
    return value >> 16, value >> 8 & 255, value & 255


def draw_face(image: Image, box: tuple[int, int, int, int], text: str, colour: Colour) -> None:
    """Draw a frame with a line of text above it, in place.

    Args:
        image: uint8 (H, W, 3).
        box: x0, y0, x1, y1 in pixels.
        text: The line.
        colour: In the order of the picture's channels.
    """
    x0, y0, x1, y1 = box
    cv2.rectangle(image, (x0, y0), (x1, y1), (20, 20, 20), 4, cv2.LINE_AA)
    cv2.rectangle(image, (x0, y0), (x1, y1), colour, 2, cv2.LINE_AA)
    draw_text(image, text, (x0, y0 - 8), colour)


def draw_text(image: Image, text: str, place: tuple[int, int], colour: Colour) -> None:
    """Write a line on a dark ground that stays in the picture, in place.

    Args:
        image: uint8 (H, W, 3).
        text: The line.
        place: Left end of the line it stands on, x and y in pixels.
        colour: In the order of the picture's channels.
    """
    scale = max(0.4, image.shape[0] / 1100)
    text = plain_letters(text)
    (width, height), below = cv2.getTextSize(text, _FONT, scale, 1)
    x = min(max(place[0], 2), max(2, image.shape[1] - width - 4))
    y = min(max(place[1], height + 4), image.shape[0] - below - 2)
    cv2.rectangle(image, (x - 3, y - height - 4), (x + width + 3, y + below + 1), _GROUND, -1)
    cv2.putText(image, text, (x, y), _FONT, scale, colour, 1, cv2.LINE_AA)


def plain_letters(text: str) -> str:
    """Return a text in the letters that OpenCV's font knows: accents are left away, what else it lacks becomes "?"."""
    parts = unicodedata.normalize("NFKD", text)
    return (
        "".join(part for part in parts if not unicodedata.combining(part)).encode("ascii", "replace").decode()
    )
