"""Gabor filters: the bank, a picture's responses, and their fusion with it into one "wrinkle-enhanced" picture.

Hosseini and Cho: GF-CapsNet: using Gabor jet and capsule networks for face-related tasks, 2019 (chapter 2 of the thesis),
equations 2.1 and 2.2. The printed exponent lost its squares; we take Petkov's, exp(-(x'^2 + gamma^2 y'^2) / (2 sigma^2)).

A filter's response and the fusion are both linear, so the fused picture is the picture convolved with ONE kernel of the
bank's size, w_image delta + sum_k w_k g_k; `fused_kernel` is that, and the program filters once instead of 32 times.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any, Literal

import cv2
import numpy as np
import numpy.typing as npt

Doubles = npt.NDArray[np.float64]
Floats = npt.NDArray[np.float32]

BankName = Literal["jet", "single"]

WAVELENGTHS_PX: dict[str, tuple[float, ...]] = {"jet": (2.3, 2.5, 3.0, 3.8), "single": (3.0,)}
"""Of the jet of 32 filters, and of a single scale of 8. The thesis tunes the single scale's by hand without saying to what;
ours is the jet's second longest."""
ORIENTATIONS_DEG = (0.0, 45.0, 90.0, 135.0)
PHASES_RAD = (0.0, math.pi / 2)
SIGMA_OVER_WAVELENGTH = 0.5
RATIO = 0.1
"""gamma: the envelope is ten times as long along the stripes as across them."""


@dataclass(frozen=True, slots=True)
class Wave:
    """One filter of a bank.

    Attributes:
        wavelength_px: lambda.
        orientation_deg: theta, of the normal to the stripes; 0 finds upright ones.
        phase_rad: phi; 0 is even (lines), pi / 2 odd (edges).
    """

    wavelength_px: float
    orientation_deg: float
    phase_rad: float


def waves(name: BankName = "jet") -> tuple[Wave, ...]:
    """Return the filters of a bank in order: wavelengths, in each the orientations, in each the phases.

    Args:
        name: "jet", 32 filters of four scales, or "single", 8 of one scale.

    Raises:
        ValueError: No such bank.
    """
    if name not in WAVELENGTHS_PX:
        raise ValueError(f"bank: expected one of {', '.join(WAVELENGTHS_PX)}, found {name!r}")
    return tuple(
        Wave(wavelength_px, orientation_deg, phase_rad)
        for wavelength_px in WAVELENGTHS_PX[name]
        for orientation_deg in ORIENTATIONS_DEG
        for phase_rad in PHASES_RAD
    )


def gabor_kernel(wave: Wave, kernel: int) -> Doubles:
    """Return equation 2.1 at whole pixels around 0.

    Args:
        wave: The filter.
        kernel: Side in pixels, odd.

    Returns:
        float64 (kernel, kernel); rows are y, downwards.

    Raises:
        ValueError: The side is even or below 3.
    """
    if kernel < 3 or kernel % 2 == 0:
        raise ValueError(f"kernel: expected an odd number of pixels from 3, found {kernel}")
    y, x = np.mgrid[:kernel, :kernel].astype(np.float64) - kernel // 2
    theta, sigma = math.radians(wave.orientation_deg), SIGMA_OVER_WAVELENGTH * wave.wavelength_px
    across = x * math.cos(theta) + y * math.sin(theta)
    along = -x * math.sin(theta) + y * math.cos(theta)
    envelope = np.exp(-(across**2 + RATIO**2 * along**2) / (2 * sigma**2))
    found: Doubles = envelope * np.cos(2 * math.pi * across / wave.wavelength_px + wave.phase_rad)
    return found


def gabor_bank(name: BankName = "jet", kernel: int = 3) -> Doubles:
    """Return every filter of a bank, float64 (32 or 8, kernel, kernel).

    Raises:
        ValueError: No such bank, or the side is no odd number.
    """
    return np.stack([gabor_kernel(wave, kernel) for wave in waves(name)])


def require_kernel(kernel: int, size: int) -> None:
    """Refuse a kernel that is larger than the picture.

    Args:
        kernel: Its side in pixels.
        size: The picture's shorter side in pixels.

    Raises:
        ValueError: It is.
    """
    if kernel > size:
        raise ValueError(f"kernel: expected at most the picture's {size} pixels, found {kernel}")


def responses(picture: npt.NDArray[Any], bank: Doubles) -> Floats:
    """Return a picture convolved with every filter, zeros around it as in a network.

    Args:
        picture: (H, W), any real numbers; gray levels, or normalised.
        bank: float64 (F, kernel, kernel).

    Returns:
        float32 (F, H, W).

    Raises:
        ValueError: The filters are larger than the picture.
    """
    require_kernel(bank.shape[-1], min(picture.shape))
    values = np.ascontiguousarray(picture, dtype=np.float32)
    return np.stack([_convolved(values, kernel, cv2.BORDER_CONSTANT) for kernel in bank])


def fused_kernel(bank: Doubles, image_weight: float, weights: npt.ArrayLike) -> Doubles:
    """Return the one kernel that equation 2.2 amounts to, float64 (kernel, kernel).

    Args:
        bank: float64 (F, kernel, kernel).
        image_weight: w_image.
        weights: (F,), w_1 to w_F.

    Raises:
        ValueError: There is not one weight a filter.
    """
    given = np.asarray(weights, dtype=np.float64)
    if given.shape != (len(bank),):
        raise ValueError(f"weights: expected {len(bank)}, one a filter, found shape {given.shape}")
    found: Doubles = np.tensordot(given, bank, axes=1)
    found[tuple(side // 2 for side in found.shape)] += image_weight
    return found


def enhancing_kernel(name: BankName = "jet", kernel: int = 3, strength: float = 1.0) -> Doubles:
    """Return a fusion with fixed weights that makes wrinkles stand out, for a picture without a trained network.

    The even filters, each less its mean so that brightness stays as it is, are added with equal weights: lines of every
    orientation and scale get darker or brighter than what lies around them.

    Args:
        name: The bank.
        kernel: Side in pixels, odd.
        strength: 0 leaves the picture as it is; 1 adds the filters, scaled to a gain of 1 at the centre.

    Returns:
        float64 (kernel, kernel) that sums to 1.
    """
    even = [number for number, wave in enumerate(waves(name)) if wave.phase_rad == 0]
    added: Doubles = gabor_bank(name, kernel)[even].mean(axis=0)
    added -= added.mean()
    middle = kernel // 2
    added *= strength / float(added[middle, middle])
    added[middle, middle] += 1.0
    return added


def enhanced(picture: npt.NDArray[np.uint8], kernel: Doubles) -> npt.NDArray[np.uint8]:
    """Return a gray picture convolved with a fused kernel, its border repeated, uint8 (H, W).

    Args:
        picture: uint8 (H, W).
        kernel: float64, from `enhancing_kernel` or `fused_kernel`.

    Raises:
        ValueError: The kernel is larger than the picture.
    """
    require_kernel(len(kernel), min(picture.shape))
    levels = _convolved(picture.astype(np.float32), kernel, cv2.BORDER_REPLICATE)
    return np.clip(np.rint(levels), 0, 255).astype(np.uint8)


def _convolved(picture: Floats, kernel: Doubles, border: int) -> Floats:
    """Return the convolution; OpenCV's filter2D correlates, so the kernel is turned by half a turn."""
    found: Floats = cv2.filter2D(picture, cv2.CV_32F, kernel[::-1, ::-1].copy(), borderType=border)
    return found
