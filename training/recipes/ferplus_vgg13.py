"""The custom VGG-13 on FER+'s crowd labels, and with gender and age branches.

Barsoum et al.: Training deep networks for facial expression recognition with crowd-sourced label distribution, ICMI
2016, as used in the transfer-learning study of FER+: cross-entropy to the distribution of the votes, majority vote for
the accuracy, dropout after every block. `--set tasks='["emotion"]'` trains the single-task network, the default the
multi-task one; UTKFace stands for IMDB-WIKI.

We add a limit on the norm of the gradient: without it the network, which has no batch normalisation, gives no numbers any
more within ten batches of 32 at the papers' rate.
"""

from __future__ import annotations

from dataclasses import dataclass, field

from training.recipes import multitask
from training.recipes.multitask import build, build_net, build_on, draft_card, input_spec

__all__ = ["Config", "build", "build_net", "build_on", "draft_card", "input_spec"]


@dataclass(frozen=True)
class Config(multitask.Config):
    """The studies' network and loss on our sets."""

    net: str = "ferplus_vgg13"
    learning_rate: float = 0.05
    clip_norm: float = 1.0
    shares: dict[str, int] = field(
        default_factory=lambda: {"ferplus": 64, "utkface": 48, "genki4k": 12, "ckplus": 4}
    )
