"""The fronts of drawn headsets, painted once for each style and colour."""

from __future__ import annotations

from functools import lru_cache
from typing import Literal, get_args

import cv2
import numpy as np
import numpy.typing as npt

Bytes = npt.NDArray[np.uint8]
Style = Literal["cameras", "visor", "glossy", "plain", "stripe"]
STYLES: tuple[Style, ...] = get_args(Style)

_WIDTH_PX, _HEIGHT_PX = 256, 136


@lru_cache(maxsize=128)
def front(style: Style, shell: tuple[float, float, float]) -> Bytes:
    """Return the front of a headset as it is seen straight on.

    Args:
        style: Three camera windows; a dark visor; glass all over; a bare shell; or a band across it.
        shell: RGB of the body.

    Returns:
        uint8 (136, 256, 3) RGB, read-only.
    """
    rows = np.linspace(1.22, 0.78, _HEIGHT_PX, dtype=np.float32)[:, None, None]
    columns = 1 - 0.18 * np.linspace(-1, 1, _WIDTH_PX, dtype=np.float32)[None, :, None] ** 4
    plate: Bytes = np.clip(np.array(shell, np.float32) * rows * columns + 4, 0, 255).astype(np.uint8)
    {"cameras": _cameras, "visor": _visor, "glossy": _glossy, "plain": _plain, "stripe": _stripe}[style](
        plate
    )
    smooth: Bytes = cv2.GaussianBlur(plate, (0, 0), 0.7)
    smooth.setflags(write=False)
    return smooth


def _cameras(plate: Bytes) -> None:
    for x in (52, 128, 204):
        _window(plate, (x - 13, 28), (x + 13, _HEIGHT_PX - 40), 13)
        for y in (46, _HEIGHT_PX - 58):
            _lens(plate, (x, y), 8)


def _visor(plate: Bytes) -> None:
    _window(plate, (14, 18), (_WIDTH_PX - 14, _HEIGHT_PX - 34), 34)


def _glossy(plate: Bytes) -> None:
    _window(plate, (3, 3), (_WIDTH_PX - 4, _HEIGHT_PX - 4), 40)
    for x in (34, _WIDTH_PX - 34):
        _lens(plate, (x, _HEIGHT_PX - 36), 6)


def _plain(plate: Bytes) -> None:
    """Paint a seam around the front, two small cameras below, and a plate in the middle a shade darker."""
    dark = plate * 0.8
    cv2.rectangle(plate, (84, 46), (172, 78), dark[60, 128].tolist(), 2, cv2.LINE_AA)
    for x in (30, _WIDTH_PX - 30):
        _lens(plate, (x, _HEIGHT_PX - 32), 7)


def _stripe(plate: Bytes) -> None:
    """Paint a dark band across the middle with a row of vents above it."""
    _window(plate, (-20, 50), (_WIDTH_PX + 20, 92), 18)
    for x in range(60, 200, 14):
        cv2.line(plate, (x, 24), (x + 6, 36), (plate[30, x] * 0.6).tolist(), 2, cv2.LINE_AA)


def _lens(plate: Bytes, centre: tuple[int, int], radius_px: int) -> None:
    x, y = centre
    cv2.circle(plate, centre, radius_px, (52, 56, 66), 1, cv2.LINE_AA)
    cv2.circle(plate, centre, radius_px - 3, (30, 34, 52), -1, cv2.LINE_AA)
    cv2.circle(plate, (x - 2, y - 2), 1, (190, 200, 220), -1, cv2.LINE_AA)


def _window(plate: Bytes, low: tuple[int, int], high: tuple[int, int], radius_px: int) -> None:
    """Paint a rounded window of dark glass with a reflection."""
    (x0, y0), (x1, y1) = low, high
    mask = np.zeros(plate.shape[:2], np.uint8)
    cv2.rectangle(mask, (x0 + radius_px, y0), (x1 - radius_px, y1), 255, -1)
    cv2.rectangle(mask, (x0, y0 + radius_px), (x1, y1 - radius_px), 255, -1)
    for x in (x0 + radius_px, x1 - radius_px):
        for y in (y0 + radius_px, y1 - radius_px):
            cv2.circle(mask, (x, y), radius_px, 255, -1, cv2.LINE_AA)
    rows, columns = np.mgrid[: plate.shape[0], : plate.shape[1]].astype(np.float32)
    slope = (columns - x0) / (x1 - x0) + 0.8 * (rows - y0) / (y1 - y0)
    shine = 46 * np.exp(-(((slope - 0.45) / 0.16) ** 2)) + 16 * np.exp(-(((slope - 0.95) / 0.07) ** 2))
    glass = np.stack([10 + 0.85 * shine, 11 + 0.92 * shine, 15 + 1.1 * shine], axis=2)
    weight = mask[..., None].astype(np.float32) / 255
    plate[:] = (plate * (1 - weight) + glass * weight).astype(np.uint8)
    edges = cv2.morphologyEx(mask, cv2.MORPH_GRADIENT, np.ones((3, 3), np.uint8))
    plate[edges > 128] = (plate[edges > 128] * 0.6).astype(np.uint8)
