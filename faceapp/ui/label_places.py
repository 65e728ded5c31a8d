"""Finds places for labels beside faces, never on one."""

from __future__ import annotations

from collections.abc import Sequence

from PySide6.QtCore import QPointF, QRectF, QSizeF

_GAP_PX = 6.0


class LabelPlaces:
    """Places labels and remembers on which side each one was, so that labels don't hop from side to side."""

    def __init__(self) -> None:
        self._sides: dict[int, int] = {}

    def place(
        self, ids: Sequence[int], faces: Sequence[QRectF], sizes: Sequence[QSizeF], bounds: QRectF
    ) -> list[QRectF | None]:
        """Return where each face's label goes.

        Args:
            ids: The faces' ids.
            faces: Their boxes; no label touches any of them.
            sizes: Size of each label.
            bounds: Where labels may be: the whole view with its margins, not only the picture.

        Returns:
            One rectangle a face, or None where no place is free (the face's card still shows it all).
        """
        placed: list[QRectF | None] = []
        for track_id, face, size in zip(ids, faces, sizes, strict=True):
            taken = [*faces, *(rect for rect in placed if rect is not None)]
            placed.append(self._place_one(track_id, face, size, bounds, taken))
        self._sides = {track_id: side for track_id, side in self._sides.items() if track_id in ids}
        return placed

    def _place_one(
        self, track_id: int, face: QRectF, size: QSizeF, bounds: QRectF, taken: Sequence[QRectF]
    ) -> QRectF | None:
        candidates = _beside(face, size, bounds)
        usual = self._sides.get(track_id, 0)
        for side in (usual, *range(len(candidates))):
            rect: QRectF = candidates[side]
            if bounds.contains(rect) and not any(rect.intersects(other) for other in taken):
                self._sides[track_id] = side
                return rect
        return None


def _beside(face: QRectF, size: QSizeF, bounds: QRectF) -> list[QRectF]:
    """Places around a face, the best first: above, below, right, left, each slid into the bounds."""
    width, height = size.width(), size.height()

    def within(value: float, low: float, high: float) -> float:
        return max(low, min(value, high))

    x = within(face.left(), bounds.left(), bounds.right() - width)
    y = within(face.top(), bounds.top(), bounds.bottom() - height)
    low_y = within(face.bottom() - height, bounds.top(), bounds.bottom() - height)
    right, left = face.right() + _GAP_PX, face.left() - _GAP_PX - width
    corners = (
        QPointF(x, face.top() - _GAP_PX - height),
        QPointF(x, face.bottom() + _GAP_PX),
        QPointF(right, y),
        QPointF(left, y),
        QPointF(right, low_y),
        QPointF(left, low_y),
    )
    return [QRectF(corner, size) for corner in corners]
