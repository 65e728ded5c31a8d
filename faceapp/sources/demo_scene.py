"""The demo's scene as a function of time: who moves how, before which background, wearing what."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Literal, get_args

import cv2
import numpy as np

from engines.occlusion import draw_headset, draw_mask
from faceapp.sources.demo_portrait import Portrait, Pose
from faceapp.types import Floats, Image

Variant = Literal["plain", "headset", "mask", "two"]
VARIANTS: tuple[Variant, ...] = get_args(Variant)
WIDTH_PX, HEIGHT_PX = 1280, 720

_GLOW_PX = (640, 300)
_CENTRE_COLOUR, _EDGE_COLOUR = (128, 146, 158), (46, 56, 68)


class DemoScene:
    """Paints the scene at any time; the same time always gives the same picture."""

    def __init__(self, variant: Variant = "plain") -> None:
        """Read the portrait.

        Args:
            variant: "plain", "headset" or "mask" (drawn on), or "two" people.

        Raises:
            SourceError: A file of the demo is missing or damaged.
        """
        self._draw = {"headset": draw_headset, "mask": draw_mask}.get(variant)
        self._people: list[tuple[Portrait, Callable[[float], Pose]]] = [(Portrait(), _alone)]
        if variant == "two":
            self._people = [
                (Portrait(mirrored=True, blue_suit=True), _right_of_two),
                (Portrait(), _left_of_two),
            ]
        self._background = _background()
        self._canvas = np.empty_like(self._background)

    def render(self, time_s: float) -> Image:
        """Return the picture at a time, a new uint8 (720, 1280, 3) RGB array."""
        np.copyto(self._canvas, self._background)
        for portrait, motion in self._people:
            portrait.paint(self._canvas, motion(time_s))
        image: Image = cv2.cvtColor(self._canvas, cv2.COLOR_RGBA2RGB)
        if self._draw is not None:
            for points in self.landmarks(time_s):
                self._draw(image, points, out=image)
        return image

    def landmarks(self, time_s: float) -> tuple[Floats, ...]:
        """Return where every face's mesh truly lies, float32 (478, 3) in pixels each, from left to right."""
        meshes = [portrait.landmarks(motion(time_s)) for portrait, motion in self._people]
        return tuple(sorted(meshes, key=lambda points: float(points[0, 0])))

    def head_poses_deg(self, time_s: float) -> tuple[tuple[float, float, float], ...]:
        """Return by how much every head is turned (yaw, pitch, roll), in the order of `landmarks`."""
        poses = sorted((motion(time_s) for _, motion in self._people), key=lambda pose: pose.x_px)
        return tuple((pose.yaw_deg, pose.pitch_deg, pose.roll_deg + pose.lean_deg) for pose in poses)


def _wave(time_s: float, period_s: float, phase: float = 0.0) -> float:
    return math.sin(2 * math.pi * (time_s / period_s + phase))


def _alone(time_s: float) -> Pose:
    return Pose(
        x_px=610 + 150 * _wave(time_s, 11.0) + 14 * _wave(time_s, 3.1),
        y_px=418 + 14 * _wave(time_s, 4.3, 0.2),
        scale=2.1 * (1 + 0.12 * _wave(time_s, 7.7, 0.05)),
        lean_deg=1.8 * _wave(time_s, 6.7, 0.3),
        yaw_deg=20 * _wave(time_s, 6.1),
        pitch_deg=7 * _wave(time_s, 4.9, 0.1),
        roll_deg=8 * _wave(time_s, 8.3, 0.25),
        brightness=0.98 + 0.1 * _wave(time_s, 9.1, 0.4),
        balance=0.42 * _wave(time_s, 12.7),
    )


def _left_of_two(time_s: float) -> Pose:
    return Pose(
        x_px=640 - _half_distance_px(time_s) + 12 * _wave(time_s, 4.1),
        y_px=440 + 10 * _wave(time_s, 3.7),
        scale=1.72 * (1 + 0.06 * _wave(time_s, 7.1)),
        lean_deg=1.5 * _wave(time_s, 5.3),
        yaw_deg=6 + 14 * _wave(time_s, 5.9, 0.1),
        pitch_deg=5 * _wave(time_s, 4.7),
        roll_deg=6 * _wave(time_s, 6.9, 0.4),
        brightness=1 + 0.08 * _wave(time_s, 8.9),
        balance=0.35 * _wave(time_s, 10.3),
    )


def _right_of_two(time_s: float) -> Pose:
    return Pose(
        x_px=640 + _half_distance_px(time_s) + 12 * _wave(time_s, 4.7, 0.3),
        y_px=420 + 10 * _wave(time_s, 4.5, 0.5),
        scale=1.48 * (1 + 0.05 * _wave(time_s, 6.3, 0.2)),
        lean_deg=1.5 * _wave(time_s, 6.1, 0.6),
        yaw_deg=-6 + 14 * _wave(time_s, 6.7, 0.35),
        pitch_deg=5 * _wave(time_s, 5.1, 0.2),
        roll_deg=6 * _wave(time_s, 7.7, 0.1),
        brightness=0.95 + 0.08 * _wave(time_s, 8.9),
        balance=0.35 * _wave(time_s, 10.3),
    )


def _half_distance_px(time_s: float) -> float:
    """Return half the distance between two people, who come near, until their hair almost touches, and part."""
    return 232 - 88 * math.cos(2 * math.pi * time_s / 12.0 + math.pi)


def _background() -> Image:
    """Return a calm gradient, uint8 (720, 1280, 4) RGBA; noise of one step hides its bands."""
    rows, columns = np.mgrid[:HEIGHT_PX, :WIDTH_PX].astype(np.float32)
    distance = np.hypot((columns - _GLOW_PX[0]) / 760, (rows - _GLOW_PX[1]) / 520)
    glow = np.exp(-(distance**2) * 1.3)[..., None]
    centre, edge = np.array(_CENTRE_COLOUR, np.float32), np.array(_EDGE_COLOUR, np.float32)
    noise = np.random.default_rng(7).uniform(0, 1, (HEIGHT_PX, WIDTH_PX, 1)).astype(np.float32)
    colours = edge + (centre - edge) * glow + noise
    background: Image = np.dstack([colours, np.full_like(glow, 255)]).astype(np.uint8)
    return background
