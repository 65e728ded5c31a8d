"""A trained network's shared layers with a new head, its first blocks frozen or none of it trained before.

"Deep models and transfer learning for facial expression recognition", section 7.4: VGG-16 of ImageNet and of face
recognition, features of fc6 and fc7 into a linear SVM, and fine-tuning with the layers up to conv3_3 or conv4_3 frozen. We
differ: the networks are ours, features are also taken after every block, and a head is dropout and one linear layer.
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor, nn
from torch.nn import functional

from training.blocks.multi_task import MultiTaskNet
from training.errors import RecipeError

_LARGEST_SIDE = 3
"""Maps are averaged down to so many places a side: an SVM on all of the first block's would have 18,432 features."""
_AT_ONCE = 128


class Transferred(nn.Module):
    """Shared layers and one head.

    Args:
        trunk: From images to features.
        features: Numbers that the trunk gives of a face.
        classes: Of the new task.
        dropout: Before the head.
        frozen: How many of the trunk's blocks stay as they are.

    Raises:
        RecipeError: There are fewer blocks.
    """

    def __init__(self, trunk: nn.Module, features: int, classes: int, dropout: float, frozen: int) -> None:
        super().__init__()
        self.trunk = trunk
        self.head = nn.Sequential(nn.Dropout(dropout), nn.Linear(features, classes))
        self._frozen = list(blocks(trunk).values())[:frozen]
        if len(self._frozen) < frozen:
            raise RecipeError(
                f"frozen: expected at most the {len(blocks(trunk))} blocks of the network, found {frozen}"
            )
        for block in self._frozen:
            block.requires_grad_(False)

    def train(self, mode: bool = True) -> Transferred:
        """Set the mode; frozen blocks keep their batch normalisation's statistics too."""
        super().train(mode)
        for block in self._frozen:
            block.eval()
        return self

    def forward(self, image: Tensor) -> dict[str, Tensor]:
        """Return "task" -> logits (N, classes) of images (N, C, S, S)."""
        return {"task": self.head(self.trunk(image).flatten(1))}


def blocks(trunk: nn.Module) -> dict[str, nn.Module]:
    """Return name -> block of shared layers, in order: the trunk's parts that have weights."""
    found = [module for module in trunk.children() if any(True for _ in module.parameters())]
    return {f"block {number}": module for number, module in enumerate(found, start=1)}


def transferred(
    net: MultiTaskNet, channels: int, size: int, classes: int, dropout: float, frozen: int, scratch: bool
) -> Transferred:
    """Return a trained network's shared layers with an untrained head.

    Args:
        net: The network; its trunk is taken over, not copied.
        channels: Of its input.
        size: Side of its input in pixels.
        classes: Of the new task.
        dropout: Before the head.
        frozen: Blocks to freeze.
        scratch: Forget everything it learned: the baseline.
    """
    if scratch:
        forget(net)
    with torch.inference_mode():
        width = net.eval().features(torch.zeros(1, channels, size, size)).numel()
    return Transferred(net.trunk, width, classes, dropout, frozen)


def forget(net: nn.Module) -> None:
    """Give every layer new random weights, He's for convolutions, and batch normalisation its first statistics."""
    for module in net.modules():
        if hasattr(module, "reset_parameters"):
            module.reset_parameters()
        if isinstance(module, nn.Conv2d):
            nn.init.kaiming_normal_(module.weight, nonlinearity="relu")


def features_by_depth(net: MultiTaskNet, images: Tensor) -> dict[str, npt.NDArray[np.float32]]:
    """Return depth -> features, float32 (N, F): after every block, and of every task before its last layer.

    Args:
        net: In evaluation mode.
        images: float (N, C, S, S).
    """
    parts: dict[str, list[npt.NDArray[np.float32]]] = {}
    for start in range(0, len(images), _AT_ONCE):
        for depth, rows in _of_batch(net, images[start : start + _AT_ONCE]).items():
            parts.setdefault(depth, []).append(rows.flatten(1).float().numpy())
    return {depth: np.concatenate(rows) for depth, rows in parts.items()}


def _of_batch(net: MultiTaskNet, images: Tensor) -> Mapping[str, Tensor]:
    found: dict[str, Tensor] = {}

    def keep(depth: str, output: Tensor) -> None:
        found[depth] = _fewer_places(output)

    hooks = [
        block.register_forward_hook(lambda module, inputs, output, depth=depth: keep(depth, output))
        for depth, block in blocks(net.trunk).items()
    ]
    try:
        with torch.inference_mode():
            said = net.embeddings(images)
    finally:
        for hook in hooks:
            hook.remove()
    return {**found, **{f"{task} embedding": rows for task, rows in said.items()}}


def _fewer_places(output: Tensor) -> Tensor:
    if output.ndim != 4 or output.shape[-1] <= _LARGEST_SIDE:
        return output
    return functional.adaptive_avg_pool2d(output, _LARGEST_SIDE)
