"""One face out of a sample's picture, as it is stored: gray, no larger than needed, with its maps.

The map onto the chip comes from `engines.preprocess.alignment_matrix` on the mesh that `CropLandmarker` finds. A face
in a larger picture is cut out with a quarter of its box on every side first.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field

import cv2
import numpy as np
import numpy.typing as npt

from engines.preprocess import LANDMARK_COUNT, alignment_matrix
from training.errors import DatasetError

UNIT_SIZE = 48
"""Maps are stored for chips of this side; another side only scales them."""
LARGEST_SIDE_PX = 256
"""Larger pictures are cut around the face and shrunk: chips are at most about this large."""
_MARGIN = 0.25

Bytes = npt.NDArray[np.uint8]
Floats = npt.NDArray[np.float32]


@dataclass(frozen=True, slots=True, eq=False)
class FaceCut:
    """A face as it is stored.

    Attributes:
        image: uint8 (H, W) gray.
        aligned: float32 (2, 3), image -> 48-pixel chip; NaN where no landmarks were found.
        box: float32 (4,), the face in the image, xyxy px; NaN where it fills the image.
        landmarks: float32 (478, 3), the mesh in the image, px; NaN where none was found.
    """

    image: Bytes
    aligned: Floats
    box: Floats
    landmarks: Floats = field(default_factory=lambda: no_landmarks())


Cutter = Callable[[Bytes, Floats | None], FaceCut]
"""Picture uint8 (H, W, 3) RGB and face box, None where the face fills the picture -> the face as it is stored."""


def no_map() -> Floats:
    """Return the map of a face without landmarks."""
    return np.full((2, 3), np.nan, np.float32)


def no_landmarks() -> Floats:
    """Return the mesh of a face without landmarks."""
    return np.full((LANDMARK_COUNT, 3), np.nan, np.float32)


class MeshCutter:
    """Cuts faces with the app's own landmarks; holds their models, so one a process."""

    def __init__(self) -> None:
        from faceapp.tracking.face_crops import CropLandmarker

        self._landmarker = CropLandmarker()

    def __call__(self, picture: Bytes, box: Floats | None) -> FaceCut:
        """Return the face of a picture; see `Cutter`."""
        part, inner = (picture, np.full(4, np.nan, np.float32)) if box is None else cut_box(picture, box)
        landmarks = self._find(part)
        aligned, mesh = no_map(), no_landmarks()
        if landmarks is not None and _shows(landmarks, inner):
            with suppress(ValueError):  # a degenerate mesh is as good as none
                aligned = alignment_matrix(landmarks, UNIT_SIZE)
                mesh = landmarks.astype(np.float32)
        return stored(FaceCut(cv2.cvtColor(part, cv2.COLOR_RGB2GRAY), aligned, inner, mesh))

    def _find(self, part: Bytes) -> Floats | None:
        """Return the mesh of a picture; in a large one a second look at the face alone makes it precise."""
        landmarks = self._landmarker.find(part)
        if landmarks is None or max(part.shape) <= LARGEST_SIDE_PX:
            return landmarks
        low, high = landmarks[:, :2].min(axis=0), landmarks[:, :2].max(axis=0)
        if (high - low).min() < 1 or (high < 1).any() or (low > np.array(part.shape[1::-1]) - 1).any():
            return None
        box = np.concatenate([low, high])
        closer, inner = cut_box(part, box)
        again = self._landmarker.find(closer)
        if again is not None:
            again[:, :2] += box[:2] - inner[:2]
        return again


def _shows(landmarks: Floats, box: Floats) -> bool:
    """Tell whether a mesh is the boxed face's own and not a neighbour's in the margin."""
    if np.isnan(box).any():
        return True
    centre = landmarks[:, :2].mean(axis=0)
    return bool((centre > box[:2]).all() and (centre < box[2:]).all())


def cut_box(picture: Bytes, box: Floats) -> tuple[Bytes, Floats]:
    """Cut a box with a quarter of its size on every side, as far as the picture goes.

    Args:
        picture: uint8 (H, W, 3).
        box: (4,), xyxy px.

    Returns:
        The part, and the box in it, float32 (4,).

    Raises:
        DatasetError: The box lies outside the picture or is smaller than a pixel.
    """
    height, width = picture.shape[:2]
    margin_x, margin_y = _MARGIN * (box[2] - box[0]), _MARGIN * (box[3] - box[1])
    left, top = max(0, math.floor(box[0] - margin_x)), max(0, math.floor(box[1] - margin_y))
    right, bottom = min(width, math.ceil(box[2] + margin_x)), min(height, math.ceil(box[3] + margin_y))
    seen = min(box[2], width) - max(box[0], 0) >= 1 and min(box[3], height) - max(box[1], 0) >= 1
    if not seen:
        found = ", ".join(f"{edge:.0f}" for edge in box)
        raise DatasetError(
            f"expected a face inside the picture of {width}x{height}, found its box at {found}"
        )
    part = np.ascontiguousarray(picture[top:bottom, left:right])
    return part, np.asarray(box - _edges(left, top), dtype=np.float32)


def stored(cut: FaceCut) -> FaceCut:
    """Return a face no larger than `LARGEST_SIDE_PX`: what the chip does not show is cut off, the rest shrunk."""
    if max(cut.image.shape) <= LARGEST_SIDE_PX:
        return cut
    cut = _trimmed(cut)
    height, width = cut.image.shape
    scale = LARGEST_SIDE_PX / max(height, width)
    if scale >= 1:
        return cut
    size = max(1, round(width * scale)), max(1, round(height * scale))
    scales = np.array(size) / (width, height)
    aligned = cut.aligned.astype(np.float64)
    aligned[:, 2] += aligned[:, :2] @ (0.5 / scales - 0.5)  # pixel centres lie at whole numbers
    aligned[:, :2] /= scales
    image = cv2.resize(cut.image, size, interpolation=cv2.INTER_AREA)
    landmarks = cut.landmarks.astype(np.float64)
    landmarks[:, :2] = (landmarks[:, :2] + 0.5) * scales - 0.5
    landmarks[:, 2] *= scales[0]
    box = (cut.box * np.tile(scales, 2)).astype(np.float32)
    return FaceCut(image, aligned.astype(np.float32), box, landmarks.astype(np.float32))


def _trimmed(cut: FaceCut) -> FaceCut:
    """Return the part of an aligned face that the chip and a quarter around it show."""
    if not np.isfinite(cut.aligned).all():
        return cut
    low, high = -_MARGIN * UNIT_SIZE, (1 + _MARGIN) * UNIT_SIZE
    outline = np.array([[low, low, 1], [high, low, 1], [low, high, 1], [high, high, 1]])
    corners = outline @ cv2.invertAffineTransform(cut.aligned.astype(np.float64)).T
    height, width = cut.image.shape
    left, top = (max(0, math.floor(edge)) for edge in corners.min(axis=0))
    right, bottom = min(width, math.ceil(corners[:, 0].max())), min(height, math.ceil(corners[:, 1].max()))
    if right - left < 1 or bottom - top < 1:
        return cut
    aligned = cut.aligned.copy()
    aligned[:, 2] += aligned[:, :2] @ np.array([left, top], np.float32)
    image = np.ascontiguousarray(cut.image[top:bottom, left:right])
    # Without a box the whole picture was the face's fallback; trimmed, the part around the chip is.
    landmarks = cut.landmarks - np.array([left, top, 0], np.float32)
    return FaceCut(image, aligned, cut.box - _edges(left, top), landmarks)


def _edges(left: int, top: int) -> Floats:
    """Return what a box loses when its picture is cut at a corner."""
    return np.array([left, top, left, top], dtype=np.float32)
