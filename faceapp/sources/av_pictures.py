"""From PyAV's decoded frames to the program's pictures."""

from __future__ import annotations

from typing import Any

import cv2
import numpy as np
from av.video.reformatter import VideoReformatter

from faceapp.types import Image

_ROTATIONS = {90: cv2.ROTATE_90_COUNTERCLOCKWISE, 180: cv2.ROTATE_180, 270: cv2.ROTATE_90_CLOCKWISE}


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
            uint8 (H, W, 3) RGB, contiguous, turned as the file says. The memory is the converted frame's own;
            only padded rows (widths that are no multiple of 16) and turned pictures are copied.
        """
        width_px = max(1, round(frame.width * pixel_aspect))
        converted = self._reformatter.reformat(frame, width=width_px, height=frame.height, format="rgb24")
        image: Image = np.ascontiguousarray(converted.to_ndarray())
        turn = _ROTATIONS.get(round(frame.rotation) % 360)
        if turn is not None:
            image = cv2.rotate(image, turn)
        return image
