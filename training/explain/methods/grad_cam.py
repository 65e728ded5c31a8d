"""Grad-CAM: which parts of the face speak for what a network says.

Selvaraju et al.: Grad-CAM: visual explanations from deep networks via gradient-based localization, ICCV 2017, equations 1
and 2: alpha_k is the mean over places of the gradient of the class's score by the k-th map of the last convolution, and
the picture is relu(sum_k alpha_k A_k). Where a ReLU in place follows the convolution at once, A_k is what it leaves.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional

from training.blocks.multi_task import MultiTaskNet
from training.errors import RecipeError
from training.explain.score import Classes, Floats, require_explainable, task_score, to_one

TITLE = "Grad-CAM"


def explain(net: MultiTaskNet, images: Floats, task: str, classes: Classes | None = None) -> Floats:
    """Return where each face speaks for a class, or for a higher age; see the package."""
    require_explainable(net, images, task)
    found: dict[str, Tensor] = {}

    def keep(module: nn.Module, inputs: tuple[Tensor, ...], output: Tensor) -> None:
        found["maps"] = output

    hook = last_convolution(net).register_forward_hook(keep)
    try:
        with torch.enable_grad():
            logits = net(torch.from_numpy(images).requires_grad_())[task]
            score = task_score(logits, task, classes).sum()
            (gradient,) = torch.autograd.grad(score, found["maps"])
    finally:
        hook.remove()
    weights = gradient.mean(dim=(2, 3), keepdim=True)
    maps = functional.relu((weights * found["maps"]).sum(dim=1, keepdim=True)).detach()
    large = functional.interpolate(maps, size=images.shape[2:], mode="bilinear", align_corners=False)
    return to_one(large[:, 0].numpy())


def last_convolution(net: MultiTaskNet) -> nn.Module:
    """Return the last convolution of the trunk.

    Raises:
        RecipeError: There is none.
    """
    convolutions = [module for module in net.trunk.modules() if isinstance(module, nn.Conv2d)]
    if not convolutions:
        raise RecipeError(
            "network: expected a convolution in its trunk, found none; explain it with guided_backpropagation"
        )
    return convolutions[-1]
