"""A still portrait that moves: two layers, body and head; the head turns in depth."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import cv2
import numpy as np
import numpy.typing as npt

from faceapp.sources.demo_layers import ENLARGE, Layer, lay_over, read_landmarks, read_layer, read_picture
from faceapp.types import Floats, Image

Doubles = npt.NDArray[np.float64]

_HEAD_CORNER_PX = (130, 0)
_DEPTH_RANGE_PX = (-40.0, 60.0)
# Where the head turns: the neck inside the collar, at the depth of the ears.
_PIVOT_PX = (222.0, 172.0, 50.0)
# A turned head may reach this far beyond its layer. Which portrait pixel a frame pixel shows is worked out on
# a grid this coarse and interpolated.
_MARGIN_PX = 8
_GRID_PX = 12
# The depth's slope times the turn's tangent is below 0.7: six steps leave less than a tenth of a pixel.
_TURN_STEPS = 6


@dataclass(frozen=True, slots=True)
class Pose:
    """Where the person is and how she is lit.

    Attributes:
        x_px: Column of the neck in the frame.
        y_px: Row of the neck in the frame.
        scale: Frame pixels a portrait pixel.
        lean_deg: Roll of body and head together, positive clockwise in the picture.
        yaw_deg: Turn of the head, positive towards the right edge of the picture.
        pitch_deg: Nod of the head, positive up.
        roll_deg: Tilt of the head on the body, positive clockwise in the picture.
        brightness: Gain on all colours.
        balance: -1 lit from the left to 1 lit from the right.
    """

    x_px: float
    y_px: float
    scale: float
    lean_deg: float = 0.0
    yaw_deg: float = 0.0
    pitch_deg: float = 0.0
    roll_deg: float = 0.0
    brightness: float = 1.0
    balance: float = 0.0

    def lean(self) -> Doubles:
        """Return the rotation of the whole person, (2, 2)."""
        angle = np.radians(self.lean_deg)
        return np.array([[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]])

    def turn(self) -> Doubles:
        """Return the rotation of the head on the body, (3, 3): yaw, then pitch, then roll."""
        yaw, pitch, roll = np.radians([self.yaw_deg, self.pitch_deg, self.roll_deg])
        about_y = np.array([[np.cos(yaw), 0, -np.sin(yaw)], [0, 1, 0], [np.sin(yaw), 0, np.cos(yaw)]])
        about_x = np.array([[1, 0, 0], [0, np.cos(pitch), np.sin(pitch)], [0, -np.sin(pitch), np.cos(pitch)]])
        about_z = np.array([[np.cos(roll), -np.sin(roll), 0], [np.sin(roll), np.cos(roll), 0], [0, 0, 1]])
        rotation: Doubles = about_z @ about_x @ about_y
        return rotation


class Portrait:
    """Paints the person onto a canvas in a given pose and tells where her face mesh then lies."""

    def __init__(self, *, mirrored: bool = False, blue_suit: bool = False) -> None:
        """Read the layers.

        Args:
            mirrored: Left and right exchanged.
            blue_suit: The orange suit turned blue, to tell two people apart.

        Raises:
            SourceError: A file is missing or damaged.
        """
        body, head = read_layer("body"), read_layer("head")
        depth = read_picture("head_depth.png", cv2.IMREAD_GRAYSCALE)
        corner, pivot = np.array(_HEAD_CORNER_PX, np.float32), np.array(_PIVOT_PX, np.float32)
        if blue_suit:
            body[..., :3] = body[..., 2::-1]
        if mirrored:
            width_px = body.shape[1] // ENLARGE
            body, head, depth = (np.ascontiguousarray(layer[:, ::-1]) for layer in (body, head, depth))
            corner[0], pivot[0] = width_px - corner[0] - depth.shape[1], width_px - 1 - pivot[0]
        left, top, width, height = cv2.boundingRect(body[..., 3])
        body, body_corner = body[top : top + height, left : left + width], np.array([left, top], np.float32)
        light_shift_px = float(pivot[0]) - _PIVOT_PX[0]
        self._pivot = pivot
        self._body = Layer(body, body_corner / ENLARGE, light_shift_px)
        self._head = Layer(head, corner, light_shift_px)
        low, high = _DEPTH_RANGE_PX
        self._depth: Floats = depth.astype(np.float32) * np.float32((high - low) / 255) + np.float32(low)
        self._depth -= pivot[2]
        self._landmarks = read_landmarks("landmarks_mirrored.npy" if mirrored else "landmarks.npy")
        self._landmark_depth = self._depth_at(self._landmarks[:, None, :2])[:, 0]

    def paint(self, canvas: Image, pose: Pose) -> None:
        """Paint the person over what is on the canvas.

        Args:
            canvas: uint8 (H, W, 4); the fourth channel becomes meaningless.
            pose: Where and how.
        """
        self._paint_body(canvas, pose)
        self._paint_head(canvas, pose)

    def landmarks(self, pose: Pose) -> Floats:
        """Return the face mesh in this pose, float32 (478, 3) in frame pixels, z smaller is nearer."""
        offsets, turn = self._landmarks - self._pivot, pose.turn()
        turned = offsets @ turn.T
        # What is seen was shifted by the smoothed depth of the layer, not by the mesh's own.
        turned[:, :2] += (self._landmark_depth - offsets[:, 2])[:, None] * turn[:2, 2]
        turned *= pose.scale
        turned[:, :2] = turned[:, :2] @ pose.lean().T + (pose.x_px, pose.y_px)
        points: Floats = turned.astype(np.float32)
        return points

    def _paint_body(self, canvas: Image, pose: Pose) -> None:
        matrix = np.empty((2, 3))
        matrix[:, :2] = pose.lean() * (pose.scale / ENLARGE)
        pivot = (self._pivot[:2] - self._body.corner_px + 0.5) * ENLARGE - 0.5
        matrix[:, 2] = np.array([pose.x_px, pose.y_px]) - matrix[:, :2] @ pivot
        # What lies below the frame needs no light.
        bottom = np.array([[0, canvas.shape[0], 1], [canvas.shape[1], canvas.shape[0], 1]])
        rows = (bottom @ cv2.invertAffineTransform(matrix)[1]).max()
        layer = self._body.lit(pose.brightness, pose.balance, max(1, math.ceil(rows) + 2))
        height, width = layer.shape[:2]
        corners = np.array([[0, 0, 1], [width, 0, 1], [0, height, 1], [width, height, 1]]) @ matrix.T
        x0, y0, x1, y1 = _clip(corners.min(axis=0), corners.max(axis=0), canvas)
        if x0 < x1 and y0 < y1:
            matrix[:, 2] -= (x0, y0)
            moved = cv2.warpAffine(layer, matrix, (x1 - x0, y1 - y0), flags=cv2.INTER_LINEAR)
            lay_over(canvas[y0:y1, x0:x1], moved)

    def _paint_head(self, canvas: Image, pose: Pose) -> None:
        left, top, columns, rows = self._head_grid(pose)
        x0, y0, x1, y1 = _clip((left, top), (left + columns * _GRID_PX, top + rows * _GRID_PX), canvas)
        if x0 >= x1 or y0 >= y1:
            return
        grid = np.empty((rows, columns, 2), np.float32)
        grid[..., 0] = left - pose.x_px + np.arange(columns) * _GRID_PX + (_GRID_PX - 1) / 2
        grid[..., 1] = (top - pose.y_px + np.arange(rows) * _GRID_PX + (_GRID_PX - 1) / 2)[:, None]
        # cv2.transform: a matrix product would wake numpy's threads for a thousand points.
        upright = cv2.transform(grid, pose.lean().T / pose.scale)
        seen = self._turned_back(upright, pose)
        seen += self._pivot[:2] - self._head.corner_px + np.float32(0.5)
        seen = seen * np.float32(ENLARGE) - np.float32(0.5)
        lookup = cv2.resize(seen, (columns * _GRID_PX, rows * _GRID_PX))
        part = lookup[y0 - top : y1 - top, x0 - left : x1 - left]
        moved = cv2.remap(self._head.lit(pose.brightness, pose.balance), part, None, cv2.INTER_LINEAR)
        lay_over(canvas[y0:y1, x0:x1], moved)

    def _head_grid(self, pose: Pose) -> tuple[int, int, int, int]:
        """Return the first column and row that may show the head, and the grid's columns and rows."""
        height, width = self._depth.shape
        box = [[x, y] for x in (-_MARGIN_PX, width + _MARGIN_PX) for y in (-_MARGIN_PX, height)]
        offsets = np.array(box) + self._head.corner_px - self._pivot[:2]
        places = offsets @ (pose.lean().T * pose.scale) + (pose.x_px, pose.y_px)
        left, top = (int(edge) for edge in np.floor(places.min(axis=0)))
        columns, rows = (int(n) for n in np.ceil((places.max(axis=0) - (left, top)) / _GRID_PX))
        return left, top, columns, rows

    def _turned_back(self, offsets: Floats, pose: Pose) -> Floats:
        """Return which offsets from the pivot (..., 2) are turned to these, by iteration over the depth."""
        turn = pose.turn().astype(np.float32)
        inverse = np.linalg.inv(turn[:2, :2])
        flat: Floats = cv2.transform(offsets, inverse)
        shift = inverse @ turn[:2, 2]
        found = flat
        for _ in range(_TURN_STEPS):
            found = flat - self._depth_at(found + self._pivot[:2])[..., None] * shift
        return found

    def _depth_at(self, points: npt.NDArray[np.floating[Any]]) -> Floats:
        """Return the depth relative to the pivot at portrait pixels (h, w, 2), float32 (h, w)."""
        lookup = (points - self._head.corner_px).astype(np.float32)
        depth: Floats = cv2.remap(
            self._depth, lookup, None, cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE
        )
        return depth


def _clip(low: Any, high: Any, canvas: Image) -> tuple[int, int, int, int]:
    """Return the whole pixels of the canvas between two corners, x0 y0 x1 y1."""
    height, width = canvas.shape[:2]
    x0, y0 = (max(0, int(np.floor(edge))) for edge in low)
    x1, y1 = (min(limit, int(np.ceil(edge))) for edge, limit in zip(high, (width, height), strict=True))
    return x0, y0, x1, y1
