"""Meshes and pictures whose every number is known, for tests of the crop."""

from __future__ import annotations

import math

import numpy as np
from hypothesis import strategies as st

from engines.card import InputSpec
from engines.preprocess import (
    ALIGNMENT_POINTS,
    ALIGNMENT_TEMPLATE,
)

GRAY = InputSpec()


RGB = InputSpec(size=64, color="rgb", mean=0.4, std=0.2)


WHOLE = InputSpec(crop="whole_box")


degrees = st.floats(-180, 180)


scales = st.floats(0.2, 8)


shifts_px = st.floats(-500, 1500)


def face_at(turn_deg: float, scale_px: float, x_px: float, y_px: float) -> np.ndarray:
    """Return a mesh whose alignment points are the template, turned, scaled and moved."""
    mesh = np.zeros((478, 3), dtype=np.float64)
    turn = math.radians(turn_deg)
    rotation = np.array([[math.cos(turn), -math.sin(turn)], [math.sin(turn), math.cos(turn)]])
    mesh[list(ALIGNMENT_POINTS), :2] = ALIGNMENT_TEMPLATE.astype(np.float64) @ rotation.T * scale_px + (
        x_px,
        y_px,
    )
    return mesh


def apply(matrix: np.ndarray, points: np.ndarray) -> np.ndarray:
    return points @ matrix[:, :2].T + matrix[:, 2]


def smooth_picture(height: int = 400, width: int = 500) -> np.ndarray:
    """Return a gray picture without detail that any way of sampling could alias."""
    y, x = np.mgrid[0:height, 0:width].astype(np.float64)
    return (128 + 60 * np.sin(x / 40) + 60 * np.cos(y / 55)).astype(np.uint8)
