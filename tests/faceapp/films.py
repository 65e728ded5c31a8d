"""Short films of the portrait, for what analyses files."""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np

from faceapp.session.video_encoder import VideoEncoder

FRAMES = 12


def write_film(path: Path, portrait: np.ndarray) -> None:
    """Write a film of `FRAMES` frames in which the portrait moves to the right."""
    face = cv2.resize(portrait[:320, 60:380], (192, 192), interpolation=cv2.INTER_AREA)
    encoder = VideoEncoder(path)
    for index in range(FRAMES):
        canvas = np.full((216, 288, 3), 60, dtype=np.uint8)
        canvas[12:204, 30 + index : 222 + index] = face
        encoder.add(canvas, index / 25)
    encoder.close()
