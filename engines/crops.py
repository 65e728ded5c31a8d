"""Real crops of faces that any machine has: the demo's portrait seen in many ways, or a folder of pictures."""

from __future__ import annotations

from functools import cache
from pathlib import Path

import cv2
import numpy as np

from engines.card import InputSpec
from engines.errors import EngineError
from engines.occlusion import draw_headset, draw_mask
from engines.preprocess import Bytes, Floats, alignment_matrix, box_matrix, cut_chip
from engines.shipped import ASSETS_DIR

DEMO_DIR = ASSETS_DIR / "demo"
BUNDLED_CROPS = 512
PICTURES = (".png", ".jpg", ".jpeg", ".bmp", ".webp", ".tif", ".tiff")
_HEAD_CORNER_PX = (130, 0)
"""Where the head's picture lies in the portrait whose pixels the landmarks are in."""
_SEED = 48
_LOOKS = 32
"""Headsets or masks drawn, one after the other on the crops: drawing takes longer than cutting."""


def face_crops(spec: InputSpec, count: int = BUNDLED_CROPS, occlusion: str = "none") -> Bytes:
    """Return the portrait that the demo shows, differently turned, cut, lit, blurred and noisy; always the same crops.

    Args:
        spec: The card's input.
        count: How many.
        occlusion: "headset" or "mask" draws one on, a different look each; "none" leaves the face free.

    Returns:
        uint8 (count, size, size) for gray, (count, size, size, 3) for RGB.

    Raises:
        EngineError: The portrait is missing.
    """
    pictures, landmarks = _pictures(occlusion)
    random = np.random.default_rng(_SEED)
    out = np.empty((count, *spec.chip_shape), dtype=np.uint8)
    for number, row in enumerate(out):
        matrix = _shaken(alignment_matrix(landmarks, spec.size), spec.size, random)
        cut_chip(pictures[number % len(pictures)], matrix, spec, row)
        row[:] = _relit(row, random)
    return out


def folder_crops(folder: Path, spec: InputSpec) -> Bytes:
    """Return a folder's pictures, each one whole face crop, in order of their names.

    Args:
        folder: Holds the pictures; other files are passed over.
        spec: The card's input.

    Returns:
        uint8 (N, size, size) for gray, (N, size, size, 3) for RGB; N is at least 1.

    Raises:
        EngineError: The folder or the pictures can't be read, or there are none.
    """
    try:
        paths = sorted(path for path in folder.iterdir() if path.suffix.lower() in PICTURES)
    except OSError as error:
        raise EngineError(
            f"{folder}: expected a folder of face crops ({error.strerror}); give one"
        ) from error
    if not paths:
        raise EngineError(
            f"{folder}: expected pictures ({', '.join(PICTURES)}), found none; give a folder of crops"
        )
    out = np.empty((len(paths), *spec.chip_shape), dtype=np.uint8)
    for path, row in zip(paths, out, strict=True):
        image = _read(path)
        height, width = image.shape[:2]
        cut_chip(image, box_matrix(np.array([0, 0, width, height], np.float32), spec.size), spec, row)
    return out


@cache
def _pictures(occlusion: str) -> tuple[tuple[Bytes, ...], Floats]:
    """Return the portrait, behind as many different headsets or masks as are used, and its face mesh."""
    image, landmarks = _portrait()
    draw = {"headset": draw_headset, "mask": draw_mask}.get(occlusion)
    if draw is None:
        return (image,), landmarks
    return tuple(draw(image, landmarks, seed=seed) for seed in range(_LOOKS)), landmarks


def _portrait() -> tuple[Bytes, Floats]:
    """Return the head, uint8 RGB, and its face mesh in its pixels."""
    image = _read(DEMO_DIR / "head.jpg")
    try:
        landmarks = np.load(DEMO_DIR / "landmarks.npy", allow_pickle=False).astype(np.float32)
    except (OSError, ValueError) as error:
        raise EngineError(
            f"{DEMO_DIR}: expected the demo's face mesh ({error}); install the program again"
        ) from error
    landmarks[:, :2] -= _HEAD_CORNER_PX
    return image, landmarks


def _read(path: Path) -> Bytes:
    """Return a picture, uint8 (H, W, 3) RGB."""
    try:
        image = cv2.imdecode(np.fromfile(path, np.uint8), cv2.IMREAD_COLOR)
    except (OSError, cv2.error) as error:
        raise EngineError(f"{path}: the picture can't be read ({error}); remove or replace it") from error
    if image is None:
        raise EngineError(f"{path}: expected a picture, found something else; remove or replace it")
    return np.ascontiguousarray(image[..., ::-1])


def _shaken(matrix: Floats, size: int, random: np.random.Generator) -> Floats:
    """Return a crop's map, turned, scaled, moved and perhaps mirrored as trackers and people do."""
    turn, scale = np.radians(random.uniform(-20, 20)), random.uniform(0.8, 1.25)
    flip = -1.0 if random.random() < 0.5 else 1.0
    cosine, sine = scale * np.cos(turn), scale * np.sin(turn)
    change = np.array([[flip * cosine, -sine], [flip * sine, cosine]])
    centre = (size - 1) / 2
    shift = random.uniform(-0.08, 0.08, 2) * size
    moved = change @ (matrix.astype(np.float64) - [[0, 0, centre], [0, 0, centre]])
    moved[:, 2] += centre + shift
    shaken: Floats = moved.astype(np.float32)
    return shaken


def _relit(chip: Bytes, random: np.random.Generator) -> Bytes:
    """Return a chip in other light, out of focus and noisy, by chance."""
    gain, lift, blur = random.uniform(0.5, 1.4), random.uniform(-30, 30), random.uniform(0, 1.2)
    seen = cv2.GaussianBlur(chip, (0, 0), blur) if blur > 0.3 else chip
    noise = random.normal(0, random.uniform(0, 6), chip.shape)
    relit: Bytes = np.clip(seen * gain + lift + noise, 0, 255).astype(np.uint8)
    return relit
