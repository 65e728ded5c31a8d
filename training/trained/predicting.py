"""Probabilities of a network with one head, on many faces."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor, nn

_AT_ONCE = 256


def class_probs(net: nn.Module, images: Tensor) -> npt.NDArray[np.float32]:
    """Return the probabilities of "task", float32 (N, classes), of images float (N, C, S, S); `net` is in evaluation mode."""
    device = next(net.parameters()).device
    with torch.inference_mode():
        logits = [
            net(images[at : at + _AT_ONCE].to(device))["task"] for at in range(0, len(images), _AT_ONCE)
        ]
    probs: npt.NDArray[np.float32] = torch.cat(logits).float().softmax(dim=1).cpu().numpy()
    return probs
