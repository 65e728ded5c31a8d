"""The four ways to learn from the votes of a crowd.

Barsoum, Zhang, Canton Ferrer, Zhang: Training deep networks for facial expression recognition with crowd-sourced label
distribution, ICMI 2016, section 4, with the thresholds of the code that its authors published. mu_k is the share of the
votes for class k, q_k the network's probability:

- "distribution": L = -sum_k mu_k log q_k (the best of the four in the paper, with "probability").
- "majority": L = -log q_m, m the class with more than half of the votes; a face without one is left out.
- "probability": L = -log q_d, d drawn from mu, anew at every look.
- "multi_label": L = -log max_k t_k q_k, t_k = 1 for the classes with at least 30% of the votes, else 0.001; a face
  whose classes of that kind gather no more than half of the votes is left out.

The authors count "unknown" and "no face" among the votes; our shares are of the eight emotions alone, because the
reader has dropped faces where the other two lead. A drawn label comes from torch's global generator, which checkpoints
keep. Mixed pictures (`training.batches.mixup`) go with "distribution" and "probability": the other two would take away
what mixing gave.
"""

from __future__ import annotations

from typing import Literal, get_args

import torch
from torch import Tensor, nn
from torch.nn import functional

from training.losses.masked_cross_entropy import MaskedCrossEntropy

Mode = Literal["distribution", "majority", "probability", "multi_label"]

_MAJORITY = 0.5
_LEAST_SHARE = 0.3
_OTHER_CLASSES = 0.001
_ROUNDING = 1e-6


class CrowdLabelLoss(MaskedCrossEntropy):
    """Loss of a classifier against vote shares; exactly 0, with gradient 0, where no face counts.

    Args:
        mode: One of the four above.
        label_smoothing: From 0 to below 1; 0 in mode "multi_label".

    Raises:
        ValueError: An argument is out of its range.
    """

    def __init__(self, mode: Mode = "distribution", label_smoothing: float = 0.0) -> None:
        super().__init__(label_smoothing)
        if mode not in get_args(Mode):
            raise ValueError(f"mode: expected {', '.join(get_args(Mode))}, found {mode!r}")
        if mode == "multi_label" and label_smoothing:
            raise ValueError(f"label_smoothing: expected none in mode multi_label, found {label_smoothing!r}")
        self.mode = mode

    def per_image(self, logits: Tensor, *labels: Tensor) -> tuple[Tensor, Tensor]:
        """Return each picture's loss, float (N,), and whether it counts, bool (N,).

        Args:
            logits: float (N, C).
            labels: One tensor, float (N, C): vote shares, rows sum to 1; a row of NaN has no label.
        """
        (votes,) = labels
        if self.mode == "multi_label":
            return _multi_label(logits, votes)
        return super().per_image(logits, self._target(votes))

    def _target(self, votes: Tensor) -> Tensor:
        if self.mode == "majority":
            return majority(votes)
        if self.mode == "probability":
            return drawn(votes)
        return votes


def majority(votes: Tensor) -> Tensor:
    """Return 1 for the class with more than half of the votes, rows of NaN where there is none; float (N, C)."""
    decided = (votes > _MAJORITY + _ROUNDING).any(dim=1, keepdim=True)
    chosen = functional.one_hot(votes.nan_to_num().argmax(dim=1), votes.shape[1])
    return torch.where(decided, chosen.to(votes.dtype), torch.nan)


def drawn(votes: Tensor) -> Tensor:
    """Return 1 for one class drawn in proportion to the votes, rows of NaN where there are none; float (N, C)."""
    labelled = ~votes.isnan().any(dim=1, keepdim=True)
    # Unlabelled rows need some weights to draw from; what they give is thrown away.
    classes = torch.multinomial(torch.where(labelled, votes, 1.0), 1)
    return torch.where(labelled, torch.zeros_like(votes).scatter(1, classes, 1.0), torch.nan)


def _multi_label(logits: Tensor, votes: Tensor) -> tuple[Tensor, Tensor]:
    accepted = votes >= _LEAST_SHARE - _ROUNDING
    agreed = torch.where(accepted, votes, 0).sum(dim=1) > _MAJORITY + _ROUNDING
    log_target = torch.where(accepted, 1.0, _OTHER_CLASSES).log()
    log_probs = functional.log_softmax(logits.float(), dim=1)
    return -(log_probs + log_target).amax(dim=1), agreed


def example() -> tuple[nn.Module, tuple[Tensor, ...]]:
    """Return the loss with inputs it accepts."""
    generator = torch.Generator().manual_seed(1)
    votes = torch.rand(6, 8, generator=generator).softmax(dim=1)
    votes[1::2] = torch.nan
    return CrowdLabelLoss(), (torch.randn(6, 8, generator=generator), votes)
