"""From PyAV's decoded frames to the program's pictures."""

from __future__ import annotations

from typing import Any, NamedTuple

import cv2
import numpy as np
from av.sidedata.sidedata import Type
from av.video.reformatter import VideoReformatter

from faceapp.types import Image


class Turn(NamedTuple):
    """How a decoded picture becomes upright: first transposed, then flipped."""

    transposed: bool = False
    across: bool = False
    down: bool = False


_UPRIGHT = Turn()


class PictureMaker:
    """Converts decoded frames to RGB, upright and with square pixels; keeps its tables between frames."""

    def __init__(self) -> None:
        self._reformatter = VideoReformatter()

    def make(self, frame: Any, pixel_aspect: float = 1.0) -> Image:
        """Return the picture of one frame.

        Args:
            frame: An `av.VideoFrame`.
            pixel_aspect: Width of a pixel by its height; wide pixels are drawn out to squares.

        Returns:
            uint8 (H, W, 3) RGB, contiguous, turned and mirrored as the file says. The memory is the converted frame's own;
            only padded rows (widths that are no multiple of 16) and turned pictures are copied.
        """
        width_px = max(1, round(frame.width * pixel_aspect))
        converted = self._reformatter.reformat(frame, width=width_px, height=frame.height, format="rgb24")
        return turned(np.ascontiguousarray(converted.to_ndarray()), turn_of(frame))


def turn_of(frame: Any) -> Turn:
    """Return what the frame's display matrix says, to the nearest right angle; mirrored pictures too."""
    for data in frame.side_data:
        if data.type == Type.DISPLAYMATRIX:
            # ISO 14496-12, 6.2.2: a stored place (p, q) is shown at (a p + c q, b p + d q).
            a, b, _, c, d = np.frombuffer(bytes(data), dtype=np.int32)[:5].tolist()
            return Turn(False, a < 0, d < 0) if abs(a) >= abs(b) else Turn(True, c < 0, b < 0)
    return _UPRIGHT


def turned(image: Image, turn: Turn) -> Image:
    """Return a picture transposed and flipped; the same array where nothing is to do."""
    if turn.transposed:
        image = cv2.transpose(image)
    if turn.across or turn.down:
        image = cv2.flip(image, -1 if turn.across and turn.down else 1 if turn.across else 0)
    return image
