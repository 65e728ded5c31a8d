"""Feature maps after the first convolution of two networks side by side, without and with Gabor fusion (figure 4.1)."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import numpy.typing as npt
import torch
from matplotlib.figure import Figure as Picture
from torch.nn import functional

from training.batches.mixed_batches import plain_images
from training.blocks.gabor import GaborFusion
from training.data.prepared import PreparedFaces
from training.recipes import multitask
from training.studies.gabor.scores import Arrays

Floats = npt.NDArray[np.float32]

_MAPS = 12
_STRIDE = 2


def first_maps(found: Arrays, image: torch.Tensor) -> tuple[Floats, Floats]:
    """Return what a network of the study reads of a face and its rectified maps after the first convolution.

    Args:
        found: The weights that the study kept.
        image: float (1, 1, size, size).

    Returns:
        float32 (size, size), the fused picture or the face itself; float32 (channels, h, w), strongest first.
    """
    if "fusion/weights" in found:
        front = GaborFusion()
        with torch.no_grad():
            front.weights.copy_(torch.from_numpy(found["fusion/weights"]))
            front.image_weight.copy_(torch.from_numpy(found["fusion/image_weight"]))
            image = front(image)
    weight = torch.from_numpy(found["first/weight"])
    bias = torch.from_numpy(found["first/bias"]) if "first/bias" in found else None
    maps = functional.conv2d(image, weight, bias, stride=_STRIDE, padding=weight.shape[-1] // 2)[0].numpy()
    maps = np.maximum(
        maps - maps.mean(axis=(1, 2), keepdims=True), 0
    )  # the normalisation that follows centres them
    order = maps.std(axis=(1, 2)).argsort()[::-1]
    return image[0, 0].numpy(), maps[order]


def wrinkled_face(faces: PreparedFaces) -> torch.Tensor:
    """Return the held-out face whose age is nearest to 70, where wrinkles are most to be seen, float (1, 1, size, size)."""
    held = faces.where("validation")
    chosen = held[np.abs(faces.age_years[held] - 70).argmin()]
    spec = multitask.input_spec(multitask.Config())
    return torch.from_numpy(plain_images(faces, np.array([chosen]), spec, True))


def draw_maps(plain: Arrays, fused: Arrays, image: torch.Tensor, path: Path) -> None:
    """Draw both networks' maps of one face.

    Args:
        plain: Weights of the network without Gabor.
        fused: Of the one with fusion.
        image: The face, float (1, 1, size, size), normalised.
        path: PNG to write.
    """
    picture = Picture(figsize=(1.0 * (_MAPS // 2 + 2), 4.4), layout="constrained")
    panels = picture.subplots(4, _MAPS // 2 + 1)
    for axes in panels.flat:
        axes.axis("off")
    for start, (title, found) in ((0, ("plain", plain)), (2, ("fusion", fused))):
        read, maps = first_maps(found, image)
        panels[start, 0].imshow(read, cmap="gray")
        panels[start, 0].set_title(f"{title}: input", fontsize=8)
        panels[start, 1].set_title("after the first convolution", fontsize=8, loc="left")
        for number, values in enumerate(maps[:_MAPS]):
            panels[start + number % 2, 1 + number // 2].imshow(values, cmap="magma")
    path.parent.mkdir(parents=True, exist_ok=True)
    picture.savefig(path, dpi=130)
