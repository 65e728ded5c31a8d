"""Logit adjustment by the prior of each set: the network learns what a face shows, not how often its set shows it.

Menon et al.: Long-tail learning via logit adjustment, ICLR 2021, equation 10: the loss is taken of
f(x) + log pi_s, pi_s the prior of the classes in the set s that the face comes from, so that softmax(f) assumes classes
that are equally frequent. We differ: sets have priors of their own, and a share tau of the first set's prior is taken off again,
f(x) + log pi_s - tau log pi_1, so that softmax(f) assumes the prior pi_1^tau, between balanced (0) and the first set's own (1).
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor, nn

from training.data.prepared import PreparedFaces

_LEAST = 1e-3
"""A class that a set lacks counts as this rare, so that its logarithm is finite."""


def emotion_prior(
    faces: PreparedFaces, weights: npt.NDArray[np.float64] | None = None
) -> npt.NDArray[np.float64]:
    """Return the share of each emotion among a set's training faces, float64 (8,); equal shares where it has no emotions.

    Args:
        faces: The set.
        weights: float (N,), how often each face is drawn in relation to the others; None: all equally.
    """
    chosen = faces.where("train")
    chosen = chosen[np.isfinite(faces.emotion[chosen]).all(axis=1)]
    if not len(chosen):
        return np.full(faces.emotion.shape[1], 1 / faces.emotion.shape[1])
    drawn = np.ones(len(chosen)) if weights is None else np.asarray(weights, np.float64)[chosen]
    shares = np.maximum(np.average(faces.emotion[chosen].astype(np.float64), axis=0, weights=drawn), _LEAST)
    prior: npt.NDArray[np.float64] = shares / shares.sum()
    return prior


class PriorAdjustment(nn.Module):
    """Adds to logits what the prior of their set makes of them.

    Args:
        priors: For each set of the batch, in order, the share of every class; rows sum to 1.
        restored: tau above, 0 to 1.
    """

    log_priors: Tensor

    def __init__(self, priors: Sequence[npt.NDArray[np.float64]], restored: float) -> None:
        super().__init__()
        logs = np.log(np.stack(list(priors)))
        self.register_buffer("log_priors", torch.from_numpy(logs - restored * logs[:1]).float())

    def forward(self, logits: Tensor, source: Tensor) -> Tensor:
        """Return the adjusted logits, float (N, C).

        Args:
            logits: float (N, C).
            source: int64 (N,), position of each face's set.
        """
        return logits + self.log_priors[source]
