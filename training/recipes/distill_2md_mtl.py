"""Distill-2MD-MTL as published: VGG-16 without its last pool, GradNorm, domain head, dynamic rate.

Gabor feature based capsule networks and Distill-2MD-MTL, thesis, chapter 3: a batch of 32 faces with age, 32 with
gender and 64 with emotion; one loss matrix times a mask of the labels that are there; task weights by gradient
normalisation; a triplet domain head trained against the trunk. UTKFace gives age and gender of the same faces, so its
64 faces stand for both 32s; GENKI-4K's smile takes a share of the emotion's half. The student is
`python -m training label RUN`, then this recipe with `--set distilled=FOLDER --set selection.of=missing
--set selection.hard=true`.

We add a warm-up of 200 batches and a limit on the norm of the gradient: without them this VGG, which has no batch
normalisation, gives no numbers any more within five batches of 32 at the thesis's rate.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from training.multi_task.loss import LossSettings
from training.recipes import multitask
from training.recipes.multitask import build, build_net, build_on, draft_card, input_spec

__all__ = ["Config", "build", "build_net", "build_on", "draft_card", "input_spec"]


@dataclass(frozen=True)
class Config(multitask.Config):
    """The thesis's settings; what it leaves open is `multitask`'s."""

    net: str = "vgg16_without_last_pool"
    shares: dict[str, int] = field(
        default_factory=lambda: {"ferplus": 48, "utkface": 64, "genki4k": 10, "ckplus": 6}
    )
    learning_rate: float = 0.01
    schedule: str = "dynamic"
    schedule_settings: dict[str, Any] = field(default_factory=lambda: {"warm_up_steps": 200})
    clip_norm: float = 1.0
    balancing: str = "gradnorm"
    loss: LossSettings = field(default_factory=lambda: LossSettings(emotion="majority", domain_weight=1.0))
    task_weights: dict[str, float] = field(
        default_factory=lambda: {"emotion": 1.0, "age": 1.0, "gender": 1.0, "smile": 1.0}
    )
