"""Grad-CAM: which parts of the face speak for what a network says.

Selvaraju et al.: Grad-CAM: visual explanations from deep networks via gradient-based localization, ICCV 2017, equations 1
and 2: alpha_k is the mean over places of the gradient of the class's score by the k-th map of the last convolution, and
the picture is relu(sum_k alpha_k A_k).
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor, nn
from torch.nn import functional

from engines.card import AGES_YEARS
from training.blocks.multi_task import MultiTaskNet
from training.errors import RecipeError

Floats = npt.NDArray[np.float32]


def grad_cam(
    net: MultiTaskNet, images: Floats, task: str, classes: npt.NDArray[np.int64] | None = None
) -> Floats:
    """Return where each face speaks for a class, or for a higher age.

    Args:
        net: In evaluation mode.
        images: float32 (N, C, size, size), normalised by `engines.preprocess`.
        task: A branch of the network.
        classes: (N,), for which class; None takes the one that the network says. Not used for age, whose score is the
            expected age.

    Returns:
        float32 (N, size, size), 0 to 1, the most telling place of each face at 1; all 0 where nothing speaks for it.

    Raises:
        RecipeError: The network has no such task, or no convolution in its trunk.
    """
    if task not in net.branches:
        raise RecipeError(f"task: expected one of {', '.join(net.branches)}, found {task!r}")
    found: dict[str, Tensor] = {}

    def keep(module: nn.Module, inputs: tuple[Tensor, ...], output: Tensor) -> None:
        found["maps"] = output

    hook = last_convolution(net).register_forward_hook(keep)
    try:
        with torch.enable_grad():
            image = torch.from_numpy(images).requires_grad_()
            logits = net(image)[task]
    finally:
        hook.remove()
    score = _score(logits, task, classes).sum()
    (gradient,) = torch.autograd.grad(score, found["maps"])
    weights = gradient.mean(dim=(2, 3), keepdim=True)
    maps = functional.relu((weights * found["maps"]).sum(dim=1, keepdim=True)).detach()
    large = functional.interpolate(maps, size=images.shape[2:], mode="bilinear", align_corners=False)[:, 0]
    highest = large.amax(dim=(1, 2), keepdim=True)
    shown: Floats = torch.where(highest > 0, large / highest.clamp(min=1e-12), 0.0).numpy()
    return shown


def last_convolution(net: MultiTaskNet) -> nn.Module:
    """Return the last convolution of the trunk, or of the net where branches have convolutions of their own.

    Raises:
        RecipeError: There is none.
    """
    convolutions = [module for module in net.trunk.modules() if isinstance(module, nn.Conv2d)]
    if not convolutions:
        raise RecipeError("network: expected a convolution in its trunk, found none; Grad-CAM needs one")
    return convolutions[-1]


def _score(logits: Tensor, task: str, classes: npt.NDArray[np.int64] | None) -> Tensor:
    if task == "age":
        years = torch.tensor([float(age) for age in AGES_YEARS])
        expected: Tensor = logits.softmax(dim=1) @ years
        return expected
    chosen = logits.argmax(dim=1) if classes is None else torch.from_numpy(classes)
    return logits.gather(1, chosen[:, None])[:, 0]
