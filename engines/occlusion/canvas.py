"""The small picture on which occlusions are painted before they are scaled onto a face."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TypeVar

import cv2
import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float32]
Bytes = npt.NDArray[np.uint8]
Values = TypeVar("Values", Bytes, Floats)
_Window = tuple[slice, slice]

# Width of the face on the canvas: large enough for folds and lenses, small enough that painting stays below a
# millisecond. Small faces are painted at twice their size, which smooth edges need; more is lost on them.
FACE_PX = 200
_SMALLEST_FACE_PX, _OVERSAMPLING = 72, 2.0
# OpenCV draws at 1/16 of a pixel when coordinates are given as whole sixteenths.
FRACTION_BITS = 4
# Mean brightness around a face in even light; what is drawn takes on the brightness found, within bounds.
EVEN_BRIGHTNESS = 115.0
_GAIN_RANGE = (0.35, 1.15)


class Canvas:
    """Colours with coverage, painted in picture coordinates.

    Attributes:
        colour: uint8 (h, w, 3) RGB.
        cover: uint8 (h, w), 255 where the face is hidden.
    """

    def __init__(
        self, points: Floats, face_width_px: float, *, gain_range: tuple[float, float] = _GAIN_RANGE
    ) -> None:
        """Make an empty canvas around everything that will be painted.

        Args:
            points: float32 (N, 2 or 3), picture pixels; what is painted must lie within their bounds.
            face_width_px: Width of the face in picture pixels.
            gain_range: Bounds within which colours follow the picture's light; (1, 1): they stay.
        """
        self._gain_range = gain_range
        face_px = min(max(_OVERSAMPLING * face_width_px, _SMALLEST_FACE_PX), FACE_PX)
        self._unit = face_px / FACE_PX
        margin = 2 + 0.05 * face_width_px
        self._x0, self._y0 = (int(edge) for edge in np.floor(points[:, :2].min(axis=0) - margin))
        x1, y1 = (int(edge) for edge in np.ceil(points[:, :2].max(axis=0) + margin))
        self._size = (x1 - self._x0, y1 - self._y0)
        width, height = (max(1, round(side * face_px / face_width_px)) for side in self._size)
        self._scale = np.array([width / self._size[0], height / self._size[1]], np.float32)
        self.colour: Bytes = np.zeros((height, width, 3), np.uint8)
        self.cover: Bytes = np.zeros((height, width), np.uint8)

    def pixels(self, width: float) -> int:
        """Return a width given in 1/200 of the face's width in whole canvas pixels, at least one."""
        return max(1, round(width * self._unit))

    def place(self, points: Floats) -> Floats:
        """Return picture points (..., 2 or 3) as canvas points (..., 2)."""
        corner = np.array([self._x0, self._y0], np.float32) - np.float32(0.5)
        placed: Floats = (points[..., :2] - corner) * self._scale - np.float32(0.5)
        return placed

    def corners(self, points: Floats) -> npt.NDArray[np.int32]:
        """Return picture points as OpenCV draws them: in 1 / 2**FRACTION_BITS canvas pixels."""
        fixed: npt.NDArray[np.int32] = np.rint(self.place(points) * (1 << FRACTION_BITS)).astype(np.int32)
        return fixed

    def fill(self, polygons: Floats, colours: Floats, cover: int = 255) -> None:
        """Fill convex polygons, the farthest first.

        Args:
            polygons: float32 (M, N, 3), picture points.
            colours: float32 (M, 3) RGB.
            cover: 255 hides the face; less is seen through.
        """
        corners = self.corners(polygons)
        for index in np.argsort(-polygons[:, :, 2].mean(axis=1)):
            colour = colours[index].tolist()
            cv2.fillConvexPoly(self.colour, corners[index], colour, cv2.LINE_8, FRACTION_BITS)
            cv2.fillConvexPoly(self.cover, corners[index], cover, cv2.LINE_8, FRACTION_BITS)

    def shadow(self, strength: float) -> None:
        """Add the soft shadow that what is painted casts on the face right below it; call it last.

        Args:
            strength: Share of the light that is taken away where it is darkest, 0 to 1.
        """
        down, reach = self.pixels(5), self.pixels(4) * 2 + 1
        lower = np.zeros_like(self.cover)
        lower[down:] = self.cover[:-down]
        lower = cv2.blur(cv2.blur(lower, (reach, reach)), (reach, reach))
        np.maximum(self.cover, cv2.multiply(lower, strength), out=self.cover)

    def line(self, points: Floats, colour: Sequence[float], width: float) -> None:
        """Draw a line through picture points, `width` in 1/200 of the face's width."""
        corners, width_px = [self.corners(points)], self.pixels(width)
        cv2.polylines(self.colour, corners, False, tuple(colour), width_px + 2, cv2.LINE_8, FRACTION_BITS)
        cv2.polylines(self.cover, corners, False, 255, width_px, cv2.LINE_AA, FRACTION_BITS)

    def lay(self, texture: Bytes, corners: Floats, outline: Floats) -> None:
        """Lay a flat texture on the canvas.

        Args:
            texture: uint8 (h, w, 3) RGB.
            corners: float32 (3, 3), picture pixels of its upper left, upper right and lower left corners.
            outline: float32 (N, 3), what of it is seen, picture pixels.
        """
        height, width = texture.shape[:2]
        source = np.array([[0, 0], [width - 1, 0], [0, height - 1]], np.float32)
        matrix = cv2.getAffineTransform(source, self.place(corners))
        size = (self.cover.shape[1], self.cover.shape[0])
        flat = cv2.warpAffine(texture, matrix, size, flags=cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)
        inside = np.zeros_like(self.cover)
        cv2.fillPoly(inside, [self.corners(outline)], 255, cv2.LINE_8, FRACTION_BITS)
        cv2.copyTo(flat, inside, self.colour)
        cv2.bitwise_or(self.cover, inside, dst=self.cover)

    def blend(self, image: Bytes, out: Bytes | None) -> Bytes:
        """Scale the canvas onto a picture.

        Args:
            image: uint8 (H, W, 3) RGB or (H, W) gray.
            out: Where the result goes; may be `image`. None: a new array.

        Returns:
            uint8, the shape of `image`.
        """
        if out is None:
            out = image.copy()
        elif out is not image:
            np.copyto(out, image)
        inside = self._inside(image.shape[0], image.shape[1])
        if inside is not None:
            window, part = inside
            self._blend_region(out[window], part)
        return out

    def layer(self, size: int, brightness: float) -> tuple[Floats, Floats]:
        """Return what is painted as a gray layer of a square picture.

        Args:
            size: Side of the picture in pixels.
            brightness: Mean brightness around the face, 0 to 255.

        Returns:
            float32 (size, size) brightness times coverage, and coverage; both 0 to 1.
        """
        drawn, cover = np.zeros((2, size, size), np.float32)
        inside = self._inside(size, size)
        if inside is not None:
            window, part = inside
            gray = cv2.cvtColor(self.colour, cv2.COLOR_RGB2GRAY)
            gray = cv2.multiply(gray, self.cover, scale=self._gain(brightness) / 255**2, dtype=cv2.CV_32F)
            drawn[window] = self._to_picture(self._smooth(np.minimum(gray, 1)))[part]
            shares = self.cover.astype(np.float32) * np.float32(1 / 255)
            cover[window] = self._to_picture(self._smooth(shares))[part]
        return drawn, cover

    def _inside(self, height: int, width: int) -> tuple[_Window, _Window] | None:
        """Return the part of a picture that the canvas covers, and the part of the canvas that is seen."""
        left, top = max(0, self._x0), max(0, self._y0)
        right, bottom = min(width, self._x0 + self._size[0]), min(height, self._y0 + self._size[1])
        if left >= right or top >= bottom:
            return None
        part = np.s_[top - self._y0 : bottom - self._y0, left - self._x0 : right - self._x0]
        return np.s_[top:bottom, left:right], part

    def _gain(self, brightness: float) -> float:
        return float(np.clip(brightness / EVEN_BRIGHTNESS, *self._gain_range))

    def _blend_region(self, region: Bytes, part: _Window) -> None:
        wide_cover = cv2.cvtColor(self.cover, cv2.COLOR_GRAY2RGB)
        gain = self._gain(sum(cv2.mean(region)) / (1 if region.ndim == 2 else 3))
        # Colours times coverage, both smoothed alike: even edges without a rim.
        drawn = self._smooth(cv2.multiply(self.colour, wide_cover, scale=gain / 255))
        drawn = self._to_picture(drawn)[part]
        cover = self._smooth(self.cover if region.ndim == 2 else wide_cover)
        if region.ndim == 2:
            drawn = cv2.cvtColor(drawn, cv2.COLOR_RGB2GRAY)
        kept = cv2.bitwise_not(self._to_picture(cover)[part])
        kept = cv2.multiply(region, kept, scale=1 / 255)
        region[:] = cv2.add(drawn, kept)

    def _to_picture(self, layer: Values) -> Values:
        kernel = cv2.INTER_AREA if layer.shape[1] > self._size[0] else cv2.INTER_LINEAR
        scaled: Values = cv2.resize(layer, self._size, interpolation=kernel)
        return scaled

    def _smooth(self, layer: Values) -> Values:
        smooth: Values = cv2.GaussianBlur(layer, (5, 5), max(0.6, 1.1 * self._unit))
        return smooth
