"""Hides faces in the recorded picture: blurred beyond recognition, or as flat silhouettes."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator, Sequence

import cv2
import numpy as np

from faceapp.settings import FaceStyle
from faceapp.types import FaceTrack, Floats, Image

LOOK_AHEAD_S = 0.2
"""A frame waits so long for results after it, because a face is in the picture before it is found."""
HOLD_S = 0.6
"""A face that was lost stays covered where it was so long; the tracker gives a face up after 0.5 s."""
_WAITING_FRAMES = (
    60  # 2 s at 30 Hz; without results for longer the whole picture is covered, memory stays bounded
)
_GROWTH = 1.45  # of the box, which ends at eyebrows and chin: forehead, ears and beard are to be covered too
_BLOCKS = 7  # a face of 7x7 blocks is not recognised
_GRAY = (104, 108, 114)

Waiting = tuple[Image, float]


class FaceCover:
    """Keeps frames back until it is known where the faces are, then covers them.

    A frame between two analysed ones is covered where each face was before and where it is after, so that a
    moving face stays covered. A face that the tracker doesn't find is not covered; nothing else can be promised.

    Args:
        style: "clear" covers nothing and keeps nothing back.
    """

    def __init__(self, style: FaceStyle) -> None:
        self._style = style
        self._waiting: deque[Waiting] = deque()
        self._known: deque[tuple[float, dict[int, Floats]]] = deque()
        self.uncertain = 0
        """Frames covered as a whole because nothing was known of their faces."""

    def hold(self, image: Image, time_s: float) -> None:
        """Take one captured frame, later than the one before."""
        self._waiting.append((image, time_s))

    def know(self, time_s: float, faces: Sequence[FaceTrack]) -> None:
        """Take where the faces of one analysed frame are; times only grow."""
        if self._style != "clear":
            self._known.append((time_s, {face.id: face.box for face in faces}))

    def ready(self, ended: bool = False) -> Iterator[Waiting]:
        """Yield the frames that can be written now, covered.

        Args:
            ended: No further result comes: yield everything.
        """
        while self._waiting:
            image, time_s = self._waiting[0]
            crowded = len(self._waiting) > _WAITING_FRAMES
            if not (
                self._style == "clear" or ended or crowded or self._seen_until() >= time_s + LOOK_AHEAD_S
            ):
                return
            self._waiting.popleft()
            yield (image if self._style == "clear" else self._covered(image, time_s)), time_s

    def _seen_until(self) -> float:
        return self._known[-1][0] if self._known else float("-inf")

    def _covered(self, image: Image, time_s: float) -> Image:
        while len(self._known) > 1 and self._known[1][0] < time_s - HOLD_S:
            self._known.popleft()
        near = [known for known in self._known if time_s - HOLD_S <= known[0] <= time_s + LOOK_AHEAD_S]
        # A slow analysis: its results just before and just after count however far they are.
        near = [known for known in self._known if known[0] <= time_s][-1:] + near
        near += [known for known in self._known if known[0] >= time_s][:1]
        if not near:
            self.uncertain += 1
            height, width = image.shape[:2]
            return cover(image, [np.array([0, 0, width, height], dtype=np.float32)], self._style, whole=True)
        return cover(image, list(_boxes(near, time_s)), self._style)


def _boxes(near: Sequence[tuple[float, dict[int, Floats]]], time_s: float) -> Iterator[Floats]:
    """Yield what to cover: of each face its last box before and its first one after, in one rectangle."""
    before: dict[int, Floats] = {}
    after: dict[int, Floats] = {}
    for known_s, boxes in near:
        if known_s <= time_s:
            before |= boxes
        else:
            after = boxes | after
    for face_id in before.keys() | after.keys():
        ends = np.stack([boxes[face_id] for boxes in (before, after) if face_id in boxes])
        yield np.concatenate([ends[:, :2].min(axis=0), ends[:, 2:].max(axis=0)])


def cover(image: Image, boxes: Sequence[Floats], style: FaceStyle, whole: bool = False) -> Image:
    """Return the picture with what lies in the boxes made unrecognisable.

    Args:
        image: uint8 (H, W, 3) RGB; stays as it is.
        boxes: float32 (4,), x0 y0 x1 y1 in pixels, of faces without forehead and ears.
        style: "blurred" keeps a few blocks of colour, "silhouette" one gray.
        whole: The boxes are to be covered to their corners and no further.
    """
    covered = image.copy()
    height, width = image.shape[:2]
    for box in boxes:
        x0, y0, x1, y1 = box if whole else _grown(box)
        left, top = max(0, int(x0)), max(0, int(y0))
        right, bottom = min(width, int(np.ceil(x1))), min(height, int(np.ceil(y1)))
        if right <= left or bottom <= top:
            continue
        area = covered[top:bottom, left:right]
        mask = np.zeros(area.shape[:2], dtype=np.uint8)
        centre = (round(float(x0 + x1) / 2) - left, round(float(y0 + y1) / 2) - top)
        axes = (max(1, round(float(x1 - x0) / 2)), max(1, round(float(y1 - y0) / 2)))
        cv2.ellipse(mask, centre, axes, 0, 0, 360, 255, -1)
        inside = np.ones_like(mask, dtype=bool) if whole else mask > 0
        area[inside] = _blocks(area)[inside] if style == "blurred" else _GRAY
    return covered


def _grown(box: Floats) -> Floats:
    centre, half = (box[:2] + box[2:]) / 2, (box[2:] - box[:2]) / 2 * _GROWTH
    return np.concatenate([centre - half, centre + half])


def _blocks(area: Image) -> Image:
    small = cv2.resize(area, (_BLOCKS, _BLOCKS), interpolation=cv2.INTER_AREA)
    return np.asarray(cv2.resize(small, area.shape[1::-1], interpolation=cv2.INTER_LINEAR), dtype=np.uint8)
