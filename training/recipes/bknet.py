"""Multi-task BKNet as published, on FER+, UTKFace, GENKI-4K and CK+.

Sang and Cuong: Effective deep multi-source multi-task learning frameworks for smile detection, emotion recognition and
gender classification, Informatica 42, 2018, sections 3.2 to 3.6 and 4.2: all sources in every batch, the smaller ones
repeated; SGD with momentum 0.9, batch 128, rate 0.01 * 0.8^(step / 10000), Gaussian initial weights of deviation 0.01,
250 epochs, ensemble of the last ten checkpoints. The shares give every task as many faces of a batch:
43 of emotion from two sets, 43 of gender, 42 of smile. We add a head for age; the losses are divided by the faces with a
label, as printed with `--set loss.mean_over=all`. Its other networks are
`--set net=resnet_v1` and `--set net=resnet_v2` with `--set schedule=reduce_on_plateau --set learning_rate=0.05`.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from training.data.augmentation import Augmentation
from training.multi_task.loss import LossSettings
from training.recipes import multitask
from training.recipes.multitask import build, build_net, build_on, draft_card, input_spec

__all__ = ["Config", "build", "build_net", "build_on", "draft_card", "input_spec"]


@dataclass(frozen=True)
class Config(multitask.Config):
    """The paper's settings."""

    net: str = "bknet"
    net_settings: dict[str, Any] = field(default_factory=lambda: {"initial_std": 0.01})
    shares: dict[str, int] = field(
        default_factory=lambda: {"ferplus": 38, "utkface": 43, "genki4k": 42, "ckplus": 5}
    )
    epochs: int = 250
    learning_rate: float = 0.01
    schedule: str = "exponential"
    weight_decay: float = 0.01
    nesterov: bool = False
    loss: LossSettings = field(default_factory=lambda: LossSettings(emotion="majority"))
    task_weights: dict[str, float] = field(
        default_factory=lambda: {"emotion": 1.0, "age": 1.0, "gender": 1.0, "smile": 1.0}
    )
    average_decay: float = 0.0
    keep_last: int = 10
    augmentation: Augmentation = field(
        default_factory=lambda: Augmentation(rotation_deg=15, gain=0, bias=0, blur=0, patch=0)
    )
    smile_from_happiness: bool = False
    calibrate: bool = False
