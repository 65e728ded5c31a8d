"""Whether a map is of the network at all: with other weights it has to be another one.

Adebayo et al.: Sanity checks for saliency maps, NeurIPS 2018, section 3 (model parameter randomization), all layers at
once: the rank correlation of the maps before and after. We differ: the weights of a layer are shuffled, not drawn anew, so that
signals keep their size and the comparison is not with a network that has died.
"""

from __future__ import annotations

import copy

import numpy as np
import torch
from scipy.stats import rankdata
from torch import nn

from training.blocks.multi_task import MultiTaskNet
from training.explain.score import Floats


def randomised(net: MultiTaskNet, seed: int = 1) -> MultiTaskNet:
    """Return a copy of a network whose weights are shuffled within every tensor of two axes or more."""
    other = copy.deepcopy(net)
    draws = torch.Generator().manual_seed(seed)
    with torch.no_grad():
        for module in other.modules():
            for weight in module.parameters(recurse=False):
                if weight.ndim > 1 and not isinstance(module, nn.modules.batchnorm._BatchNorm):
                    shuffled = weight.flatten()[torch.randperm(weight.numel(), generator=draws)]
                    weight.copy_(shuffled.view_as(weight))
    return other


def rank_correlations(maps: Floats, others: Floats) -> Floats:
    """Return Spearman's rank correlation of each face's two maps, (N,); 0 where one of them is the same everywhere.

    Args:
        maps: float32 (N, size, size) or (N, pixels).
        others: The same faces'.
    """
    ranks, theirs = (_centred_ranks(some) for some in (maps, others))
    lengths = np.sqrt((ranks**2).sum(axis=1) * (theirs**2).sum(axis=1))
    found: Floats = np.where(lengths > 0, (ranks * theirs).sum(axis=1) / np.maximum(lengths, 1e-12), 0)
    return found.astype(np.float32)


def _centred_ranks(maps: Floats) -> Floats:
    ranks = rankdata(maps.reshape(len(maps), -1), axis=1)
    centred: Floats = ranks - ranks.mean(axis=1, keepdims=True)
    return centred
