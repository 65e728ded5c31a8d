"""Finds faces that nobody follows yet, also small ones, with MediaPipe's two face detectors."""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass, replace
from itertools import count
from typing import Any

import cv2
import numpy as np

from faceapp.tracking.quiet_start import chatter_removed
from faceapp.tracking.regions import Box, FaceRegion, region_around, same_face
from faceapp.types import Image

_LEAST_SCORE = 0.5
_SURE_SCORE = 0.65
"""At least this from close up makes a find certain. Measured with the short-range detector on a crop around
each find: 0.78 and more for 187 finds on faces of 20 to 120 pixels, 0.61 at most for the wrong finds on 208
pictures without a face; drawn headsets get 0.56 to 0.75."""
_CLOSE_SIDES = 2.0
_AROUND_SIDES = 4.0
_SMALLEST_FACE_PX = 16
_LARGEST_CROP = 4  # in picture sides, for the memory of a crop around a face that fills more than the picture
_WINDOW_OVERLAP = 0.3
_FINER_WINDOWS = 1.7
_LEAST_WINDOW_PX = 192  # what the detector sees: a smaller window would be blown up


@dataclass(frozen=True, slots=True)
class Find:
    """A face seen by a detector.

    Attributes:
        box: Its box in the picture, pixels.
        region: Where the mesh network should look.
        score: The detector's confidence.
        certain: Whether a mesh in the region is proof enough, as it is for MediaPipe's own Face Mesh; else
            `FaceFinder.look_closely` must confirm the find.
    """

    box: Box
    region: FaceRegion
    score: float
    certain: bool


class FaceFinder:
    """Looks for faces in a whole picture, in parts of it, and at one place.

    MediaPipe's short-range detector, the one inside Face Mesh, sees the picture at 128 pixels across and
    misses what is smaller than 9% of its longer side: of the five faces of a 1000x667 group it finds one.
    The full-range detector sees 192 pixels; on square windows as high as the picture it finds faces from 6%
    of the height, on finer windows from 3.5%. Wrong finds, more frequent there, are sorted out by the
    short-range detector on a crop of the place. Costs: 2.0 ms for the short-range detector, 4.3 ms for the
    full-range one.

    Must be made, used and closed on one thread.
    """

    def __init__(self) -> None:
        from mediapipe.python.solutions.face_detection import FaceDetection

        with chatter_removed():
            self._near = FaceDetection(min_detection_confidence=_LEAST_SCORE, model_selection=0)
            self._far = FaceDetection(min_detection_confidence=_LEAST_SCORE, model_selection=1)
            # The networks load at the first picture.
            blank: Image = np.zeros((64, 64, 3), dtype=np.uint8)
            for detector in (self._near, self._far):
                detector.process(blank)
        self._turns = count()

    def look_everywhere(self, image: Image) -> list[Find]:
        """Return all finds of both detectors: whole picture, coarse and fine windows (about 50 ms)."""
        coarse, fine = search_windows(*image.shape[:2])
        finds = self.look_over(image)
        for window in (*coarse, *fine):
            finds += self._look_into(image, window)
        return distinct(finds)

    def look_over(self, image: Image) -> list[Find]:
        """Return the finds in the whole picture, where only large faces are seen.

        Args:
            image: uint8 (H, W, 3), RGB, contiguous and read-only.
        """
        height, width = image.shape[:2]
        return _finds(self._near, image, Box(0, 0, width, height), certain=True)

    def look_further(self, image: Image) -> list[Find]:
        """Return the finds in the next window of an endless round: two coarse ones, a fine one."""
        coarse, fine = search_windows(*image.shape[:2])
        turn = next(self._turns)
        if fine and turn % 3 == 2:
            return self._look_into(image, fine[turn // 3 % len(fine)])
        return self._look_into(image, coarse[(turn - turn // 3) % len(coarse)])

    def look_around(self, image: Image, box: Box) -> list[Find]:
        """Return the finds up to one and a half face sizes around a place where a face should be."""
        place = _square(box, _AROUND_SIDES)
        crop = _crop(image, place)
        return [] if crop is None else _finds(self._near, crop, place, certain=True)

    def look_closely(self, image: Image, box: Box) -> Find | None:
        """Return the face at one place, seen from close up, or None; certain if the detector is sure."""
        place = _square(box, _CLOSE_SIDES)
        crop = _crop(image, place)
        if crop is None:
            return None
        finds = [find for find in _finds(self._near, crop, place, certain=False) if same_face(find.box, box)]
        if not finds:
            return None
        best = max(finds, key=lambda find: find.score)
        return replace(best, certain=best.score >= _SURE_SCORE)

    def restart(self) -> None:
        """Begin the round of windows anew, so that the same frames give the same finds."""
        self._turns = count()

    def close(self) -> None:
        """Release the detectors."""
        self._near.close()
        self._far.close()

    def _look_into(self, image: Image, window: Box) -> list[Find]:
        crop = _crop(image, window)
        return [] if crop is None else _finds(self._far, crop, window, certain=False)


def search_windows(height: int, width: int) -> tuple[tuple[Box, ...], tuple[Box, ...]]:
    """Return the square windows that cover a picture: as large as fits, and finer ones where that shows more.

    Neighbours overlap by at least 30%, so that a face at an edge is whole in one of them.
    """
    side = min(height, width)
    fine_side = math.ceil(side / _FINER_WINDOWS)
    fine = _tiles(height, width, fine_side) if fine_side >= _LEAST_WINDOW_PX else ()
    return _tiles(height, width, side), fine


def distinct(finds: Iterable[Find]) -> list[Find]:
    """Return the finds without repeats, the most confident and largest first."""
    kept: list[Find] = []
    for find in sorted(finds, key=lambda find: (-find.score * find.box.side, find.box)):
        if not any(same_face(find.box, other.box) for other in kept):
            kept.append(find)
    return kept


def _tiles(height: int, width: int, side: int) -> tuple[Box, ...]:
    step = side * (1 - _WINDOW_OVERLAP)
    lefts, tops = (
        np.linspace(0, length - side, max(1, math.ceil((length - side) / step) + 1)).astype(int).tolist()
        for length in (width, height)
    )
    return tuple(Box(left, top, left + side, top + side) for top in tops for left in lefts)


def _square(box: Box, sides: float) -> Box:
    """Return the square of whole pixels around a box's middle, that many times its longer side."""
    (x_px, y_px), half = box.centre, box.side * sides / 2
    left, top, side = math.floor(x_px - half), math.floor(y_px - half), math.ceil(2 * half)
    return Box(left, top, left + side, top + side)


def _crop(image: Image, place: Box) -> Image | None:
    """Cut out a place, the border repeated where it reaches beyond the picture; None where it misses it."""
    height, width = image.shape[:2]
    x0, y0, x1, y1 = (int(edge) for edge in place)
    inside = image[max(y0, 0) : min(y1, height), max(x0, 0) : min(x1, width)]
    if inside.size == 0 or x1 <= 0 or y1 <= 0 or x1 - x0 > _LARGEST_CROP * max(height, width):
        return None
    margins = max(-y0, 0), max(y1 - height, 0), max(-x0, 0), max(x1 - width, 0)
    if any(margins):
        crop: Image = cv2.copyMakeBorder(inside, *margins, cv2.BORDER_REPLICATE)
    else:
        crop = np.ascontiguousarray(inside)
    crop.flags.writeable = False  # MediaPipe copies what may be written to
    return crop


def _finds(detector: Any, picture: Image, place: Box, *, certain: bool) -> list[Find]:
    """Return what a detector sees in the part of a picture at `place`, in the whole picture's pixels."""
    found = []
    for detection in detector.process(picture).detections or ():
        data = detection.location_data
        bounds, eyes = data.relative_bounding_box, data.relative_keypoints[:2]
        corners = (bounds.xmin, bounds.ymin), (bounds.xmin + bounds.width, bounds.ymin + bounds.height)
        points = [*corners, *((eye.x, eye.y) for eye in eyes)]
        first, last, right_eye, left_eye = (
            (place.x0 + x * place.width, place.y0 + y * place.height) for x, y in points
        )
        box = Box(*first, *last)
        if box.side >= _SMALLEST_FACE_PX:
            found.append(
                Find(box, region_around(box, right_eye, left_eye), float(detection.score[0]), certain)
            )
    return found
