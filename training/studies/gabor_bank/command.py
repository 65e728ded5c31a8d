"""The bank, what it finds in a face, and the face fused with it (figures 2.1 and 2.2c)."""

from __future__ import annotations

import argparse
import math
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import numpy.typing as npt
import torch
from matplotlib.axes import Axes
from matplotlib.figure import Figure as Picture

from engines.card import InputSpec
from engines.gabor import (
    WAVELENGTHS_PX,
    BankName,
    Doubles,
    enhanced,
    enhancing_kernel,
    gabor_bank,
    require_kernel,
    responses,
    waves,
)
from engines.preprocess import box_matrix, cut_chip, face_matrix, normalised
from training.blocks.gabor import GaborFusion, front_of
from training.errors import RecipeError
from training.recipes import multitask
from training.trained.trained_net import trained_net

Gray = npt.NDArray[np.uint8]

_LEAST_PX, _MOST_PX = 16, 512
_TILE_INCHES = 0.92


def add_options(parser: argparse.ArgumentParser) -> None:
    """Add the options."""
    parser.add_argument("--picture", type=Path, required=True, help="picture with a face")
    parser.add_argument("--out", type=Path, required=True, help="picture to write, PNG")
    parser.add_argument("--bank", choices=tuple(WAVELENGTHS_PX), default="jet")
    parser.add_argument("--kernel", type=int, default=3, help="side of the filters in pixels (default: 3)")
    parser.add_argument("--size", type=int, default=96, help="side of the face in pixels (default: 96)")
    parser.add_argument(
        "--run", type=Path, help="run of a network with gabor=fusion, whose fused picture to show"
    )


def run(options: argparse.Namespace) -> int:
    """Run the study; return the exit code."""
    if not _LEAST_PX <= options.size <= _MOST_PX:
        raise RecipeError(f"--size: expected {_LEAST_PX} to {_MOST_PX} pixels, found {options.size}")
    try:
        bank = gabor_bank(options.bank, options.kernel)
        require_kernel(options.kernel, options.size)
    except ValueError as error:
        raise RecipeError(f"--kernel: {error}") from error
    face = face_of(options.picture, options.size)
    fused = {"enhanced, fixed weights": enhanced(face, enhancing_kernel(options.bank, options.kernel))}
    if options.run is not None:
        fused["fused, learned weights"] = fused_by(options.run, options.picture)
    draw_gabor(face, options.bank, bank, fused, options.out)
    print(
        f"{len(bank)} filters of {options.kernel}x{options.kernel} on {options.picture.name}: {options.out}"
    )
    return 0


def face_of(path: Path, size: int) -> Gray:
    """Return a picture's face as the program would cut it, or all of the picture where no face is found.

    Args:
        path: A picture file.
        size: Side of the face in pixels.

    Returns:
        uint8 (size, size).

    Raises:
        RecipeError: The file is no picture.
    """
    from faceapp.tracking.face_crops import CropLandmarker

    read = cv2.imread(str(path), cv2.IMREAD_COLOR) if path.is_file() else None
    if read is None:
        raise RecipeError(f"{path}: expected a picture, found none that can be read; name a PNG or JPEG file")
    picture = cv2.cvtColor(read, cv2.COLOR_BGR2RGB)
    spec = InputSpec(size=size, crop="aligned_face")
    with CropLandmarker() as landmarker:
        landmarks = landmarker.find(picture)
    whole = np.array([0, 0, picture.shape[1], picture.shape[0]], np.float32)
    matrix = box_matrix(whole, size) if landmarks is None else face_matrix(spec, landmarks, whole)
    return cut_chip(picture, matrix, spec)


def normalised_face(path: Path) -> torch.Tensor:
    """Return a picture's face as the networks of the study get it, float (1, 1, size, size).

    Raises:
        RecipeError: The file is no picture.
    """
    spec = multitask.input_spec(multitask.Config())
    return torch.from_numpy(normalised(face_of(path, spec.size)[None], spec))


def fused_by(run: Path, picture: Path) -> Gray:
    """Return what the fusion of a trained network makes of a picture's face, stretched to gray levels, uint8.

    Raises:
        RecipeError: The run's network has no fusion.
    """
    net, spec = trained_net(run)
    front = front_of(net)
    if not isinstance(front, GaborFusion):
        raise RecipeError(f"{run}: expected a network with gabor=fusion, found one without; train one")
    image = torch.from_numpy(normalised(face_of(picture, spec.size)[None], spec))
    with torch.inference_mode():
        fused = front(image)[0, 0].numpy()
    low, high = np.percentile(fused, [0.5, 99.5])
    return np.clip(255 * (fused - low) / max(float(high - low), 1e-9), 0, 255).astype(np.uint8)


def draw_gabor(face: Gray, name: BankName, bank: Doubles, fused: dict[str, Gray], path: Path) -> None:
    """Draw the face with its fused pictures, then each wavelength's filters above their responses.

    Args:
        face: uint8 (size, size).
        name: The bank.
        bank: Its filters, float64 (F, kernel, kernel).
        fused: Title -> picture.
        path: PNG to write.
    """
    scales, columns = WAVELENGTHS_PX[name], len(bank) // len(WAVELENGTHS_PX[name])
    picture = Picture(
        figsize=(_TILE_INCHES * columns + 0.6, _TILE_INCHES * (2.45 + 1.7 * len(scales))),
        layout="constrained",
    )
    above, below = picture.subfigures(2, 1, height_ratios=[2.3, 1.72 * len(scales)])
    shown = {"face": face, **fused}
    for axes, (title, tile) in zip(np.atleast_1d(above.subplots(1, len(shown))), shown.items(), strict=True):
        axes.imshow(tile, cmap="gray", vmin=0, vmax=255)
        axes.set_title(title, fontsize=9)
        axes.axis("off")
    panels = below.subplots(2 * len(scales), columns, height_ratios=[0.55, 1.0] * len(scales))
    found = responses((face.astype(np.float32) - face.mean()) / 255, bank)
    for number, (wave, kernel, response) in enumerate(zip(waves(name), bank, found, strict=True)):
        scale, column = divmod(number, columns)
        _draw_filter(
            panels[2 * scale, column], kernel, f"{wave.orientation_deg:.0f}° {_phase(wave.phase_rad)}"
        )
        if column == 0:
            panels[2 * scale, 0].set_ylabel(f"λ {wave.wavelength_px}", fontsize=8)
        limit = max(float(np.percentile(np.abs(response), 99)), 1e-9)
        _draw_tile(panels[2 * scale + 1, column], response, limit)
    path.parent.mkdir(parents=True, exist_ok=True)
    picture.savefig(path, dpi=120)


def _draw_filter(axes: Axes, kernel: npt.NDArray[Any], title: str) -> None:
    _draw_tile(axes, kernel, float(np.abs(kernel).max()))
    axes.spines[:].set(visible=True, color="#999999", linewidth=0.5)
    axes.set_title(title, fontsize=7, pad=2)


def _draw_tile(axes: Axes, values: npt.NDArray[Any], limit: float) -> None:
    axes.imshow(values, cmap="gray", vmin=-limit, vmax=limit)
    axes.set_xticks([])
    axes.set_yticks([])
    axes.spines[:].set_visible(False)


def _phase(phase_rad: float) -> str:
    return "even" if math.isclose(phase_rad, 0) else "odd"
