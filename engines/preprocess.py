"""From a picture and a face's landmarks or box to the network's uint8 crop: the only code that cuts faces.

Training, evaluation, the window and the command lines all call these functions, so a face reaches the network
in exactly one geometry. Models normalise the crop themselves, inside their graph; `normalise` is the same
arithmetic for networks that are not exported yet. Matrices are 2x3 affine maps from picture pixels to chip
pixels; pixel centres lie at whole numbers.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import cv2
import numpy as np
import numpy.typing as npt

from engines.card import InputSpec

Floats = npt.NDArray[np.float32]
Bytes = npt.NDArray[np.uint8]
AnyFloats = npt.NDArray[np.floating[Any]]

LANDMARK_COUNT = 478
"""Points of the MediaPipe face mesh with refined irises."""

# Mesh points that move least with the expression or stand for both halves of the face: the four eye corners,
# the nose bridge, the nose's base and wings, the two mouth corners.
ALIGNMENT_POINTS = (33, 133, 362, 263, 168, 2, 98, 327, 61, 291)

# Where these points lie on the chip, as fractions of its side. Measured: the median layout of 1,458 FER+
# training crops, made left-right symmetric and shrunk by 4% around the centre so that chin and forehead stay
# inside.
ALIGNMENT_TEMPLATE: Floats = np.array(
    [
        [0.2515, 0.3870],
        [0.4002, 0.3992],
        [0.5998, 0.3992],
        [0.7485, 0.3870],
        [0.5000, 0.3787],
        [0.5000, 0.6456],
        [0.4023, 0.6321],
        [0.5977, 0.6321],
        [0.3613, 0.7624],
        [0.6387, 0.7624],
    ],
    dtype=np.float32,
)
_TEMPLATE_CENTRE: Floats = ALIGNMENT_TEMPLATE.mean(axis=0)
_TEMPLATE_CENTRED: Floats = ALIGNMENT_TEMPLATE - _TEMPLATE_CENTRE


def alignment_matrix(landmarks: AnyFloats, size: int) -> Floats:
    """Return the least-squares similarity that lays a face's mesh on the chip (Umeyama 1991, two dimensions).

    Args:
        landmarks: (478, 2 or 3) mesh points in picture pixels; only `ALIGNMENT_POINTS` are read.
        size: Side of the chip in pixels.

    Returns:
        float32 (2, 3), picture pixels -> chip pixels.

    Raises:
        ValueError: The points are not finite or all coincide.
    """
    return points_matrix(np.asarray(landmarks)[list(ALIGNMENT_POINTS), :2], size)


def points_matrix(alignment_points: AnyFloats, size: int) -> Floats:
    """Return the same map from the alignment points alone.

    Args:
        alignment_points: (10, 2), picture pixels, in the order of `ALIGNMENT_POINTS`.
        size: Side of the chip in pixels.

    Returns:
        float32 (2, 3), picture pixels -> chip pixels.

    Raises:
        ValueError: The points are not finite or all coincide.
    """
    points = np.asarray(alignment_points, dtype=np.float64)
    if not np.isfinite(points).all():
        raise ValueError("landmarks: expected finite points, found NaN or infinity")
    centre = points.mean(axis=0)
    # With points as complex numbers the similarity template ~ a * point + b has a closed form.
    source = (points - centre) @ (1.0, 1j)
    target = _TEMPLATE_CENTRED.astype(np.float64) @ (1.0, 1j)
    norm = float(np.vdot(source, source).real)
    if not math.isfinite(norm) or norm < 1e-6:
        raise ValueError("landmarks: expected points that differ, found all in one place")
    rotation_scale = complex(np.vdot(source, target)) / norm * size
    offset = complex(_TEMPLATE_CENTRE.astype(np.float64) @ (1.0, 1j)) * size - 0.5 - 0.5j
    offset -= rotation_scale * complex(centre @ (1.0, 1j))
    cosine, sine = rotation_scale.real, rotation_scale.imag
    return np.array([[cosine, -sine, offset.real], [sine, cosine, offset.imag]], dtype=np.float32)


def inverse_matrix(matrix: AnyFloats) -> npt.NDArray[np.float64]:
    """Return the map back from the chip.

    NumPy's inverse, right after a run of a network on two busy cores, took 1.7 to 4.3 ms
    at the 95th percentile (0.02 to 0.06 at the median), OpenCV's 0.03 ms.

    Args:
        matrix: (2, 3), picture pixels -> chip pixels.

    Returns:
        float64 (2, 3), chip pixels -> picture pixels.

    Raises:
        ValueError: The map lays all points on one line.
    """
    forth = np.asarray(matrix, dtype=np.float64)
    if forth[0, 0] * forth[1, 1] == forth[0, 1] * forth[1, 0]:
        raise ValueError("matrix: expected a map that can be turned round, found one onto a line")
    back: npt.NDArray[np.float64] = cv2.invertAffineTransform(forth)
    return back


def box_matrix(box: AnyFloats, size: int) -> Floats:
    """Return the map of the square around a box's centre, as large as its longer side, onto the chip.

    Args:
        box: (4,), x0 y0 x1 y1 in picture pixels; the edges of the outer pixels, so a whole picture is
            0 0 W H.
        size: Side of the chip in pixels.

    Returns:
        float32 (2, 3), picture pixels -> chip pixels.

    Raises:
        ValueError: The box is empty or not finite.
    """
    x0, y0, x1, y1 = (float(value) for value in box)
    side = max(x1 - x0, y1 - y0)
    if not all(map(math.isfinite, (x0, y0, x1, y1))) or x1 <= x0 or y1 <= y0:
        raise ValueError(f"box: expected finite x0 < x1 and y0 < y1, found {[x0, y0, x1, y1]}")
    scale = size / side
    left, top = (x0 + x1 - side) / 2, (y0 + y1 - side) / 2
    shift_x, shift_y = ((0.5 - edge) * scale - 0.5 for edge in (left, top))
    return np.array([[scale, 0.0, shift_x], [0.0, scale, shift_y]], dtype=np.float32)


def face_matrix(spec: InputSpec, landmarks: AnyFloats | None, box: AnyFloats) -> Floats:
    """Return the crop a card asks for: aligned where landmarks are given and usable, else the box.

    Args:
        spec: The card's input.
        landmarks: (478, 2 or 3) picture pixels, or None when none were found.
        box: (4,), x0 y0 x1 y1 in picture pixels.

    Returns:
        float32 (2, 3), picture pixels -> chip pixels.

    Raises:
        ValueError: Neither landmarks nor box can be used.
    """
    if spec.crop == "aligned_face" and landmarks is not None:
        try:
            return alignment_matrix(landmarks, spec.size)
        except ValueError:
            pass  # a degenerate mesh is as good as none
    return box_matrix(box, spec.size)


def cut_chip(image: Bytes, matrix: Floats, spec: InputSpec, out: Bytes | None = None) -> Bytes:
    """Cut one face out of a picture.

    Faces more than twice the chip are first reduced by area averaging, because bilinear sampling alone
    aliases there. Beyond the picture its border is repeated, as in the training crops.

    Args:
        image: uint8 (H, W, 3) RGB or (H, W) gray.
        matrix: float32 (2, 3), picture pixels -> chip pixels.
        spec: The card's input.
        out: Optional C-contiguous uint8 array of the result's shape to cut into.

    Returns:
        uint8 (size, size) for gray, (size, size, 3) for RGB; `out` where that is given.
    """
    chip = np.empty(spec.chip_shape, dtype=np.uint8) if out is None else out
    scale = math.sqrt(abs(float(matrix[0, 0] * matrix[1, 1] - matrix[0, 1] * matrix[1, 0])))
    if 0 < scale < 0.5:
        image, matrix = _reduce(image, matrix, spec.size, math.ceil(0.5 / scale))
    # With as many channels as the chip OpenCV writes into it; else the colours of a few thousand pixels change after.
    same = image.ndim == chip.ndim
    warped = cv2.warpAffine(
        image,
        matrix,
        (spec.size, spec.size),
        dst=chip if same else None,
        flags=cv2.INTER_LINEAR,
        borderMode=cv2.BORDER_REPLICATE,
    )
    if not same:
        cv2.cvtColor(warped, cv2.COLOR_RGB2GRAY if chip.ndim == 2 else cv2.COLOR_GRAY2RGB, dst=chip)
    return chip


def normalise(chip: Bytes, spec: InputSpec, out: Floats) -> None:
    """Write one chip as training takes it: scaled to [0, 1], less the mean, over the deviation, channels first.

    Args:
        chip: uint8 (size, size) or (size, size, 3), from `cut_chip`.
        spec: The card's input.
        out: float32 (C, size, size), overwritten.
    """
    planes = chip[None] if chip.ndim == 2 else chip.transpose(2, 0, 1)
    scale, shift = normalisation(spec)
    np.multiply(planes, scale, out=out)
    out -= shift


def normalised(chips: Bytes, spec: InputSpec) -> Floats:
    """Return chips as training takes them; see `normalise`.

    Args:
        chips: uint8 (N, size, size) or (N, size, size, 3), from `prepare_batch`.
        spec: The card's input.

    Returns:
        float32 (N, C, size, size).
    """
    planes = chips[:, None] if chips.ndim == 3 else chips.transpose(0, 3, 1, 2)
    out = np.empty(planes.shape, dtype=np.float32)
    scale, shift = normalisation(spec)
    np.multiply(planes, scale, out=out)
    out -= shift
    return out


def normalisation(spec: InputSpec) -> tuple[np.float32, np.float32]:
    """Return the scale and the shift of `level * scale - shift`, which every exported graph begins with."""
    return np.float32(1 / (255 * spec.std)), np.float32(spec.mean / spec.std)


def prepare_batch(
    image: Bytes, matrices: Sequence[Floats], spec: InputSpec, out: Bytes | None = None
) -> Bytes:
    """Cut every face of one picture.

    Args:
        image: uint8 (H, W, 3) RGB or (H, W) gray.
        matrices: One map per face, see `face_matrix`.
        spec: The card's input.
        out: Optional uint8 buffer of at least N rows of (size, size) or (size, size, 3), reused from frame to frame.

    Returns:
        uint8 (N, size, size) for gray, (N, size, size, 3) for RGB; a view of `out` where that is given.

    Raises:
        ValueError: `out` has fewer rows than there are faces.
    """
    count = len(matrices)
    if out is None:
        out = np.empty((count, *spec.chip_shape), dtype=np.uint8)
    if len(out) < count:
        raise ValueError(f"out: expected at least {count} rows, found {len(out)}")
    for row, matrix in zip(out, matrices, strict=False):
        cut_chip(image, matrix, spec, row)
    return out[:count]


def _reduce(image: Bytes, matrix: Floats, size: int, factor: int) -> tuple[Bytes, Floats]:
    """Shrink the part of the picture that the chip shows by a whole factor; return it with its map."""
    outline = np.array([[-1, -1, 1], [size, -1, 1], [-1, size, 1], [size, size, 1]], dtype=np.float64)
    corners = outline @ cv2.invertAffineTransform(matrix).T
    height, width = image.shape[:2]
    x0, y0 = (
        int(np.clip(math.floor(edge) - factor, 0, limit - 1))
        for edge, limit in zip(corners.min(0), (width, height), strict=True)
    )
    x1, y1 = (math.ceil(edge) + factor for edge in corners.max(0))
    columns, rows = (
        max(1, math.ceil((min(end, limit) - start) / factor))
        for start, end, limit in ((x0, x1, width), (y0, y1, height))
    )
    region = image[y0 : y0 + rows * factor, x0 : x0 + columns * factor]
    small: Bytes = cv2.resize(region, (columns, rows), interpolation=cv2.INTER_AREA)
    # Centre of small pixel s lies at s * step + (step - 1) / 2 of the region; step is the factor unless the
    # picture's edge cut the region.
    step_x, step_y = region.shape[1] / columns, region.shape[0] / rows
    to_picture = np.array([[step_x, 0, x0 + (step_x - 1) / 2], [0, step_y, y0 + (step_y - 1) / 2], [0, 0, 1]])
    return small, (matrix.astype(np.float64) @ to_picture).astype(np.float32)
