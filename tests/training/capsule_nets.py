"""A small network of capsules."""

from __future__ import annotations

import torch

from training.nets import matrix_capsules

SMALL = {"convolutions": [[8, 5, 2]], "kinds": [2, 2, 3], "strides": [1, 1], "iterations": 2}


def small_net(**settings: object) -> torch.nn.Module:
    torch.manual_seed(1)
    return matrix_capsules.build({"emotion": 8}, 16, **{**SMALL, **settings})
