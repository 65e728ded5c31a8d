"""The settings of a multi-task training, checked before anything is read."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, Literal

from engines.card import LABELS
from training.blocks.gabor import GaborSettings
from training.data.augmentation import Augmentation
from training.distillation.labels import Selection
from training.errors import RecipeError
from training.multi_task.loss import LossSettings
from training.names import names_in


@dataclass(frozen=True)
class Config:
    """Settings of the recipe; every field can be set with `--set name=value`.

    Attributes:
        data: Folder with the unpacked sets.
        cache: Folder for the prepared faces.
        net: File name in `training/nets`.
        net_settings: Keywords of the network's `build`.
        gabor: Gabor responses that the network gets beside or fused with the image.
        tasks: Heads to train; one of them makes a single-task network.
        size: Side of the input in pixels, a multiple of 16.
        align: Use the landmarks; False takes the whole crops.
        shares: Set -> faces in every batch.
        mixing: "mixed": every batch holds faces of every set; "alternating": the sets take turns.
        sampling: "natural", or "square_root" or "balanced" over the emotion classes and ages of each set.
        epochs: Passes over the first set of the shares.
        epoch_steps: Batches in an epoch, however many faces there are; 0 for the pass.
        optimizer: "sgd" with momentum 0.9, "adam", or "adamw" with decoupled weight decay.
        learning_rate: Peak or initial rate.
        schedule: File name in `training/schedules`.
        schedule_settings: Keywords of the schedule's `build`.
        weight_decay: L2 on all weights.
        frozen: Stages of the trunk that stay as they are, from the front; of a network whose trunk has `stages`.
        trunk_rate: Rate of the shared layers as a share of the branches' (fine-tuning).
        clip_norm: Largest norm of all gradients together; 0 leaves them as they are.
        nesterov: Nesterov's momentum.
        loss: Loss of every task, domain head, distillation.
        balancing: File name in `training/balancing`.
        balancing_settings: Keywords of the balancer's `build`, except the weights of the fixed one.
        task_weights: Task -> weight of its loss under "fixed"; the other balancers learn theirs.
        average_decay: Decay of the running average of the weights; 0 for none.
        keep_last: How many epochs' averaged weights to keep, for an ensemble of checkpoints.
        average_last: Export the mean of so many of the kept epochs' weights (Izmailov et al. 2018); 0 takes the last.
        augmentation: How training faces are changed.
        mixup: Alpha of the Beta distribution of mixup; 0 for none.
        smile_from_happiness: Also learn smile from the FER+ training faces whose votes leave no doubt: a smile where at
            least nine in ten votes are happiness, none where no vote is. GENKI-4K alone has 2,200 training faces.
        distilled: Folder that `python -m training label` wrote; empty for none.
        selection: Which distilled labels count.
        initial: Where to start: folder of a finished run (its averaged weights), name or folder of an exported model, or a
            file of pretrained weights (`training.trained.pretrained`); empty starts anew.
        smoothing: Set -> share of an emotion label that is spread over all emotions, for sets with one label a picture.
        restored_prior: See `training.multi_task.prior_adjustment`; None adjusts nothing.
        calibrate: Fit a temperature per head on validation and fold it into the exported network.
        bfloat16: Forward pass in bfloat16 where the device computes in it.
        device: "auto", "cpu" or "cuda".
        compile: Compile the network with torch.compile.
        seed: Of weights, order and changes.
        version: Of the exported model, in its card.
    """

    data: str = ""
    cache: str = ""
    net: str = "fast_face"
    net_settings: dict[str, Any] = field(default_factory=dict)
    gabor: GaborSettings = field(default_factory=GaborSettings)
    tasks: tuple[str, ...] = tuple(LABELS)
    size: int = 48
    align: bool = True
    shares: dict[str, int] = field(
        default_factory=lambda: {"ferplus": 80, "utkface": 36, "genki4k": 8, "ckplus": 4}
    )
    mixing: Literal["mixed", "alternating"] = "mixed"
    sampling: str = "natural"
    epochs: int = 20
    epoch_steps: int = 0
    optimizer: Literal["sgd", "adam", "adamw"] = "sgd"
    learning_rate: float = 0.1
    schedule: str = "one_cycle"
    schedule_settings: dict[str, Any] = field(default_factory=dict)
    weight_decay: float = 5e-4
    nesterov: bool = True
    frozen: int = 0
    trunk_rate: float = 1.0
    clip_norm: float = 0.0
    loss: LossSettings = field(default_factory=LossSettings)
    balancing: str = "fixed"
    balancing_settings: dict[str, Any] = field(default_factory=dict)
    task_weights: dict[str, float] = field(
        default_factory=lambda: {"emotion": 1.0, "age": 0.5, "gender": 0.7, "smile": 0.5}
    )
    average_decay: float = 0.998
    keep_last: int = 0
    average_last: int = 0
    augmentation: Augmentation = field(
        default_factory=lambda: Augmentation(rotation_deg=10, patch=0.15, blur=0.1)
    )
    mixup: float = 0.0
    smile_from_happiness: bool = True
    distilled: str = ""
    selection: Selection = field(default_factory=Selection)
    initial: str = ""
    smoothing: dict[str, float] = field(default_factory=dict)
    restored_prior: float | None = None
    calibrate: bool = True
    bfloat16: bool = True
    device: Literal["auto", "cpu", "cuda"] = "auto"
    compile: bool = False
    seed: int = 1
    version: str = "1.0"

    def __post_init__(self) -> None:
        object.__setattr__(self, "tasks", tuple(self.tasks))
        known = {
            "net": (self.net, names_in("nets")),
            "balancing": (self.balancing, names_in("balancing")),
            "schedule": (self.schedule, names_in("schedules")),
            "mixing": (self.mixing, ("mixed", "alternating")),
            "optimizer": (self.optimizer, ("sgd", "adam", "adamw")),
            "sampling": (self.sampling, ("natural", "square_root", "balanced")),
            "device": (self.device, ("auto", "cpu", "cuda")),
        }
        for name, (value, names) in known.items():
            if value not in names:
                raise RecipeError(f"{name}: expected one of {', '.join(names)}, found {value!r}")
        if not self.tasks or not set(self.tasks) <= set(LABELS) or set(self.task_weights) != set(LABELS):
            raise RecipeError(
                f"tasks, task_weights: expected some of and all of {', '.join(LABELS)}, "
                f"found {', '.join(self.tasks)} and {', '.join(self.task_weights)}"
            )
        if not 0 <= self.average_last <= self.keep_last:
            raise RecipeError(
                f"average_last: expected 0 to keep_last, which is {self.keep_last}, found {self.average_last}"
            )
        if self.mixup and self.loss.emotion in ("majority", "multi_label"):
            raise RecipeError(
                f"mixup: expected 0 with loss.emotion={self.loss.emotion}, which undoes the mixing, found {self.mixup}"
            )
        if not self.shares or min(self.shares.values()) < 1:
            raise RecipeError(f"shares: expected at least one face of each set named, found {self.shares}")
        if self.size % 16 or self.size < 16:
            raise RecipeError(f"size: expected a multiple of 16, found {self.size}")
        if self.gabor.feeding != "none" and self.gabor.kernel > self.size:
            raise RecipeError(
                f"gabor.kernel: expected at most the picture's {self.size} pixels, found {self.gabor.kernel}"
            )
        if self.epochs < 1 or self.learning_rate <= 0 or min(self.mixup, self.epoch_steps) < 0:
            raise RecipeError(
                f"epochs, learning_rate, mixup, epoch_steps: expected above 0 (the last two 0 or more), "
                f"found {self.epochs}, {self.learning_rate}, {self.mixup}, {self.epoch_steps}"
            )
